// A real source tree cut to a number of chunks: TypeScript's own library, split into files of a usual size.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PACKAGE_ROOT } from '../../dist/config/index.js'
import { chunkText } from '../../dist/project/indexing/chunk.js'

const LINES_PER_FILE = 400

/**
 * Writes files into `folder` until they hold `count` chunks.
 * @returns {{ files: number, texts: string[] }} what the index will embed, in order
 */
export function writeTree(folder, count) {
  const lib = join(PACKAGE_ROOT, 'node_modules', 'typescript', 'lib')
  const sources = readdirSync(lib).filter((name) => /^(typescript\.js|_tsc\.js|lib\..*\.d\.ts)$/.test(name))
  const texts = []
  let files = 0
  for (const name of sources.sort((a, b) => Number(b === 'typescript.js') - Number(a === 'typescript.js'))) {
    const lines = readFileSync(join(lib, name), 'utf8').split('\n')
    for (let at = 0; at < lines.length; at += LINES_PER_FILE) {
      if (texts.length >= count) return { files, texts: texts.slice(0, count) }
      const text = lines.slice(at, at + LINES_PER_FILE).join('\n')
      const path = `part${Math.floor(files / 50)}/${name.replace(/\.(d\.ts|js)$/, '')}-${at}${name.endsWith('.d.ts') ? '.d.ts' : '.js'}`
      mkdirSync(join(folder, path, '..'), { recursive: true })
      writeFileSync(join(folder, path), text)
      const language = name.endsWith('.d.ts') ? 'typescript' : 'javascript'
      texts.push(...chunkText(text, language).map((chunk) => chunk.embedText))
      files++
    }
  }
  throw new Error(`the sources hold ${texts.length} chunks only`)
}
