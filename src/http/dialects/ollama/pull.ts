import { createHash } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { TandemError } from '../../../domain/index.ts'
import type { Pulled, PullOutcome } from '../../../models/index.ts'
import type { HttpDeps, PullAsk } from '../../deps.ts'
import { fromFastify, logFailure } from '../../errors.ts'
import { causeOf } from '../../exchange.ts'
import { NDJSON, TextStream } from '../../text-stream.ts'
import { parse, refuse } from '../../validate.ts'
import { ollamaError } from './error.ts'
import { withoutLatest } from './names.ts'
import { PullBody } from './schema.ts'

/** Between two lines about the bytes that came. */
const PROGRESS_MS = 200

/** `OWNER/NAME:QUANTIZATION`, also with the hub's name before it. */
export function pullName(asked: string): Pick<PullAsk, 'name' | 'file'> {
  const plain = withoutLatest(asked.trim()).replace(/^(?:https?:\/\/)?(?:hf\.co|huggingface\.co)\//i, '')
  const [, name, file] = /^(.+):([^:/@]+)$/.exec(plain) ?? []
  return name !== undefined && file !== undefined ? { name, file } : { name: plain }
}

type Progress = Parameters<PullAsk['onProgress']>[0]

/** A download in the words of Ollama's progress; lines that would say the same again are left out. */
export class PullLines {
  readonly #digest: string
  readonly #write: (line: object) => void
  #saidMs = Number.NEGATIVE_INFINITY
  #last = ''
  #totalBytes = 0

  /** @param name clients keep one bar for each digest: all files of a model share the one of its name */
  constructor(name: string, write: (line: object) => void) {
    this.#digest = `sha256:${createHash('sha256').update(name).digest('hex')}`
    this.#write = write
  }

  say(status: string): void {
    this.#write({ status })
  }

  /** @param nowMs of a clock that only goes forward */
  progress({ file, phase, doneBytes, totalBytes }: Progress, nowMs: number): void {
    this.#totalBytes = totalBytes
    const status = phase === 'verifying' ? 'verifying sha256 digest' : `pulling ${file}`
    const same = status === this.#last
    if (same && (phase === 'verifying' || nowMs - this.#saidMs < PROGRESS_MS)) return
    this.#last = status
    this.#saidMs = nowMs
    const bytes = phase === 'verifying' ? {} : { total: totalBytes, completed: doneBytes }
    this.#write({ status, digest: this.#digest, ...bytes })
  }

  /** @param served whether a request can name it by now */
  end(outcome: Pulled, served: boolean): void {
    const { repository, id, folder, tasks = [], state } = outcome
    const total = this.#totalBytes
    if (total > 0)
      this.#write({ status: `pulling ${repository}`, digest: this.#digest, total, completed: total })
    for (const warning of outcome.warnings) this.say(warning)
    if (!served && tasks[0])
      this.say(
        `it is not served: \`tandem plan\` says why; or set models.${tasks[0]} to ${id} in tandem.yaml and start Tandem again`,
      )
    this.#write({ status: 'success', tandem: { id, folder, tasks, state } })
  }
}

/** @throws TandemError INVALID_REQUEST when several weights would do */
export function fetched(outcome: PullOutcome): Pulled {
  if (outcome.state !== 'ambiguous') return outcome
  const { repository, why, candidates } = outcome
  const labels = candidates.slice(0, 20).map(({ label }) => label)
  return refuse(
    'model',
    `${repository}: ${why}; ask for one as ${repository}:WEIGHTS, of: ${labels.join(', ')}`,
  )
}

/** `/api/pull`: one at a time; what was fetched when a client leaves is kept. */
export function pullRoute(app: FastifyInstance, deps: HttpDeps): void {
  let pulling: string | undefined

  async function pull(asked: string, signal: AbortSignal, write: (line: object) => void): Promise<void> {
    if (!deps.pull) throw new TandemError('NOT_FOUND', { what: 'pulling of models on this server' })
    if (pulling !== undefined)
      throw new TandemError('CONFLICT', { what: `${pulling} is being fetched; ask again when it is there` })
    const named = pullName(asked)
    pulling = named.name
    try {
      const lines = new PullLines(named.name, write)
      lines.say('pulling manifest')
      const outcome = await deps.pull({
        ...named,
        signal,
        say: (message) => lines.say(message),
        onProgress: (progress) => lines.progress(progress, performance.now()),
      })
      const pulled = fetched(outcome)
      await deps.refreshModels?.()
      lines.end(
        pulled,
        deps.models().some(({ id }) => id === pulled.id),
      )
    } finally {
      pulling = undefined
    }
  }

  app.post('/api/pull', async (request, reply) => {
    const { model, stream: streamed } = parse(PullBody, request.body)
    const { exchange } = request
    if (streamed === false) {
      let last: object = {}
      await pull(model, exchange.signal, (line) => {
        last = line
      })
      return last
    }
    const stream = new TextStream(reply, exchange, { form: NDJSON })
    const write = (line: object) => stream.write(`${JSON.stringify(line)}\n`)
    try {
      await pull(model, exchange.signal, write)
    } catch (thrown) {
      const error = fromFastify(causeOf(exchange, thrown))
      if (!stream.started) throw error
      logFailure(deps.log, request, error)
      write(ollamaError(error))
    }
    stream.end()
    return reply
  })
}
