import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { openFiles } from '../../../../test/support/open-files.ts'
import { LogFile } from './log-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'tandem-log-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('keeps what came last, in two files of a bounded size, over several lives', () => {
  const path = join(folder, 'logs', 'server.log')
  for (let life = 0; life < 3; life++) {
    const log = new LogFile(path, 1000)
    for (let at = 0; at < 50; at++) log.write(`life ${life} line ${at} ${'.'.repeat(20)}\n`)
    log.close()
  }
  const [now, before] = [path, `${path}.1`].map((each) => readFileSync(each, 'utf8'))
  expect(`${before}${now}`.endsWith(`life 2 line 49 ${'.'.repeat(20)}\n`)).toBe(true)
  expect(`${before}${now}`).toContain('life 2 line 25')
  for (const each of [path, `${path}.1`]) expect(statSync(each).size).toBeLessThanOrEqual(1000)
})

test('where nothing can be kept, the server runs on', () => {
  const log = new LogFile(join('/dev/null', 'server.log'))
  log.write('unheard')
  log.close()
})

test.skipIf(process.platform !== 'linux')('a full disk ends it, and nothing stays open', () => {
  const log = new LogFile('/dev/full')
  expect(openFiles()).toContain('/dev/full')
  log.write('unheard')
  expect(openFiles()).not.toContain('/dev/full')
  log.close()
})
