import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { z } from 'zod'

const Manifest = z.object({ name: z.string(), version: z.string() })

const { resolve } = createRequire(import.meta.url)

/** The version of an installed package; loads nothing of it. Absent when it is not installed. */
export function packageVersion(name: string): string | undefined {
  try {
    // not every package lets its package.json be resolved, so it is looked for above the entry
    for (let folder = dirname(resolve(name)); folder !== dirname(folder); folder = dirname(folder)) {
      const read = manifestIn(folder)
      if (read?.name === name) return read.version
    }
  } catch {} // not installed
  return undefined
}

function manifestIn(folder: string): z.infer<typeof Manifest> | undefined {
  try {
    return Manifest.parse(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')))
  } catch {
    return undefined // the folder has none of a package
  }
}
