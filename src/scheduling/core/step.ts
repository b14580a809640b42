import { admit, begun, expire, laneIsGone } from './admission.ts'
import { breakerState, CLOSED, halfOpen } from './breaker.ts'
import { climbed, freshClimb } from './concurrency.ts'
import { dispatch } from './dispatch.ts'
import {
  batchesAt,
  callOff,
  type Draft,
  draftOf,
  end,
  put,
  putRequest,
  requestsOf,
  stateOf,
} from './draft.ts'
import { paced } from './forecast.ts'
import { hedge } from './hedge.ts'
import { replan, vacate } from './replan.ts'
import { settleModels } from './residency.ts'
import { settleCut } from './resume.ts'
import { acquitted, refuseParts, retryParts } from './retry.ts'
import type { Batch, Effect, Event, Lane, Request, Seat, State } from './state.ts'

/** Bulk that gives way pauses no longer than this after a batch. */
const MAX_PAUSE_MS = 5_000
/** Of its time, bulk that gives way gets at least this share. */
const LEAST_SHARE = 0.1
/** Weight of the newest answer in the mean time between answers. */
const NEWEST = 0.05

/** One event in, effects out. Pure: time comes with the event. Each request ends exactly once. */
export function step(state: State, event: Event): { state: State; effects: readonly Effect[] } {
  const draft = draftOf(state)
  draft.nowMs = event.nowMs
  apply(draft, event)
  vacate(draft)
  settleModels(draft)
  dispatch(draft, state, event)
  return { state: stateOf(draft), effects: draft.effects }
}

function apply(draft: Draft, event: Event): void {
  switch (event.type) {
    case 'submitted':
      admit(draft, event.request)
      break
    case 'workerReady':
      workerReady(draft, event)
      break
    case 'workerLost':
      workerLost(draft, event)
      break
    case 'memoryFreed':
      memoryFreed(draft, event.worker)
      break
    case 'firstDelta': {
      const batch = unsettled(draft, event.batch)
      if (batch) for (const request of requestsOf(draft, batch)) begun(draft, request, event.shown)
      break
    }
    case 'batchDone':
      batchDone(draft, unsettled(draft, event.batch), event.tokens)
      break
    case 'batchFailed':
      batchFailed(draft, unsettled(draft, event.batch), event)
      break
    case 'batchReleased':
      released(draft, event.batch)
      break
    case 'cancelled': {
      const request = draft.requests.get(event.request)
      if (request) end(draft, request, { how: 'cancelled' })
      break
    }
    case 'ticked':
      expire(draft)
      hedge(draft)
      break
    case 'replanned':
      replan(draft, event.lanes)
      break
    case 'bulkPaced':
      draft.bulkShare = Math.min(1, Math.max(LEAST_SHARE, event.share))
      break
    case 'draining':
    case 'stopped':
      draft.draining = true
      for (const request of draft.requests.values())
        if (event.type === 'stopped' || request.running === 0) end(draft, request, { how: 'shuttingDown' })
      break
    default:
      event satisfies never
  }
}

function workerReady(draft: Draft, event: Extract<Event, { type: 'workerReady' }>): void {
  const seat = draft.seats.get(event.worker)
  if (!seat) return
  const { room, maxRoom = room, resumes, proven, probing = false } = event
  const climb =
    seat.climb.least === room && seat.climb.most === maxRoom
      ? seat.climb
      : freshClimb(room, maxRoom, draft.nowMs)
  const ready = put(draft.seats, seat, {
    ready: true,
    gone: false,
    // one that could not be unloaded was loaded all the time
    loadedAtMs: seat.resting ? seat.loadedAtMs : draft.nowMs,
    gaveWayTo: undefined,
    resting: false,
    holdsMemory: true,
    proven,
    climb,
    room: climb.room,
    why: '',
    ...(probing ? { breaker: halfOpen(seat.breaker, draft.limits, draft.nowMs) } : {}),
    freeSinceMs: draft.nowMs,
    resumes,
  })
  settleCut(draft, ready)
}

