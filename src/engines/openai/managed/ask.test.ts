import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { askServer } from './ask.ts'

const folder = mkdtempSync(join(tmpdir(), 'tandem-ask-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

// a shell's script stands for the program
test.skipIf(process.platform === 'win32').each([
  ['prints without an end', 'yes', 100_000, /maxBuffer length exceeded/],
  ['does not answer', 'exec sleep 20', 200, /no answer within 0\.2 s/],
  ['fails', 'exit 3', 100_000, /exit code 3/],
])('one that %s', async (_name, script, limitMs, says) => {
  const binary = join(folder, 'llama-server')
  writeFileSync(binary, `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  const asked = await askServer(binary, process.env, limitMs, new AbortController().signal)
  expect(asked).toEqual({ problem: expect.stringMatching(says) })
})
