import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { explainPath } from './explain.ts'
import { walk } from './walk.ts'

let root: string
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'tandem-walk-')))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const options = { maxFileBytes: 100_000, excluded: [] as string[] }

function put(files: Record<string, string | Buffer>, below = root): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(below, path)), { recursive: true })
    writeFileSync(join(below, path), content)
  }
}

const found = (from = root, changes = {}) =>
  [...walk(from, { ...options, ...changes })]
    .flatMap((entry) => (entry.kind === 'file' ? [entry.path] : []))
    .sort()
const why = (path: string, from = root) => explainPath(from, path, options).reason

describe('rules of the user', () => {
  test('nested .gitignore files: the deepest wins, patterns are relative to their folder', () => {
    put({
      '.gitignore': '# build\n\ndist/\n*.log\n/top.txt\n',
      'dist/a.ts': '',
      'a.log': '',
      'top.txt': '',
      'sub/top.txt': 'x',
      'sub/.gitignore': '!keep.log\nlocal\n',
      'sub/keep.log': 'x',
      'sub/other.log': '',
      'sub/local': '',
      'sub/deep/local': '',
      local: 'x',
    })
    expect(found()).toEqual(['.gitignore', 'local', 'sub/.gitignore', 'sub/keep.log', 'sub/top.txt'])
    expect(why('dist/a.ts')).toBe('ignored by .gitignore line 3 (dist/)')
    expect(why('sub/other.log')).toBe('ignored by .gitignore line 4 (*.log)')
    expect(why('sub/deep/local')).toBe('ignored by sub/.gitignore line 2 (local)')
    expect(why('sub/keep.log')).toBe('indexed as text')
  })

  test('an allow-style .gitignore keeps what it names', () => {
    put({ '.gitignore': '*\n!*/\n!*.ts\n', 'a.ts': 'x', 'b.js': 'x', 'src/deep/c.ts': 'x', 'src/d.md': 'x' })
    expect(found()).toEqual(['a.ts', 'src/deep/c.ts'])
    expect(why('b.js')).toBe('ignored by .gitignore line 1 (*)')
  })

  test('the same files as git, for a tree of many patterns', () => {
    put({
      '.gitignore':
        'a/**/z.txt\n/b\n!b/\nc/*\n!c/keep/\n**/foo/bar.txt\n*.tmp\n!important.tmp\n[xy].md\n\\#odd\ntrail \nq?.txt\n',
      'a/z.txt': '',
      'a/m/n/z.txt': '',
      'a/ok.txt': '',
      'b/in.txt': '',
      'c/lost.txt': '',
      'c/keep/in.txt': '',
      'c/keep/.gitignore': '*.txt\n!in.txt\n',
      'c/keep/out.txt': '',
      'd/foo/bar.txt': '',
      'd/foo/baz.txt': '',
      'one.tmp': '',
      'important.tmp': '',
      'x.md': '',
      'z.md': '',
      '#odd': '',
      trail: '',
      'q1.txt': '',
      'Q1.txt': '',
      'd/.gitignore': '!x.md\n/foo/baz.txt\n',
      'd/x.md': '',
      'excluded/e.txt': '',
    })
    execFileSync('git', ['init', '-q'], { cwd: root })
    writeFileSync(join(root, '.git/info/exclude'), '# c\nexcluded\n')
    const listed = execFileSync('git', ['ls-files', '-z', '--others', '--exclude-standard'], { cwd: root })
    expect(found()).toEqual(listed.toString().split('\0').filter(Boolean).sort())
    expect(why('excluded/e.txt')).toBe('ignored by .git/info/exclude line 2 (excluded)')
  })

  test('a project inside of a repository obeys the rules above it', () => {
    execFileSync('git', ['init', '-q'], { cwd: root })
    put({ '.gitignore': '*.gen.ts\n/packages/a/out\nignored-project\n', 'packages/.gitignore': 'tmp\n' })
    put({
      'packages/a/x.gen.ts': '',
      'packages/a/out/b.ts': '',
      'packages/a/tmp/c.ts': '',
      'packages/a/d.ts': 'x',
    })
    const project = join(root, 'packages/a')
    expect(found(project)).toEqual(['d.ts'])
    expect(why('out/b.ts', project)).toBe('ignored by ../../.gitignore line 2 (/packages/a/out)')
    put({ 'ignored-project/a.ts': 'x' })
    expect(found(join(root, 'ignored-project'))).toEqual(['a.ts'])
  })

  test('.tandemignore leaves out what git keeps, and brings back what git or a built-in rule leaves out', () => {
    put({
      '.gitignore': 'docs/\n*.lock\n',
      '.tandemignore': 'big/\n!docs/\n!docs/**\n!yarn.lock\n',
      'big/a.ts': '',
      'docs/guide.md': 'x',
      'yarn.lock': 'x',
      'other.lock': '',
      '.env': 'KEY=1',
    })
    expect(found()).toEqual(['.gitignore', '.tandemignore', 'docs/guide.md', 'yarn.lock'])
    expect(why('big/a.ts')).toBe('ignored by .tandemignore line 1 (big/)')
  })

  test('a worktree, whose .git is a file, uses the exclude file of its repository', () => {
    put({ 'main/.git/info/exclude': 'secret-notes\n', 'main/.git/worktrees/w/commondir': '../..\n' })
    put({ 'w/.git': `gitdir: ${join(root, 'main/.git/worktrees/w')}\n`, 'w/secret-notes': '', 'w/a.ts': 'x' })
    expect(found(join(root, 'w'))).toEqual(['a.ts'])
  })
})

