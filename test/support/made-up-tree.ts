/** A tree of made-up sources on the disk, the same for the same seed. */
import { mkdir, mkdtemp, realpath, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

export function random(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

/** Source of functions that no other call made: `serial` is part of every name. */
export function source(serial: number, functions: number): string {
  const parts = Array.from(
    { length: functions },
    (_, at) => `/** Adds up the orders of region ${serial} that part ${at} of the report needs. */
export function sumOrders${serial}Part${at}(orders: readonly number[]): number {
  let total = ${serial * 31 + at}
  for (const order of orders) total += order * ${at + 2}
  return total
}
`,
  )
  return parts.join('\n')
}

export class MadeUpTree {
  readonly paths: string[] = []
  #serial = 0

  private constructor(readonly root: string) {}

  static async make(files: number, functions: number): Promise<MadeUpTree> {
    const tree = new MadeUpTree(await realpath(await mkdtemp(join(tmpdir(), 'tandem-tree-'))))
    for (let at = 0; at < files; at += 1) await tree.add(functions)
    return tree
  }

  async write(path: string, text: string): Promise<void> {
    const file = join(this.root, path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text)
  }

  /** @returns its path relative to the root */
  async add(functions: number): Promise<string> {
    this.#serial += 1
    const path = `src/room${this.#serial % 7}/file${this.#serial}.ts`
    await this.write(path, source(this.#serial, functions))
    this.paths.push(path)
    return path
  }

  /** New content for the file at a place of the list. */
  async change(at: number, functions: number): Promise<void> {
    this.#serial += 1
    await this.write(this.paths[at]!, source(this.#serial, functions))
  }

  async move(at: number): Promise<void> {
    this.#serial += 1
    const path = `src/moved/file${this.#serial}.ts`
    await mkdir(join(this.root, 'src/moved'), { recursive: true })
    await rename(join(this.root, this.paths[at]!), join(this.root, path))
    this.paths[at] = path
  }

  async delete(at: number): Promise<void> {
    await rm(join(this.root, this.paths.splice(at, 1)[0]!))
  }

  remove(): Promise<void> {
    return rm(this.root, { recursive: true, force: true })
  }
}
