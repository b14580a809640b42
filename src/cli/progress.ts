import { setTimeout as sleep } from 'node:timers/promises'
import type { TandemClient } from './client/client.ts'
import type { ProjectDocument } from './client/documents.ts'
import { CommandError } from './failure.ts'
import type { Output } from './io.ts'
import { counted, duration } from './print/table.ts'

/** Milliseconds between two looks, and between two lines where the line cannot be redrawn. */
const POLL_MS = 250
const LINE_EVERY_MS = 5000
const REDRAW_EVERY_MS = 100
const BAR_CELLS = 24

/** One line that says where an index stands, at most `width` columns. */
export function progressText(project: ProjectDocument, width: number): string {
  const { progress } = project
  if (!progress || progress.phase === 'scanning')
    return `${project.name}: reading files, ${counted(progress?.filesDone ?? project.files, 'file')}`.slice(
      0,
      width,
    )
  const { chunksEmbedded, chunksPending, filesDone, filesTotal } = progress
  const total = chunksEmbedded + chunksPending
  const chunkShare = total === 0 ? 1 : chunksEmbedded / total
  const fileShare = filesTotal === 0 ? 1 : filesDone / filesTotal
  const share = Math.min(1, chunkShare * fileShare) // files that are not read yet will add chunks
  const parts = [
    `${project.name}: ${bar(share)}`,
    `${filesDone}/${counted(filesTotal, 'file')}`,
    ...(progress.chunksPerSecond < 1 ? [] : [`${Math.round(progress.chunksPerSecond)} chunks/s`]),
    ...(progress.remainingS === undefined ? [] : [`${duration(progress.remainingS)} left`]),
  ]
  return parts.join(', ').slice(0, width)
}

/** `[######..................] 25 %` */
export function bar(share: number): string {
  const cells = Math.round(share * BAR_CELLS)
  return `[${'#'.repeat(cells)}${'.'.repeat(BAR_CELLS - cells)}] ${Math.floor(share * 100)} %`
}

/** A line on stderr: redrawn on a terminal, else written anew every few seconds. */
export class ProgressLine {
  readonly #stream: Output
  #drawn = false
  #lastDrawnMs = Number.NEGATIVE_INFINITY
  #lastLineMs = performance.now() // a short index needs no line at all

  constructor(stream: Output) {
    this.#stream = stream
  }

  update(project: ProjectDocument): void {
    this.show((width) => progressText(project, width))
  }

  /** @param textOf makes a text of at most `width` columns */
  show(textOf: (width: number) => string): void {
    if (this.#stream.isTTY) {
      if (this.#drawn && performance.now() - this.#lastDrawnMs < REDRAW_EVERY_MS) return
      this.#lastDrawnMs = performance.now()
      const width = Math.max(20, (this.#stream.columns || 80) - 1)
      this.#stream.write(`\r\u001b[2K${textOf(width)}`)
      this.#drawn = true
    } else if (performance.now() - this.#lastLineMs >= LINE_EVERY_MS) {
      this.#stream.write(`${textOf(200)}\n`)
      this.#lastLineMs = performance.now()
    }
  }

  /** Takes the line away, so that other text can be written. */
  clear(): void {
    if (this.#drawn) this.#stream.write('\r\u001b[2K')
    this.#drawn = false
  }
}

/**
 * Follows a project until its index is up to date.
 * @throws CommandError when indexing fails, or when the folder is gone
 */
export async function followProject(
  client: TandemClient,
  name: string,
  line: ProgressLine,
  signal: AbortSignal,
): Promise<ProjectDocument> {
  try {
    for (;;) {
      const project = await client.project(name)
      if (project.state === 'ready') return project
      if (project.state !== 'indexing') {
        const why =
          project.error ?? (project.state === 'missing' ? `${project.path} is gone` : 'no reason was given')
        throw new CommandError(
          `indexing ${name} failed: ${why}`,
          'put that right and run `tandem index` again',
        )
      }
      line.update(project)
      await sleep(POLL_MS, undefined, { signal })
    }
  } finally {
    line.clear()
  }
}
