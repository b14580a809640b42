import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/index.ts'

const pages = fileURLToPath(new URL('../../docs/clients/', import.meta.url))
const home = mkdtempSync(join(tmpdir(), 'tandem-pages-'))
afterAll(() => rmSync(home, { recursive: true }))

/** Blocks that begin with `# tandem.yaml`; others are for the client's own configuration. */
const snippets = readdirSync(pages)
  .filter((page) => page.endsWith('.md'))
  .flatMap((page) =>
    [...readFileSync(join(pages, page), 'utf8').matchAll(/```yaml\n(# tandem\.yaml\n.*?)```/gs)].map(
      ([, yaml = '']) => ({ page, yaml }),
    ),
  )

test('pages show configuration', () => {
  expect(snippets.map(({ page }) => page)).toEqual(expect.arrayContaining(['claude-code.md', 'codex.md']))
})

test.each(snippets)('$page: its tandem.yaml is valid', ({ yaml }) => {
  const file = join(home, 'tandem.yaml')
  writeFileSync(file, yaml)
  expect(loadConfig({ home, file, env: {} }).warnings).toEqual([])
})
