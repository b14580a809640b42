import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { PACKAGE_ROOT } from '../../src/config/index.ts'

let home: string
let folder: string

interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs the command line as a user does, in the project's folder. */
function tandem(...args: string[]): Promise<Ran> {
  const bin = join(PACKAGE_ROOT, 'bin', 'tandem.js')
  const options = { cwd: folder, env: { ...process.env, TANDEM_HOME: home }, timeout: 250_000 }
  return new Promise((resolve) => {
    execFile(process.execPath, [bin, ...args], options, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? -1) : 0, stdout, stderr }),
    )
  })
}

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'tandem-home-'))
  folder = mkdtempSync(join(tmpdir(), 'tandem-one-off-'))
  writeFileSync(
    join(folder, 'iban.ts'),
    '/** Groups an IBAN by fours. */\r\nexport function formatIban(iban: string): string {\r\n  return iban\r\n}\r\n',
  )
})

afterAll(() => {
  for (const path of [home, folder]) rmSync(path, { recursive: true, force: true, maxRetries: 3 })
})

test('index, search, ask and forget a project with no server running', async () => {
  const indexed = await tandem('index', '.', '--name', 'bank', '--json')
  expect(indexed.code, indexed.stderr).toBe(0)
  expect(JSON.parse(indexed.stdout)).toMatchObject({ name: 'bank', files: 1, state: 'ready' })

  const found = await tandem('search', 'group an iban by fours')
  expect(found.stdout).toContain('iban.ts:1-')
  expect(found.stdout).not.toMatch(/[\r\ufffd]/) // the line ends of Windows are no text

  const answer = await tandem('ask', 'what does formatIban do?', '--json')
  expect(JSON.parse(answer.stdout)).toMatchObject({
    answer: expect.stringContaining('formatIban'),
    citations: [{ path: 'iban.ts', startLine: 1 }],
  })

  expect((await tandem('index', '--remove')).code).toBe(0)
  expect(JSON.parse((await tandem('status', '--json')).stdout).projects).toEqual([])
})

test.each([
  [['ask', '  '], 2, 'the question is empty'],
  [['search', ''], 2, 'the query is empty'],
  [['index', '/'], 1, 'is a whole disk'],
])('%j ends with %i and says why', async (args, code, says) => {
  const ran = await tandem(...args)
  expect([ran.code, ran.stdout]).toEqual([code, ''])
  expect(ran.stderr).toContain(says)
})

test('a text that is cut is told', async () => {
  const ran = await tandem('embed', 'short', 'word '.repeat(600), '--json')
  expect(JSON.parse(ran.stdout)).toMatchObject({ truncated: [1], device: 'cpu', engine: 'onnxruntime' })
  expect(ran.stderr).toContain('text 2 is longer than the model reads')
})
