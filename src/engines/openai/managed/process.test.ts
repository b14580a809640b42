import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { LogFile } from './log-file.ts'
import { freePort, startServer } from './process.ts'

const folder = mkdtempSync(join(tmpdir(), 'tandem-process-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let other: Server | undefined
afterEach(() => other?.close())

/** A shell's script stands for the program. */
async function start(script: string, props: (key: string | undefined) => number) {
  const port = await freePort()
  other = createServer(({ url, headers }, response) => {
    response.writeHead(url === '/props' ? props(headers.authorization) : 200).end()
  }).listen(port, '127.0.0.1')
  const binary = join(folder, 'llama-server')
  writeFileSync(binary, `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  const log = new LogFile(join(folder, 'server.log'))
  return startServer({ binary, args: [], port, apiKey: 'ours', log })
}

describe.skipIf(process.platform === 'win32')('a port', () => {
  test.each([
    ['asks for no key', () => 200],
    ['asks for another key', () => 401],
    ['is no llama-server', () => 404],
  ])('that a program took which %s is not believed', async (_name, props) => {
    await expect(start('exec sleep 20', props)).rejects.toMatchObject({ failure: { kind: 'port' } })
  })

  test("is ours where our key is asked for; the user's variables do not decide what Tandem does", async () => {
    const variables = { LLAMA_ARG_API_PREFIX: '/a', LLAMA_ARG_HF_REPO: 'b', LLAMA_ARG_THREADS_HTTP: '3' }
    Object.assign(process.env, variables)
    try {
      const seen = join(folder, 'seen')
      const running = await start(`env >${seen}; exec sleep 20`, (key) => (key === 'Bearer ours' ? 200 : 401))
      await expect.poll(() => readFileSync(seen, 'utf8')).toMatch(/^LLAMA_ARG_THREADS_HTTP=3$/m)
      expect(readFileSync(seen, 'utf8')).not.toMatch(/API_PREFIX|HF_REPO/)
      await running.stop()
    } finally {
      for (const name of Object.keys(variables)) delete process.env[name]
    }
  })
})