describe('built-in rules', () => {
  const KEY =
    '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n-----END OPENSSH PRIVATE KEY-----\n'
  test.each<[string, string | Buffer, RegExp]>([
    ['.env', 'A=1', /secret/],
    ['.env.production', 'A=1', /secret/],
    ['conf/prod.env', 'A=1', /secret/],
    ['server.pem', 'x', /secret/],
    ['tls.key', 'x', /secret/],
    ['id_rsa', 'x', /secret/],
    ['.netrc', 'machine a login b', /secret/],
    ['credentials.json', '{}', /secret/],
    ['.npmrc', '//registry.example/:_authToken=abcdef\n', /holds a token/],
    ['notes.txt', KEY, /private key/],
    ['key.ts', 'export const key = `-----BEGIN PRIVATE KEY-----\\nMIIEvQIBADANBgkqhkiG9w0B`', /private key/],
    ['gcp.json', '{"type": "service_account", "private_key": "abcdefghijkl"}', /service account/],
    ['.aws/config', 'x', /credentials/],
    ['node_modules/a/index.js', 'x', /node_modules holds installed dependencies/],
    ['.git/config', 'x', /version control/],
    ['package-lock.json', '{}', /written by a tool/],
    ['app.min.js', 'x', /minified/],
    ['a.js.map', '{}', /generated/],
    ['logo.png', 'x', /\.png files are binary/],
    ['data', Buffer.from([65, 0, 66]), /NUL byte/],
    ['noise.txt', Buffer.from(Array.from({ length: 400 }, (_, i) => (i % 6) + 1)), /control characters/],
    ['huge.ts', 'x\n'.repeat(60_000), /120000 bytes, at most 100000 \(config index.maxFileBytes\)/],
    ['one-line.js', 'x'.repeat(30_000), /a line has 30000 characters/],
    ['api.go', '// Code generated by protoc. DO NOT EDIT.\npackage a\n', /generated/],
    ['vendor/modules.txt', '', /vendored/],
    ['env/pyvenv.cfg', '', /Python environment/],
  ])('%s is left out', (path, content, reason) => {
    put({ [path]: content })
    expect(explainPath(root, path, options)).toMatchObject({
      indexed: false,
      reason: expect.stringMatching(reason),
    })
  })

  test.each<[string, string | Buffer, string]>([
    ['.env.example', 'A=1', 'indexed as ini'],
    ['.npmrc', 'ignore-scripts=true\n', 'indexed as ini'],
    ['ci/.npmrc', '//registry.example/:_authToken=$' + '{TOKEN}\n', 'indexed as ini'],
    ['check.ts', "if (text.includes('-----BEGIN PRIVATE KEY-----')) refuse()\n", 'indexed as typescript'],
    ['latin.txt', Buffer.from('caf\u00e9 au lait', 'latin1'), 'indexed as text; some bytes are not UTF-8'],
    ['win.ps1', Buffer.from('\uFEFFWrite-Host "a"', 'utf16le'), 'indexed as powershell'],
    ['empty.py', '', 'indexed as python'],
    ['vendor/mine.ts', 'x', 'indexed as typescript'],
  ])('%s is indexed', (path, content, reason) => {
    put({ [path]: content })
    expect(explainPath(root, path, options)).toMatchObject({ indexed: true, reason })
    expect(found()).toContain(path)
  })

  test('links are not followed: not out of the tree, and not in circles', () => {
    put({ 'src/a.ts': 'x' })
    symlinkSync(root, join(root, 'src/loop'))
    symlinkSync('/etc', join(root, 'etc'))
    symlinkSync('/etc/passwd', join(root, 'passwd.txt'))
    symlinkSync('gone', join(root, 'broken'))
    expect(found()).toEqual(['src/a.ts'])
    expect(why('passwd.txt')).toMatch(/symbolic link: not followed/)
    expect(why('etc/passwd')).toBe('etc is a symbolic link: not followed')
  })

  test('pipes and unreadable files get a reason', () => {
    put({ 'a.ts': 'x' })
    execFileSync('mkfifo', [join(root, 'pipe.ts')])
    expect(found()).toEqual(['a.ts'])
    expect(why('pipe.ts')).toBe('is not a regular file')
    if (process.getuid?.() === 0) return // the superuser reads everything
    chmodSync(join(root, 'a.ts'), 0)
    expect(why('a.ts')).toBe('cannot be read: permission denied')
  })

  test.each([
    ['../other/file.ts', /^is outside of the project/],
    ['src/../../x', /^is outside of the project/],
    ['/etc/passwd', /^is outside of the project/],
    ['a\0b', /NUL byte/],
    ['', /project folder itself/],
    ['gone.ts', /no such file/],
    ['a.ts/b.ts', /a\.ts is no folder/],
    ['src', /is a folder/],
  ])('explain %j', (path, reason) => {
    put({ 'a.ts': 'x', 'src/b.ts': 'x' })
    expect(explainPath(root, path, options)).toMatchObject({
      indexed: false,
      reason: expect.stringMatching(reason),
    })
  })

  test("Tandem's own folder is never entered; a missing root is an error", () => {
    put({ 'a.ts': 'x', 'home/projects.json': '{}' })
    expect(found(root, { excluded: [join(root, 'home')] })).toEqual(['a.ts'])
    expect(() => found(join(root, 'gone'))).toThrow(/it does not exist/)
  })
})
