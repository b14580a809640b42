import { createReadStream, createWriteStream } from 'node:fs'
import { link, mkdir, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { counted } from './counted.ts'
import type { UnpackedFiles } from './receipt.ts'
import { safeParts } from './safe-path.ts'
import { readTar, type TarEntry } from './tar.ts'
import { openZip } from './zip.ts'

export const ARCHIVE_KINDS = ['zip', 'tar.gz'] as const
export type ArchiveKind = (typeof ARCHIVE_KINDS)[number]

export interface UnpackOptions {
  /** More than so many bytes are refused. */
  readonly maxBytes: number
  /** Called with the bytes of the archive that were read since the last call. */
  readonly onBytes: (bytes: number) => void
  readonly signal: AbortSignal
}

const MAX_ENTRIES = 50_000
const FILE_TYPE = 0o170_000
const LINK = 0o120_000

/**
 * Unpacks an archive into an empty folder. Nothing is written outside of it: names that lead elsewhere are refused, and links
 * that do not lead down from where they are.
 * @returns what was unpacked, links left out
 * @throws Error saying which entry is wrong; the folder then holds part of the files
 */
export async function unpackArchive(
  archive: string,
  kind: ArchiveKind,
  folder: string,
  options: UnpackOptions,
): Promise<UnpackedFiles> {
  const unpacking = new Unpacking(folder, options)
  await (kind === 'zip' ? unpackZip(archive, unpacking, options) : unpackTar(archive, unpacking, options))
  return unpacking.files
}

/** Writes entries below a folder and keeps to the limits. */
class Unpacking {
  readonly files: Record<string, number> = {}
  #bytes = 0
  #entries = 0

  constructor(
    private readonly folder: string,
    private readonly options: UnpackOptions,
  ) {}

  async makeFolder(name: string): Promise<void> {
    await mkdir(this.#pathOf(name), { recursive: true })
  }

  /** @param open called once nothing speaks against the entry */
  async write(
    name: string,
    bytes: number,
    executable: boolean,
    open: () => readonly Readable[] | Promise<readonly Readable[]>,
  ): Promise<void> {
    this.#bytes += bytes
    if (this.#bytes > this.options.maxBytes)
      throw new Error(`it unpacks to more than ${this.options.maxBytes} bytes`)
    const path = await this.#placeFor(name)
    const content = await open()
    const out = createWriteStream(path, { flags: 'wx', mode: executable ? 0o755 : 0o644, flush: true })
    await pipeline([...content, counted(name, bytes, () => undefined), out], { signal: this.options.signal })
    this.files[safeParts(name).join('/')] = bytes
  }

  /** Made after all files, so that none is written through one. */
  async link({ kind, name, target }: TarEntry): Promise<void> {
    if (kind === 'hard link') {
      await link(this.#pathOf(target), await this.#placeFor(name))
      return
    }
    await symlink(safeParts(target).join('/'), await this.#placeFor(name))
  }

  async #placeFor(name: string): Promise<string> {
    const path = this.#pathOf(name)
    await mkdir(dirname(path), { recursive: true })
    return path
  }

  #pathOf(name: string): string {
    this.#entries += 1
    if (this.#entries > MAX_ENTRIES) throw new Error(`it has more than ${MAX_ENTRIES} entries`)
    return join(this.folder, ...safeParts(name))
  }
}

async function unpackZip(archive: string, unpacking: Unpacking, { onBytes }: UnpackOptions): Promise<void> {
  const zip = await openZip(archive)
  try {
    for (const entry of zip.entries) {
      const { name, bytes, packedBytes, mode } = entry
      if ((mode & FILE_TYPE) === LINK) throw new Error(`${name} is a link, which is not unpacked from a zip`)
      if (name.endsWith('/')) await unpacking.makeFolder(name)
      else await unpacking.write(name, bytes, (mode & 0o100) !== 0, () => zip.open(entry))
      onBytes(packedBytes)
    }
  } finally {
    await zip.close()
  }
}

async function unpackTar(
  archive: string,
  unpacking: Unpacking,
  { onBytes, signal }: UnpackOptions,
): Promise<void> {
  const gunzip = createGunzip()
  const seen = async function* (chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      onBytes(chunk.length)
      yield chunk
    }
  }
  const done = pipeline(createReadStream(archive, { signal }), seen, gunzip).catch(() => undefined) // whoever reads meets it
  const links: TarEntry[] = []
  try {
    for await (const { content, ...entry } of readTar(gunzip)) {
      if (entry.kind === 'folder') await unpacking.makeFolder(entry.name)
      else if (entry.kind === 'file')
        await unpacking.write(entry.name, entry.bytes, entry.executable, () => [Readable.from(content)])
      else links.push(entry)
    }
  } finally {
    gunzip.destroy()
    await done
  }
  for (const entry of links) await unpacking.link(entry)
}
