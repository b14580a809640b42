/** Performs one batch at its worker: rows of an encoder, or a chat. */
import type { LiveFigure } from '../calibration/index.ts'
import { asTandemError, type ChatDelta, type Placement, type ServedBy, TandemError } from '../domain/index.ts'
import type { CallOptions, Worker } from '../workers/index.ts'
import type { ChatJob } from './chat-job.ts'
import type { Batch } from './core/index.ts'
import { isUnable } from './fault-of.ts'
import type { Job, RowsJob, TurnJob } from './jobs.ts'
import { withNamedInput } from './named-input.ts'
import type { RowInput } from './rows.ts'
import { isShown } from './sent-answer.ts'

/** A batch is bounded work: past this its worker counts as hanging. */
const BATCH_MS = 30_000
/** A chat that has begun must show something within this. */
const SILENCE_MS = 120_000
/** The blocks in which a CPU reads a prompt are made to take less. */
const CHAT_PROGRESS_MS = 250
/** Tokens of an answer from which on its speed tells something. */
const MIN_WRITTEN = 16

/** What a batch needs of the loop. */
export interface BatchRun {
  readonly batch: Batch
  readonly worker: Worker
  readonly served: ServedBy
  readonly signal: AbortSignal
  readonly job: (request: number) => Job | undefined
  /** Whether its answer still counts. */
  readonly counts: () => boolean
  /** Whether nothing else is at the worker. */
  readonly isAlone: () => boolean
  /** A chat has begun; once more where nothing was shown then. */
  readonly onBegun: (shown: boolean) => void
  /** The reader of a chat is broken: nobody takes the rest. */
  readonly onBrokenReader: (request: number) => void
  readonly onFigure: (placement: Placement, figure: LiveFigure) => void
  readonly onReleased: () => void
  readonly abort: () => void
}

export async function runRows(run: BatchRun): Promise<void> {
  const { batch, worker, served } = run
  const [head] = batch.parts
  const { call } = (run.job(head!.request) as RowsJob).request // of all parts: they are of one kind
  const inputs: RowInput[] = []
  for (const part of batch.parts) {
    const { request } = run.job(part.request) as RowsJob
    for (const index of part.inputs) inputs.push(request.inputs[index] as RowInput)
  }
  const options = { ...optionsOf(run), deadlineMs: BATCH_MS, priority: batch.priority }
  const elapsedAlone = stopwatch(run)
  const output = await call(worker, inputs, options).catch((thrown: unknown) => {
    throw withNamedInput(thrown, batch)
  })
  if (!run.counts()) return // its twin was first
  const ms = elapsedAlone()
  if (ms !== undefined) {
    const tokens = Math.max(...output.tokens)
    const msPerText = ms / inputs.length
    run.onFigure(worker.placement, { kind: 'encoder', tokens, batch: inputs.length, msPerText })
  }
  let offset = 0
  for (const part of batch.parts) {
    const job = run.job(part.request) as RowsJob | undefined // cancelled meanwhile
    job?.take(output, part.inputs, offset, served)
    offset += part.inputs.length
  }
}

/** @returns tokens that were written */
export async function runChat(run: BatchRun): Promise<number> {
  const { batch, worker, served } = run
  const id = batch.parts[0]?.request ?? -1
  const job = run.job(id) as ChatJob
  const part = job.begin(served)
  let silence: NodeJS.Timeout | undefined
  let silent = false
  let shown = false
  const onDelta = (delta: ChatDelta) => {
    if (!run.job(id)) return
    try {
      job.delta(delta, part) // before anything that it would wait for
    } catch (thrown) {
      job.fail(thrown)
      run.onBrokenReader(id)
    }
    const isFirst = silence === undefined
    if (silence) silence.refresh()
    else
      silence = setTimeout(() => {
        silent = true
        run.abort()
      }, SILENCE_MS)
    if (isFirst || (!shown && isShown(delta))) {
      shown = isShown(delta)
      run.onBegun(shown)
    }
  }
  const elapsedAlone = stopwatch(run)
  try {
    const result = await job.call(worker, part.resume, onDelta, optionsOf(run))
    const { decodeMs } = result.timings
    const written = result.usage.completionTokens
    if (elapsedAlone() !== undefined && decodeMs > 0 && written >= MIN_WRITTEN)
      run.onFigure(worker.placement, {
        kind: 'decoder',
        decodeTokensPerSecond: (written / decodeMs) * 1000,
      })
    job.take(result, part)
    return written
  } catch (thrown) {
    const why = `no token for ${SILENCE_MS / 1000} s`
    part.lost = silent
      ? new TandemError('ENGINE_FAILED', { engine: worker.placement.engine, why })
      : asTandemError(thrown)
    if (isUnable(part.lost)) job.unable(part)
    throw part.lost
  } finally {
    clearTimeout(silence)
  }
}

export async function runTurn({ job, batch, worker, signal, onReleased }: BatchRun): Promise<void> {
  try {
    await (job(batch.parts[0]?.request ?? -1) as TurnJob).call(worker, signal)
  } finally {
    onReleased()
  }
}

function optionsOf({ batch, worker, signal, onReleased }: BatchRun): CallOptions {
  const { task, kind } = worker.placement
  // a chat shows progress at each block of its prompt; how long one takes is known of CPUs alone
  const chatMs = kind === 'cpu' ? CHAT_PROGRESS_MS : undefined
  const expectedMs = task === 'chat' ? chatMs : batch.expectedMs
  return { signal, onReleased, ...(expectedMs === undefined ? {} : { expectedMs }) }
}

/** @returns milliseconds from now; undefined where anything else ran on the worker at the beginning or the end */
function stopwatch({ isAlone }: BatchRun): () => number | undefined {
  const aloneBefore = isAlone()
  const startedMs = performance.now()
  return () => (aloneBefore && isAlone() ? performance.now() - startedMs : undefined)
}
