/** Tar archives, small and with faults that no program would write. */
import { gzipSync } from 'node:zlib'

export interface TarredFile {
  readonly name: string
  readonly content?: string | Buffer
  /** `0` file, `1` hard link, `2` link, `5` folder, or another letter of the format. */
  readonly type?: string
  readonly target?: string
  readonly mode?: number
}

/** A tar.gz of the entries in their order. */
export function makeTarGz(entries: readonly TarredFile[]): Buffer {
  const blocks = entries.flatMap(({ name, content = '', type = '0', target = '', mode = 0o644 }) => {
    const data = Buffer.from(content)
    const header = Buffer.alloc(512)
    header.write(name, 0, 100, 'utf8')
    header.write(`${mode.toString(8).padStart(7, '0')}\0`, 100, 'latin1')
    header.write(`${data.length.toString(8).padStart(11, '0')}\0`, 124, 'latin1')
    header.write(' '.repeat(8), 148, 'latin1')
    header.write(type, 156, 'latin1')
    header.write(target, 157, 100, 'utf8')
    header.write('ustar\x0000', 257, 'latin1')
    const sum = header.reduce((total, byte) => total + byte, 0)
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
    return [header, data, Buffer.alloc((512 - (data.length % 512)) % 512)]
  })
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]))
}
