import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FakeServer } from './fake-server.ts'
import { startCli, until } from './run-cli.ts'

let home: string
let server: FakeServer

beforeEach(async () => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'tandem-cli-')))
  server = new FakeServer()
  await server.listen()
  server.addProject('demo', home)
})
afterEach(async () => {
  await server.close()
  rmSync(home, { recursive: true, force: true })
})

const start = (args: readonly string[], env: Record<string, string> = {}) =>
  startCli(args, { cwd: home, home, env: { FAKE_URL: server.url, FAKE_LOG: join(home, 'log'), ...env } })

function events(): string[] {
  if (!existsSync(join(home, 'log'))) return []
  const lines = readFileSync(join(home, 'log'), 'utf8').split('\n').slice(0, -1) // the last one may be half written
  return lines.map((line) => (JSON.parse(line) as { event: string }).event)
}

describe.skipIf(process.platform === 'win32')('Ctrl-C', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    'in a streamed answer: %s leaves the stream, stops the server, exit %i',
    async (signal, code) => {
      server.faults.set('/v1/chat', 'endless')
      const { child, output, ended } = start(['ask', 'x'])
      await until(() => output.stdout.includes('more'), 'some of the answer')
      child.kill(signal)
      expect(await ended).toBe(code)
      await until(() => server.abandoned === 1, 'the stream is left')
      expect(events()).toEqual(['start', 'stop'])
      expect(output.stderr).not.toMatch(/Error|^\s+at /m)
    },
  )

  test('of a status that is watched is its end: exit 0, one document in each line', async () => {
    writeFileSync(join(home, 'server.json'), JSON.stringify({ pid: process.pid, url: server.url }))
    const { child, output, ended } = start(['status', '--watch', '--json'])
    await until(() => output.stdout.split('\n').length > 2, 'two documents')
    child.kill('SIGINT')
    expect(await ended).toBe(0)
    const documents = output.stdout.trim().split('\n')
    for (const line of documents) expect(JSON.parse(line)).toMatchObject({ projects: [{ name: 'demo' }] })
    expect(output.stderr).toBe('')
    rmSync(join(home, 'server.json'))
    const alone = start(['status', '--watch'])
    expect(await alone.ended).toBe(1)
    expect(alone.output.stderr).toContain('no server is running')
  })

  test('while a model loads', async () => {
    const { child, ended } = start(['ask', 'x'], { FAKE_READY: 'never' })
    await until(() => events().length === 1, 'the start')
    child.kill('SIGINT')
    expect(await ended).toBe(130)
    expect(events()).toEqual(['start', 'stop'])
  })

  test('while the models of a server load: exit 0, as later', async () => {
    const { child, ended } = start(['serve'], { FAKE_READY: 'never' })
    await until(() => events().length === 1, 'the start')
    child.kill('SIGINT')
    expect(await ended).toBe(0)
    expect(events()).toEqual(['start', 'stop'])
  })

  test('while an index is followed on a running server, which stays', async () => {
    server.looksUntilReady = 1e9
    writeFileSync(join(home, 'server.json'), JSON.stringify({ pid: process.pid, url: server.url }))
    const { child, ended } = start(['index'])
    await until(() => server.received.filter(({ path }) => path.endsWith('/demo')).length > 1, 'two looks')
    child.kill('SIGINT')
    expect(await ended).toBe(130)
    expect(events()).toEqual([])
  })

  test('while the doctor probes', async () => {
    writeFileSync(join(home, 'server.json'), JSON.stringify({ pid: process.pid, url: server.url }))
    const { child, ended } = start(['doctor'])
    await until(() => server.received.length > 0, 'its look at the server, just before the probes')
    child.kill('SIGINT')
    expect(await ended).toBe(130)
  })

  test('ends a server that was started: exit 0', async () => {
    const { child, output, ended } = start(['serve'])
    await until(() => output.stdout.includes('Ctrl-C ends it'), 'the banner')
    child.kill('SIGINT')
    expect(await ended).toBe(0)
    expect(events()).toEqual(['start', 'stop'])
  })

  test('a server whose stop hangs is killed', async () => {
    const { child, output, ended } = start(['serve'], { FAKE_STOP: 'hang' })
    await until(() => output.stdout.includes('Ctrl-C ends it'), 'the banner')
    const startedMs = performance.now()
    child.kill('SIGINT')
    await until(() => events().includes('kill'), 'the kill')
    expect(performance.now() - startedMs).toBeLessThan(20_000) // 2 s are promised; a machine may stand still meanwhile
    expect(await ended).toBe(0)
  })

  test('twice: killed at once, exit 130', async () => {
    let code: number | string | null = 0
    for (let tries = 0; code === 0 && tries < 5; tries += 1) {
      rmSync(join(home, 'log'), { force: true })
      const { child, output, ended } = start(['serve'], { FAKE_STOP: 'hang' })
      await until(() => output.stdout.includes('Ctrl-C ends it'), 'the banner')
      child.kill('SIGINT')
      await until(() => events().includes('stop'), 'the stop')
      await new Promise((resolve) => setTimeout(resolve, 400)) // sooner it would count as the same key press
      child.kill('SIGINT') // where this comes too late, the stop that hangs was killed already
      code = await ended
    }
    expect(code).toBe(130)
    expect(events()).toEqual(['start', 'stop', 'kill'])
  })

  test('once, passed on by npm at the same moment: still a clean end', async () => {
    const { child, output, ended } = start(['serve'])
    await until(() => output.stdout.includes('Ctrl-C ends it'), 'the banner')
    child.kill('SIGINT')
    child.kill('SIGINT')
    expect(await ended).toBe(0)
    expect(events()).toEqual(['start', 'stop'])
  })
})

test('a reader that leaves early ends the command quietly: exit 0, server stopped', async () => {
  server.faults.set('/v1/chat', 'endless')
  const { child, output, ended } = start(['ask', 'x'])
  await until(() => output.stdout.includes('more'), 'some of the answer')
  child.stdout?.destroy()
  expect(await ended).toBe(0)
  expect(events()).toEqual(['start', 'stop'])
  expect(output.stderr).toBe('')
})
