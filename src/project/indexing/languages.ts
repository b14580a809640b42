/** What a file is, by its name: language, grammar and role are data. */
import type { FileRecord } from '../records.ts'

/** How a language's text is split: a grammar of the parser, headings, or lines alone. */
export type Splitter = { readonly grammar: string } | 'markdown' | 'lines'

interface Language {
  readonly extensions: readonly string[]
  readonly splitter: Splitter
  readonly names?: readonly string[]
  readonly config?: boolean
  readonly docs?: boolean
}

const grammar = (name: string): Splitter => ({ grammar: name })

const LANGUAGES: Readonly<Record<string, Language>> = {
  typescript: { extensions: ['ts', 'mts', 'cts'], splitter: grammar('TypeScript') },
  tsx: { extensions: ['tsx'], splitter: grammar('Tsx') },
  javascript: { extensions: ['js', 'mjs', 'cjs', 'jsx'], splitter: grammar('JavaScript') },
  python: { extensions: ['py', 'pyi', 'pyw'], splitter: grammar('python') },
  go: { extensions: ['go'], splitter: grammar('go') },
  rust: { extensions: ['rs'], splitter: grammar('rust') },
  java: { extensions: ['java'], splitter: grammar('java') },
  c: { extensions: ['c', 'h'], splitter: grammar('cpp') },
  cpp: {
    extensions: ['cc', 'cpp', 'cxx', 'c++', 'hh', 'hpp', 'hxx', 'h++', 'inl', 'ipp', 'cu', 'cuh', 'ino'],
    splitter: grammar('cpp'),
  },
  css: { extensions: ['css'], splitter: grammar('Css') },
  html: { extensions: ['html', 'htm', 'xhtml'], splitter: grammar('Html') },
  markdown: { extensions: ['md', 'mdx', 'markdown'], splitter: 'markdown', docs: true },
  restructuredtext: { extensions: ['rst'], splitter: 'lines', docs: true },
  asciidoc: { extensions: ['adoc', 'asciidoc'], splitter: 'lines', docs: true },
  text: {
    extensions: ['txt', 'text'],
    names: ['readme', 'license', 'licence', 'copying', 'notice', 'authors', 'changelog', 'contributing'],
    splitter: 'lines',
    docs: true,
  },
  json: { extensions: ['json', 'jsonc', 'json5', 'webmanifest'], splitter: 'lines', config: true },
  yaml: { extensions: ['yaml', 'yml'], splitter: 'lines', config: true },
  toml: { extensions: ['toml'], splitter: 'lines', config: true },
  ini: {
    extensions: ['ini', 'cfg', 'conf', 'properties', 'editorconfig'],
    names: ['.gitignore', '.gitattributes', '.npmrc', '.tandemignore', '.dockerignore', '.env.example'],
    splitter: 'lines',
    config: true,
  },
  xml: {
    extensions: ['xml', 'xsd', 'xsl', 'csproj', 'props', 'targets', 'plist'],
    splitter: 'lines',
    config: true,
  },
  dockerfile: {
    extensions: ['dockerfile'],
    names: ['dockerfile', 'containerfile'],
    splitter: 'lines',
    config: true,
  },
  makefile: {
    extensions: ['mk', 'mak'],
    names: ['makefile', 'gnumakefile', 'justfile'],
    splitter: 'lines',
    config: true,
  },
  cmake: { extensions: ['cmake'], names: ['cmakelists.txt'], splitter: 'lines', config: true },
  hcl: { extensions: ['tf', 'hcl', 'nomad'], splitter: 'lines', config: true },
  nix: { extensions: ['nix'], splitter: 'lines', config: true },
  shell: { extensions: ['sh', 'bash', 'zsh', 'fish', 'ksh'], splitter: 'lines' },
  powershell: { extensions: ['ps1', 'psm1', 'psd1'], splitter: 'lines' },
  batch: { extensions: ['bat', 'cmd'], splitter: 'lines' },
  csharp: { extensions: ['cs', 'csx'], splitter: 'lines' },
  fsharp: { extensions: ['fs', 'fsx', 'fsi'], splitter: 'lines' },
  visualbasic: { extensions: ['vb'], splitter: 'lines' },
  kotlin: { extensions: ['kt', 'kts'], splitter: 'lines' },
  scala: { extensions: ['scala', 'sc'], splitter: 'lines' },
  groovy: { extensions: ['groovy', 'gradle'], names: ['jenkinsfile'], splitter: 'lines' },
  swift: { extensions: ['swift'], splitter: 'lines' },
  objectivec: { extensions: ['m', 'mm'], splitter: 'lines' },
  dart: { extensions: ['dart'], splitter: 'lines' },
  ruby: { extensions: ['rb', 'rake', 'gemspec'], names: ['rakefile', 'gemfile'], splitter: 'lines' },
  php: { extensions: ['php', 'phtml'], splitter: 'lines' },
  perl: { extensions: ['pl', 'pm', 't'], splitter: 'lines' },
  lua: { extensions: ['lua'], splitter: 'lines' },
  r: { extensions: ['r'], splitter: 'lines' },
  julia: { extensions: ['jl'], splitter: 'lines' },
  elixir: { extensions: ['ex', 'exs'], splitter: 'lines' },
  erlang: { extensions: ['erl', 'hrl'], splitter: 'lines' },
  haskell: { extensions: ['hs', 'lhs'], splitter: 'lines' },
  ocaml: { extensions: ['ml', 'mli'], splitter: 'lines' },
  clojure: { extensions: ['clj', 'cljs', 'cljc', 'edn'], splitter: 'lines' },
  zig: { extensions: ['zig'], splitter: 'lines' },
  sql: { extensions: ['sql'], splitter: 'lines' },
  graphql: { extensions: ['graphql', 'gql'], splitter: 'lines' },
  protobuf: { extensions: ['proto'], splitter: 'lines' },
  scss: { extensions: ['scss', 'sass', 'less', 'styl'], splitter: 'lines' },
  vue: { extensions: ['vue'], splitter: 'lines' },
  svelte: { extensions: ['svelte'], splitter: 'lines' },
  astro: { extensions: ['astro'], splitter: 'lines' },
  solidity: { extensions: ['sol'], splitter: 'lines' },
  tex: { extensions: ['tex', 'bib'], splitter: 'lines', docs: true },
}

