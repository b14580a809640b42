import { ENGINE_FAULTS, type ErrorCode, TandemError } from '../domain/index.ts'
import type { Worker } from '../workers/index.ts'
import type { Fault } from './core/index.ts'
import type { Route } from './routes.ts'

/** The worker is well, and another one may be able. */
const CANNOT: readonly ErrorCode[] = ['IMAGES_UNSUPPORTED', 'MODEL_CANNOT', 'CANNOT_CONTINUE']

export interface BatchFault {
  readonly fault: Fault
  /** `unable`: workers of the route that are known to refuse it as well. */
  readonly cannot?: readonly string[]
}

/** What a batch failed of, by what its worker said. */
export function faultOf(error: TandemError, route: Route, worker: Worker): BatchFault {
  const { code } = error
  if (code === 'WORKER_LOST' || code === 'DEADLINE' || code === 'STARTING') return { fault: 'worker' }
  if (code === 'IMAGES_UNSUPPORTED') return { fault: 'unable', cannot: withoutImages(route) }
  if (CANNOT.includes(code)) return { fault: 'unable' }
  if (code === 'CONTEXT_LENGTH_EXCEEDED') return tooLong(error, route, worker)
  return { fault: ENGINE_FAULTS.includes(code) ? 'engine' : 'input' }
}

/** Workers that are known to read no images. */
export function withoutImages({ workers }: Route): string[] {
  return workers.flatMap(({ worker }) => (worker.info?.images === false ? [worker.id] : []))
}

/** Whether an error says that the worker can never do what it was asked. */
export function isUnable(thrown: unknown): boolean {
  return thrown instanceof TandemError && CANNOT.includes(thrown.code)
}

/** The same model has a larger window elsewhere, where it had more memory; whose window nobody knows is not waited for. */
function tooLong({ details }: TandemError, { workers }: Route, refused: Worker): BatchFault {
  const tokens = Number(details['tokens'])
  const windowOf = (worker: Worker) => {
    const planned = workers.find((each) => each.worker === worker)?.placement.load?.contextTokens
    return worker.info?.contextTokens ?? planned ?? 0
  }
  const small = workers.filter(({ worker }) => worker === refused || !(windowOf(worker) > tokens))
  if (small.length === workers.length) return { fault: 'input' }
  return { fault: 'unable', cannot: small.map(({ worker }) => worker.id) }
}
