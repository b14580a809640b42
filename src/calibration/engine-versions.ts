import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { z } from 'zod'
import type { EngineId } from '../domain/index.ts'
import type { DiscoveredEngine } from '../engines/index.ts'

/** Engines that are npm packages: the library is a part of the package. */
const PACKAGES: Readonly<Partial<Record<EngineId, string>>> = {
  onnxruntime: 'onnxruntime-node',
  'llama.cpp': 'node-llama-cpp',
}

const Manifest = z.object({ version: z.string() })

/**
 * Versions of the engines without loading them.
 * @param discovered engines that are installed apart from Tandem
 * @throws Error when a package that Tandem needs is not installed
 */
export function engineVersions(
  discovered: readonly DiscoveredEngine[],
): Readonly<Partial<Record<EngineId, string>>> {
  const versions: Partial<Record<EngineId, string>> = {}
  for (const [engine, name] of Object.entries(PACKAGES) as [EngineId, string][])
    versions[engine] = packageVersion(name)
  for (const { engine, version } of discovered) if (version !== undefined) versions[engine] = version
  return versions
}

function packageVersion(name: string): string {
  const folders = createRequire(import.meta.url).resolve.paths(name) ?? []
  for (const folder of folders) {
    try {
      return Manifest.parse(JSON.parse(readFileSync(join(folder, name, 'package.json'), 'utf8'))).version
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') throw thrown
    }
  }
  throw new Error(`the package ${name} is not installed; run \`npm ci\``)
}
