/** Clients of one priority take turns: who has had least of the lane is next. */
import type { Priority } from '../../domain/index.ts'
import { type Draft, put } from './draft.ts'
import type { Lane, Part, Request, Turns } from './state.ts'

/** Clients that are remembered while they ask for nothing; each step that gives a turn copies them, and a connection is a client. */
const MAX_IDLE = 32
/** What an input costs beside its tokens. */
const INPUT_TOKENS = 16

/** A client that begins to wait starts where the others are: it neither saves up turns nor pays for old ones twice. */
export function joinTurns(draft: Draft, lane: Lane, { client, priority, id }: Request): void {
  const turns = lane.turns[priority]
  const had = turns.had.get(client)
  if (had !== undefined && had >= turns.floor) return
  if (had !== undefined)
    for (const other of draft.requests.values())
      if (
        other.id !== id &&
        other.client === client &&
        other.lane === lane.id &&
        other.priority === priority &&
        other.pending.length > 0
      )
        return
  const next = new Map(turns.had.size < MAX_IDLE ? turns.had : waitingOnly(draft, lane, priority, turns))
  next.set(client, turns.floor)
  change(draft, lane, priority, { had: next, floor: turns.floor })
}

function waitingOnly(draft: Draft, lane: Lane, priority: Priority, { had }: Turns): Map<string, number> {
  const waiting = new Set<string>()
  for (const request of draft.requests.values())
    if (request.lane === lane.id && request.priority === priority) waiting.add(request.client)
  return new Map([...had].filter(([client]) => waiting.has(client)))
}

/** Counts what a batch gives to its clients. @param parts before they leave the queue */
export function countTurns(draft: Draft, lane: Lane, priority: Priority, parts: readonly Part[]): void {
  const { had, floor } = lane.turns[priority]
  const next = new Map(had)
  let start = Number.POSITIVE_INFINITY
  for (const { request: id, inputs } of parts) {
    const { client, tokens } = draft.requests.get(id) as Request // it is being sent
    const before = next.get(client) ?? floor
    start = Math.min(start, had.get(client) ?? floor)
    next.set(client, before + inputs.reduce((sum, index) => sum + INPUT_TOKENS + (tokens[index] ?? 1), 0))
  }
  change(draft, lane, priority, { had: next, floor: Math.max(floor, start) })
}

/** In the order in which they are to be served: chats that must go on, then by turns of their clients, then by arrival. */
export function inTurn(lane: Lane, priority: Priority, waiting: Request[]): Request[] {
  const { had, floor } = lane.turns[priority]
  const turnOf = ({ client }: Request) => had.get(client) ?? floor
  const order = (a: Request, b: Request) =>
    Number(b.started) - Number(a.started) || turnOf(a) - turnOf(b) || a.id - b.id
  const sorted = waiting.every((request, at) => at === 0 || order(waiting[at - 1] as Request, request) <= 0)
  return sorted ? waiting : waiting.sort(order)
}

function change(draft: Draft, lane: Lane, priority: Priority, turns: Turns): void {
  const current = draft.lanes.get(lane.id) ?? lane
  put(draft.lanes, current, { turns: { ...current.turns, [priority]: turns } })
}
