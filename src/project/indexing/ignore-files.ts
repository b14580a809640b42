/** .gitignore, .git/info/exclude and .tandemignore with git's semantics: the deepest file that says something wins. */
import { readFileSync, statSync } from 'node:fs'
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import ignoreModule, { type Ignore } from 'ignore'

// The package is CommonJS: its default export is the function itself.
const ignore = ignoreModule as unknown as (options?: { ignorecase?: boolean }) => Ignore

/** One file of rules and the folder that its patterns are relative to. */
interface RuleFile {
  /** As a person names it, relative to the project: `packages/a/.gitignore`, `../.gitignore`. */
  readonly label: string
  readonly own: boolean
  readonly rules: Ignore
  /** Put before a project path, for files above the project. */
  readonly lead: string
  /** Characters to cut from a project path, for files below its root. */
  readonly cut: number
}

export interface Verdict {
  readonly ignored: boolean
  readonly reason?: string
  /** A rule in .tandemignore brought it back: soft built-in rules do not apply. */
  readonly wanted?: boolean
}

/** The rule files that apply within one folder, the outermost first. */
export class IgnoreChain {
  readonly #files: readonly RuleFile[]
  /** Rules that a deeper file overruled for an enclosing folder; they say nothing about what is inside. */
  readonly #overruled: ReadonlySet<string>

  private constructor(files: readonly RuleFile[], overruled: ReadonlySet<string>) {
    this.#files = files
    this.#overruled = overruled
  }

  /** The rules that hold at the project's root: those of enclosing folders up to the git repository included. */
  static atRoot(root: string): IgnoreChain {
    const files: RuleFile[] = []
    const top = repositoryOf(root)
    if (top) {
      const lead = toSlashes(relative(top.folder, root))
      files.push(...load(top.exclude, lead && `${lead}/`, 0, excludeLabel(top.exclude, root), false))
      for (let folder = top.folder; folder !== root; ) {
        const below = toSlashes(relative(folder, root))
        files.push(...loadBoth(folder, `${below}/`, 0, toSlashes(relative(root, folder))))
        folder = join(folder, below.split('/')[0] ?? '')
      }
    }
    // A folder that was named on purpose is indexed, also when an enclosing repository ignores it.
    const applying = files.filter((file) => file.lead === '' || !file.rules.test(file.lead).ignored)
    return new IgnoreChain([...applying, ...loadBoth(root, '', 0, '')], new Set())
  }

  /** @param path of the folder, relative to the root; @param entries its names, so that nothing is opened in vain */
  within(root: string, path: string, entries: ReadonlySet<string>): IgnoreChain {
    const overruled = this.#overruledFor(`${path}/`)
    const present = entries.has('.gitignore') || entries.has('.tandemignore')
    if (!present && overruled === this.#overruled) return this
    const own = present ? loadBoth(join(root, path), '', path.length + 1, path) : []
    return new IgnoreChain([...this.#files, ...own], overruled)
  }

  /** @param path relative to the root, forward slashes, with a slash at its end for a folder */
  verdict(path: string): Verdict {
    for (const file of this.#files.toReversed()) {
      const result = file.rules.test(file.lead + path.slice(file.cut))
      if (result.unignored) return file.own ? { ignored: false, wanted: true } : { ignored: false }
      if (result.rule && !this.#overruled.has(`${file.label}:${result.rule.mark}`))
        return {
          ignored: true,
          reason: `ignored by ${file.label} line ${result.rule.mark} (${result.rule.pattern.trimEnd()})`,
        }
    }
    return { ignored: false }
  }

  #overruledFor(folder: string): ReadonlySet<string> {
    const added = this.#files
      .map((file) => ({ file, rule: file.rules.test(file.lead + folder.slice(file.cut)).rule }))
      .filter(({ file, rule }) => rule && !this.#overruled.has(`${file.label}:${rule.mark}`))
      .map(({ file, rule }) => `${file.label}:${rule?.mark}`)
    return added.length === 0 ? this.#overruled : new Set([...this.#overruled, ...added])
  }
}

function loadBoth(folder: string, lead: string, cut: number, shown: string): RuleFile[] {
  return ['.gitignore', '.tandemignore'].flatMap((name) =>
    load(join(folder, name), lead, cut, shown ? `${shown}/${name}` : name, name === '.tandemignore'),
  )
}

function load(file: string, lead: string, cut: number, label: string, own: boolean): RuleFile[] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    return [] // absent or unreadable: no rules, as git does
  }
  const rules = ignore({ ignorecase: process.platform === 'win32' || process.platform === 'darwin' })
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  rules.add(lines.map((pattern, at) => ({ pattern, mark: String(at + 1) })))
  return [{ label, own, rules, lead, cut }]
}

/** The git repository that holds `root`: its top folder and its exclude file; a worktree's `.git` is a file. */
function repositoryOf(root: string): { folder: string; exclude: string } | undefined {
  for (let folder = root; ; folder = dirname(folder)) {
    const git = join(folder, '.git')
    const stat = statSync(git, { throwIfNoEntry: false })
    if (stat?.isDirectory()) return { folder, exclude: join(git, 'info', 'exclude') }
    if (stat?.isFile()) return { folder, exclude: join(commonGitFolder(folder, git), 'info', 'exclude') }
    if (dirname(folder) === folder) return undefined
  }
}

function commonGitFolder(folder: string, gitFile: string): string {
  try {
    const pointed = /^gitdir:\s*(.+)$/m.exec(readFileSync(gitFile, 'utf8'))?.[1]?.trim() ?? ''
    const gitDir = resolve(folder, pointed)
    return resolve(gitDir, readFileSync(join(gitDir, 'commondir'), 'utf8').trim())
  } catch {
    return gitFile // no such folder: no exclude file is found there
  }
}

function excludeLabel(file: string, root: string): string {
  const shown = toSlashes(relative(root, file))
  return isAbsolute(shown) || shown.startsWith('../../..') ? file : shown
}

function toSlashes(path: string): string {
  return sep === '/' ? path : path.replaceAll(sep, '/')
}