function workerLost(draft: Draft, event: Extract<Event, { type: 'workerLost' }>): void {
  const seat = draft.seats.get(event.worker)
  if (!seat) return
  const { gone, why, resting = false, killed } = event
  put(draft.seats, seat, { ready: false, proven: false, gone, why, resting, yieldsTo: undefined })
  const held = batchesAt(draft, event.worker)
  for (const batch of held) draft.batches.delete(batch.id)
  retryParts(
    draft,
    held.filter((batch) => !batch.settled),
    killed,
  )
  if (!laneIsGone(draft, seat.lane)) return
  for (const request of draft.requests.values())
    if (request.lane === seat.lane) end(draft, request, { how: 'unserved', lane: seat.lane })
}

function memoryFreed(draft: Draft, worker: string): void {
  const seat = draft.seats.get(worker)
  if (seat?.resting) put(draft.seats, seat, { holdsMemory: false })
}

function batchDone(draft: Draft, batch: Batch | undefined, written: number | undefined): void {
  if (!batch) return
  put(draft.batches, batch, { settled: true })
  const twin = batch.twin === undefined ? undefined : draft.batches.get(batch.twin)
  if (twin && !twin.settled) callOff(draft, twin)
  const seat = draft.seats.get(batch.worker)
  const lane = seat && draft.lanes.get(seat.lane)
  if (seat && lane) measure(draft, lane, seat, batch, written)
  const answered: Request[] = []
  for (const request of requestsOf(draft, batch)) {
    const left = putRequest(draft, request, { ...acquitted(batch, request), running: request.running - 1 })
    if (left.running > 0 || left.pending.length > 0) continue
    answered.push(left)
    end(draft, left, { how: 'done' })
  }
  if (seat) countAnswers(draft, seat.lane, answered)
}

/** A large request falls into several batches: it counts once, with the last of them. */
function countAnswers(draft: Draft, id: string, answered: readonly Request[]): void {
  const lane = draft.lanes.get(id)
  if (!lane || answered.length === 0) return
  // time in which nobody waited says nothing of the pace
  const sinceMs = Math.max(lane.answeredAtMs, Math.min(...answered.map(({ submittedMs }) => submittedMs)))
  const each = (draft.nowMs - sinceMs) / answered.length
  const old = lane.answeredAtMs === 0 ? 0 : (1 - NEWEST) ** answered.length
  put(draft.lanes, lane, { answeredAtMs: draft.nowMs, answerMs: lane.answerMs * old + each * (1 - old) })
}

/** Learns from an answered batch how fast its worker is. */
function measure(
  draft: Draft,
  lane: Lane,
  seat: Seat,
  batch: Batch,
  written: number = batch.paddedTokens,
): void {
  const { nowMs } = draft
  // an encoder works on one batch after the other: its own time began when the one before was done
  const ms = nowMs - (lane.merges ? Math.max(batch.sentMs, seat.freeSinceMs) : batch.sentMs)
  const full = batchesAt(draft, seat.id).length >= seat.room
  const climb = climbed(seat.climb, written, full, nowMs)
  const pause = Math.min(MAX_PAUSE_MS, ms * (1 / draft.bulkShare - 1))
  if (seat.breaker.failures > 0) {
    const wasOpen = breakerState(seat.breaker, draft.limits, nowMs) !== 'closed'
    if (wasOpen) draft.effects.push({ type: 'breakerClosed', worker: seat.id })
  }
  put(draft.seats, seat, {
    pace: paced(seat, batch.paddedTokens, ms),
    climb,
    room: climb.room,
    freeSinceMs: nowMs,
    breaker: CLOSED,
    ...(batch.priority === 'bulk' ? { bulkFromMs: nowMs + pause } : {}),
  })
}

function batchFailed(
  draft: Draft,
  batch: Batch | undefined,
  { fault, cannot }: Extract<Event, { type: 'batchFailed' }>,
): void {
  if (!batch) return
  put(draft.batches, batch, { settled: true })
  if (fault === 'worker') retryParts(draft, [batch])
  else refuseParts(draft, batch, fault, cannot)
}

function released(draft: Draft, id: number): void {
  const batch = draft.batches.get(id)
  const seat = batch && draft.seats.get(batch.worker)
  draft.batches.delete(id)
  if (seat) put(draft.seats, seat, { freeSinceMs: draft.nowMs })
}

/** Events of batches that were lost or called off meanwhile say nothing new. */
function unsettled(draft: Draft, id: number): Batch | undefined {
  const batch = draft.batches.get(id)
  return batch?.settled ? undefined : batch
}
