import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PACKAGE_ROOT } from '../../config/index.ts'
import type { ChunkRecord } from '../records.ts'
import { chunkText } from './chunk.ts'
import { LIMITS } from './unit.ts'

const LANGUAGES = [
  'typescript',
  'tsx',
  'javascript',
  'python',
  'go',
  'rust',
  'java',
  'cpp',
  'css',
  'html',
  'markdown',
  'ruby',
  'text',
] as const

/** Every line once, in order, within the limits; and the chunks together are the text. */
function expectCovers(text: string, chunks: readonly ChunkRecord[]): void {
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  expect(chunks.map((chunk) => chunk.text).join('\n')).toBe(lines.join('\n'))
  let next = 1
  for (const chunk of chunks) {
    expect(chunk.startLine).toBe(next)
    expect(chunk.endLine).toBeGreaterThanOrEqual(chunk.startLine)
    next = chunk.endLine + 1
    const own = lines.slice(chunk.startLine - 1, chunk.endLine)
    if (own.length === 1) continue
    expect(own.length).toBeLessThanOrEqual(LIMITS.lines)
    expect(own.reduce((sum, line) => sum + line.trim().length + 1, 0)).toBeLessThanOrEqual(LIMITS.weight)
  }
  expect(next).toBe(lines.length + 1)
}

const summary = (chunks: readonly ChunkRecord[]) =>
  chunks.map(
    (c) => `${c.startLine}-${c.endLine} ${[...c.scope, c.symbol ?? '-'].join('.')} [${c.defines.join(' ')}]`,
  )

/** Fragments that make real trees, cut and joined anyhow. */
const fragment = fc.constantFrom(
  'class A {\n',
  '  run(a: string) {\n',
  '    return 1\n',
  '  }\n',
  '}\n',
  'function f() {\n',
  '/** doc\n * more */\n',
  'def f(x):\n',
  '  pass\n',
  '@dec\n',
  '# Title\n',
  '## Part\n',
  '```ts\n',
  'impl A {\n',
  'fn x() {}\n',
  '// c\n',
  '\n',
  '\r\n',
  '{\n',
  '((((',
  '`${',
  '"""\n',
  '<div>\n',
  `${'x = 1; '.repeat(40)}\n`,
  `${'call(a, b)\n'.repeat(70)}`,
  'é漢字🚀',
  '\u0000',
  '\uFEFF',
)

describe('the chunks of any text cover every line once, in order, within the limits', () => {
  test.each(LANGUAGES)('%s: arbitrary text', (language) => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        expectCovers(text, chunkText(text, language))
      }),
      { numRuns: 60 },
    )
  })

  test.each(LANGUAGES)('%s: fragments of code', (language) => {
    fc.assert(
      fc.property(fc.array(fragment, { maxLength: 60 }), (parts) => {
        expectCovers(parts.join(''), chunkText(parts.join(''), language))
      }),
      { numRuns: 80 },
    )
  })

  const edges: [string, string][] = [
    ['empty', ''],
    ['one newline', '\n'],
    ['only blank lines', '\n \n\t\n'.repeat(100)],
    ['no final newline', 'const a = 1'],
    ['CRLF', 'function f() {\r\n  return 1\r\n}\r\n'.repeat(80)],
    ['byte order mark', '\uFEFFexport const a = 1\n'],
    ['one line of 1 MB', 'x'.repeat(1 << 20)],
    ['one statement of 1 MB', `const a = [${'1, '.repeat(350_000)}]\n`],
    ['20,000 nested blocks', `${'{\n'.repeat(20_000)}${'}\n'.repeat(20_000)}`],
    ['50,000 parentheses', '('.repeat(50_000)],
    ['a comment of 500 lines', `/*\n${' * word\n'.repeat(500)} */\nfunction f() {}\n`],
  ]
  test.each(edges)('%s', (_, text) => {
    for (const language of LANGUAGES) expectCovers(text, chunkText(text, language))
  })

  test.each([
    ['typescript/lib/lib.dom.d.ts', 'typescript'],
    ['fastify/fastify.js', 'javascript'],
    ['fastify/README.md', 'markdown'],
    ['zod/package.json', 'json'],
    ['@ast-grep/lang-python/src/scanner.c', 'c'],
    ['@ast-grep/lang-rust/src/parser.c', 'c'],
    ['@types/node/fs.d.ts', 'typescript'],
  ])('%s', (file, language) => {
    const text = readFileSync(join(PACKAGE_ROOT, 'node_modules', file), 'utf8')
    expectCovers(text.slice(0, 600_000), chunkText(text.slice(0, 600_000), language))
  })
})

