/** Wheels as pip takes them, small and with faults. */
import { createHash } from 'node:crypto'
import { makeZip, type ZippedFile } from './make-zip.ts'

const recordHash = (data: Buffer) => createHash('sha256').update(data).digest('base64url')

/** A wheel of a package with the files, its metadata and its RECORD. */
export function makeWheel(
  version: string,
  files: readonly ZippedFile[],
  /** Hashes that the RECORD has wrong. */
  wrong: readonly string[] = [],
): Buffer {
  const info = `openvino-${version}.dist-info`
  const text = (name: string, lines: readonly string[]) => ({
    name: `${info}/${name}`,
    content: Buffer.from(lines.map((line) => `${line}\n`).join('')),
  })
  const all = [
    ...files,
    text('METADATA', ['Metadata-Version: 2.1', 'Name: openvino', `Version: ${version}`]),
    text('WHEEL', ['Wheel-Version: 1.0', 'Root-Is-Purelib: false']),
  ]
  const rows = all.map(({ name, content }) => {
    const hash = recordHash(wrong.includes(name) ? Buffer.from('another') : content)
    return `${name},sha256=${hash},${content.length}`
  })
  return makeZip([...all, text('RECORD', [...rows, `${info}/RECORD,,`])])
}
