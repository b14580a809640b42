import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { PROMISES } from './promises.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

const tests = ['src', 'test'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true })
    .map((entry) => join(root, folder, String(entry)))
    .filter((file) => /\.(test|suite)\.ts$/.test(file)),
)
const text = tests.map((file) => readFileSync(file, 'utf8')).join('\n')

test.each(PROMISES.filter((promise) => promise.kept))('the promise $id is cited by a test', ({ id }) => {
  expect(text).toContain(`[${id}]`)
})