describe('chunks follow the syntax', () => {
  test('a class that is too long is split into its methods, never kept twice, comments and decorators with them', () => {
    const body = (n: number) => `    const value${n} = compute(this.state, ${n})\n`.repeat(14)
    const text = `import x from 'y'

/** Holds requests. */
export class Queue {
  size = 0

  /** Takes the oldest. */
  @traced()
  take(a: string) {
${body(1)}  }

  put(): void {
${body(2)}  }
}

export const limit = 3
`
    expect(summary(chunkText(text, 'typescript'))).toEqual([
      '1-6 Queue [Queue size]',
      '7-25 Queue.take [take]',
      '26-43 Queue.put [put]',
      '44-44 limit [limit]',
    ])
  })

  test('a function that is too long keeps its comment and signature in its first chunk, and its name in all', () => {
    const text = `// Runs all.\nfunction runAll(jobs) {\n${'  jobs.push({ a: 1, b: 2, c: 3 })\n'.repeat(100)}}\n`
    const chunks = chunkText(text, 'javascript')
    expect(chunks.length).toBeGreaterThan(2)
    expect(chunks[0]).toMatchObject({ startLine: 1, symbol: 'runAll', defines: ['runAll'] })
    for (const chunk of chunks.slice(1)) {
      expect(chunk).toMatchObject({ symbol: 'runAll', scope: ['runAll'], defines: [] })
      expect(chunk.embedText.startsWith('runAll\n')).toBe(true)
    }
  })

  test.each([
    ['python', '@dec\ndef f(x):\n  return 1\n\nclass A:\n  def m(self):\n    pass\n', ['f', 'A', 'm']],
    [
      'go',
      'package a\n\nfunc (s *Server) Run() int { return 1 }\ntype T struct {\n a int\n}\n',
      ['Run', 'T'],
    ],
    [
      'rust',
      '/// d\n#[derive(Debug)]\nstruct S { a: u8 }\nimpl S {\n  /// d\n  fn x(&self) {}\n}\n',
      ['S', 'x'],
    ],
    ['java', '/** d */\npublic class A {\n  @Override\n  public void m() {}\n}\n', ['A', 'm']],
    ['c', 'static struct foo *bar(void)\n{\n  return 0;\n}\n#define MAX 3\n', ['bar', 'MAX']],
    ['cpp', 'namespace n {\nclass A {\n  void m() {}\n};\nvoid A::k() {}\n}\n', ['n', 'A', 'm', 'k']],
    [
      'javascript',
      'exports.run = function () {}\nA.prototype.go = () => 1\nconst q = 1\n',
      ['run', 'go', 'q'],
    ],
    ['tsx', 'export function App() { return <b>{x}</b> }\ninterface Props { a: string }\n', ['App', 'Props']],
    ['css', '.a { b: c }\n@media x { .b { c: d } }\n', ['.a', '.b']],
    ['ruby', 'class A\n  def take(x)\n  end\nend\n', ['A', 'take']],
  ])('%s: names of definitions', (language, text, names) => {
    expect(chunkText(text, language).flatMap((chunk) => chunk.defines)).toEqual(expect.arrayContaining(names))
  })

  test('a Go method lies in the scope of its receiver', () => {
    const [chunk] = chunkText('func (s *Server[T]) Run() int { return 1 }\n', 'go')
    expect(chunk).toMatchObject({ symbol: 'Run', scope: ['Server'] })
  })

  test('Markdown splits at headings outside of fences, with the path of headings as scope', () => {
    const text = `# Guide\n\n${'Words of text here. '.repeat(30)}\n\n## Install\n\n${'More words. '.repeat(50)}\n\n\`\`\`sh\n# no heading\n\`\`\`\n\n### Linux\n\n${'Text. '.repeat(60)}\n`
    expect(summary(chunkText(text, 'markdown'))).toEqual([
      '1-4 Guide [Guide]',
      '5-12 Guide.Install [Install]',
      '13-15 Guide.Install.Linux [Linux]',
    ])
  })

  test('equal code has equal hashes wherever it is and whatever its line endings', () => {
    const [a] = chunkText('function f() {\n  return 1\n}\n', 'javascript')
    const [b] = chunkText('function f() {\r\n  return 1\r\n}\r\n', 'javascript')
    expect(a?.hash).toBe(b?.hash)
    expect(b?.text).toContain('\r')
  })
})