const byExtension = new Map<string, string>()
const byName = new Map<string, string>()
for (const [id, language] of Object.entries(LANGUAGES)) {
  for (const extension of language.extensions) byExtension.set(extension, id)
  for (const name of language.names ?? []) byName.set(name, id)
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** The language of a file by its name; `text` when nothing is known. */
export function languageOf(path: string): string {
  const name = baseName(path).toLowerCase()
  const named = byName.get(name)
  if (named) return named
  const dot = name.lastIndexOf('.')
  return (dot >= 0 ? byExtension.get(name.slice(dot + 1)) : undefined) ?? 'text'
}

export function splitterOf(language: string): Splitter {
  return LANGUAGES[language]?.splitter ?? 'lines'
}

type Role = FileRecord['role']

/** First match wins; `path` is tested with forward slashes and a leading slash. */
const ROLES: readonly { readonly role: Role; readonly test: RegExp }[] = [
  {
    role: 'generated',
    test: /\/(?:generated|__generated__|gen|autogen)\/|[._]generated\.\w+$|\.(?:pb|g|gen)\.\w+$/i,
  },
  { role: 'declaration', test: /\.d\.[cm]?ts$/i },
  {
    role: 'test',
    test: /\/(?:tests?|__tests__|__mocks__|specs?|e2e|testing|testdata|fixtures?|test-utils)\/|[._-](?:test|spec|suite)s?\.\w+$|\/test_[^/]*\.py$|_test\.\w+$|\/conftest\.py$|\/[^/]*Tests?\.(?:java|cs|kt|swift)$/,
  },
  // benchmarks drive the code that is asked about, as examples do
  {
    role: 'example',
    test: /\/(?:examples?|samples?|demos?|tutorials?|playground|bench|benchmarks?)\//i,
  },
  { role: 'docs', test: /\/docs?\/.*\.(?:html?|txt)$/i },
]

/** What a file is for, by its path: ranking uses it. */
export function roleOf(path: string, language = languageOf(path)): Role {
  const slashed = `/${path}`
  for (const { role, test } of ROLES) if (test.test(slashed)) return role
  if (LANGUAGES[language]?.docs) return 'docs'
  return LANGUAGES[language]?.config ? 'config' : 'source'
}
