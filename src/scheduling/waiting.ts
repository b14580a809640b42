import type { WorkerState } from '../domain/index.ts'
import type { Worker } from '../workers/index.ts'
import type { Waiting } from './contract.ts'
import { positionOf, type State } from './core/index.ts'
import type { Route } from './routes.ts'
import { servedBy } from './served-by.ts'

const UP: readonly WorkerState[] = ['ready', 'busy']
const COMING: readonly WorkerState[] = ['starting', 'restarting']

/** @returns undefined when the request has ended */
export function waitingOf(id: number, state: State, route: Route): Waiting | undefined {
  const request = state.requests.get(id)
  if (!request) return undefined
  const at = request.running > 0 ? workerOf(id, state) : undefined
  const expected = expectedOf(route, { at, cannot: request.cannot })
  return expected && { ...expected, position: (request.running > 0 ? 0 : positionOf(state, id)) ?? 0 }
}

/**
 * Who serves by how things stand.
 * @param at the worker that has it already
 * @param cannot workers that can never serve it
 * @returns undefined where there is none
 */
export function expectedOf(
  route: Route,
  { at, cannot = [] }: { readonly at?: string | undefined; readonly cannot?: readonly string[] } = {},
): Omit<Waiting, 'position'> | undefined {
  const able = route.workers.map(({ worker }) => worker).filter(({ id }) => !cannot.includes(id))
  const worker = able.find(({ id }) => id === at) ?? expectedWorker(able)
  const [first] = able
  if (!worker || !first) return undefined
  const { engine, device } = first.placement
  const why = worker === first ? undefined : `${engine} on ${device} is ${first.state}`
  const { state, loading } = worker
  return { expected: servedBy(route, worker, why), state, ...(loading ? { loading } : {}) }
}

/** The first in plan order that is up, else that is on its way, else that there is. */
function expectedWorker(all: readonly Worker[]): Worker | undefined {
  const of = (states: readonly WorkerState[]) => all.find((worker) => states.includes(worker.state))
  return of(UP) ?? of(COMING) ?? all[0]
}

function workerOf(id: number, { batches }: State): string | undefined {
  for (const { worker, settled, parts } of batches.values())
    if (!settled && parts.some((part) => part.request === id)) return worker
  return undefined
}
