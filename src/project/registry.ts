/** The projects that Tandem knows, kept in `projects.json` of its home. */
import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { z } from 'zod'
import { TandemError } from '../domain/index.ts'

export const PROJECT_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

const Entry = z.strictObject({
  name: z.string().regex(PROJECT_NAME),
  /** Absolute, without links. */
  path: z.string().min(1),
  /** Folder of the index below the home's `indexes`. */
  folder: z.string().regex(/^[a-f0-9]{16}$/),
  /** Version of the chunker that last went over the whole tree; 0: none did. */
  chunker: z.int().min(0),
  /** Counts of the last whole scan or of the end, for a process that does not open the project. */
  files: z.int().min(0),
  chunks: z.int().min(0),
})
const File = z.strictObject({ version: z.literal(1), projects: z.array(Entry) })

export type RegistryEntry = z.infer<typeof Entry>

export class Registry {
  readonly #file: string
  #entries: RegistryEntry[] = []

  /** Reads what is kept; a broken file is set aside, never overwritten. */
  constructor(home: string, onWarning: (message: string) => void) {
    mkdirSync(home, { recursive: true })
    this.#file = join(home, 'projects.json')
    let text: string
    try {
      text = readFileSync(this.#file, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
      throw error
    }
    try {
      this.#entries = File.parse(JSON.parse(text)).projects
    } catch (error) {
      const aside = `${this.#file}.broken-${randomBytes(4).toString('hex')}`
      renameSync(this.#file, aside)
      const why = error instanceof z.ZodError ? z.prettifyError(error) : String(error)
      onWarning(`${this.#file} could not be read and is kept as ${aside}; add the projects again. ${why}`)
    }
  }

  get entries(): readonly RegistryEntry[] {
    return this.#entries
  }

  byName(name: string): RegistryEntry | undefined {
    return this.#entries.find((entry) => entry.name === name)
  }

  byPath(path: string): RegistryEntry | undefined {
    return this.#entries.find((entry) => entry.path === path)
  }

  /** @throws TandemError INVALID_REQUEST (a name that is not allowed), CONFLICT (taken by another path) */
  add(path: string, name?: string): RegistryEntry {
    if (name !== undefined && !PROJECT_NAME.test(name))
      throw new TandemError(
        'INVALID_REQUEST',
        {
          what: `"${name}" is no project name; letters, digits, . _ - are allowed, at most 64, a letter or digit first`,
        },
        { param: 'name' },
      )
    const taken = name === undefined ? undefined : this.byName(name)
    if (taken)
      throw new TandemError('CONFLICT', {
        what: `the project name ${name} is taken by ${taken.path}; give another`,
      })
    const entry: RegistryEntry = {
      name: name ?? this.#freeName(path),
      path,
      folder: randomBytes(8).toString('hex'),
      chunker: 0,
      files: 0,
      chunks: 0,
    }
    this.#save([...this.#entries, entry])
    return entry
  }

  remove(name: string): void {
    this.#save(this.#entries.filter((entry) => entry.name !== name))
  }

  /** Writes only when something differs. */
  update(name: string, changes: Partial<Pick<RegistryEntry, 'chunker' | 'files' | 'chunks'>>): void {
    const entry = this.byName(name)
    const changed = entry && { ...entry, ...changes }
    if (!changed || JSON.stringify(changed) === JSON.stringify(entry)) return
    this.#save(this.#entries.map((each) => (each === entry ? changed : each)))
  }

  #freeName(path: string): string {
    const cleaned = basename(path)
      .replace(/[^A-Za-z0-9._-]+/g, '-')
      .replace(/^[^A-Za-z0-9]+/, '')
      .slice(0, 56)
    const base = cleaned === '' ? 'project' : cleaned
    if (!this.byName(base)) return base
    for (let n = 2; ; n += 1) if (!this.byName(`${base}-${n}`)) return `${base}-${n}`
  }

  /** Written aside, forced to the disk, then renamed: a reader and a crash see the old or the new file. */
  #save(entries: RegistryEntry[]): void {
    const aside = `${this.#file}.${process.pid}.tmp`
    const file = openSync(aside, 'w', 0o600)
    try {
      writeFileSync(file, `${JSON.stringify({ version: 1, projects: entries }, null, 2)}\n`)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(aside, this.#file)
    this.#entries = entries
  }
}
