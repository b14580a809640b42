/** A server's status for a person. */
import type { EventDocument, ProjectDocument, StatusDocument } from '../client/documents.ts'
import { printable, type Style } from './style.ts'
import { duration, table } from './table.ts'

type WorkerRow = StatusDocument['workers'][number]

/** A line for each worker, then why those that do not answer do not, and what happened to the others. */
export function workersText(workers: readonly WorkerRow[], nowMs: number): string {
  if (workers.length === 0) return ''
  const withThreads = workers.some(({ threads }) => threads !== undefined)
  const withServers = workers.some(({ loaded }) => loaded !== undefined)
  const head = ['task', 'model', 'engine', 'device', 'state', 'running', 'queued', 'restarts']
  const rows = workers.map((w) => [
    w.task,
    w.model,
    w.engine,
    w.simulated ? `${w.device} (simulated)` : w.device,
    stateOf(w),
    String(w.running),
    String(w.queued),
    String(w.restarts),
    ...(withThreads ? [String(w.threads ?? '')] : []),
    String(w.pid ?? ''),
    ...(withServers ? [w.loaded === undefined ? '' : w.loaded ? 'loaded' : 'not loaded'] : []),
  ])
  const lines = workers.flatMap((worker) => troubleOf(worker, nowMs))
  const titles = [
    ...head,
    ...(withThreads ? ['threads'] : []),
    'pid',
    ...(withServers ? ['on its server'] : []),
  ]
  return `${table([titles, ...rows])}${lines.join('')}`
}

/** How far a load is, or how long it lasts where its engine does not tell. */
function stateOf({ state, loading }: WorkerRow): string {
  if (!loading) return state
  const { ms, progress } = loading
  return `${state} ${progress === undefined ? seconds(ms) : `${Math.floor(progress * 100)} %`}`
}

function troubleOf({ engine, device, state, error, lastError, retryInMs }: WorkerRow, nowMs: number) {
  if (error !== undefined) {
    const again = retryInMs === undefined ? '' : `, again in ${(retryInMs / 1000).toFixed(1)} s`
    return [`${engine} on ${device} is ${state}${again}: ${printable(error)}\n`]
  }
  if (lastError === undefined) return []
  const ago = duration((nowMs - Date.parse(lastError.at)) / 1000)
  return [`${engine} on ${device} was lost ${ago} ago: ${printable(lastError.message)}\n`]
}

/** @param running whether a server has them open */
export function projectsText(projects: readonly ProjectDocument[], running: boolean): string {
  if (projects.length === 0) return 'no project is indexed; index one with `tandem index PATH`\n'
  const rows = projects.map((p) => [
    p.name,
    running ? p.state : `${p.state} when last open`,
    String(p.files),
    String(p.chunks),
    p.error ?? p.path,
  ])
  return table([['project', 'state', 'files', 'chunks', 'path'], ...rows])
}

/** A line for each event that says something new, the newest at the end. */
export function eventsText(events: readonly EventDocument[], style: Style): string {
  return events
    .map((event) => ({ event, words: wordsOf(event) }))
    .filter(({ words }) => words !== '')
    .map(({ event, words }) => `${style.dim(clock(event.at))} ${printable(words)}\n`)
    .join('')
}

/** Empty where another event says it better. */
function wordsOf(event: EventDocument): string {
  const { type, task = '', engine, device, state, error, phase, ms = 0, expectedMs, why, count = 1 } = event
  const times = count > 1 ? ` (${count} times)` : ''
  const mark = event.simulated ? ' (simulated)' : ''
  const place = `${engine} on ${device}${mark}`
  const between = event.from && event.to ? `${nameOf(event.from)} -> ${nameOf(event.to)}${mark}` : ''
  switch (type) {
    case 'fallback':
      return `${task} falls back: ${between}, ${why}${times}`
    case 'continued':
      return `a chat goes on: ${between} after ${event.atToken} tokens, ${why}`
    case 'retry':
      return `${task} is tried again: ${place}, ${why}${times}`
    case 'worker': {
      if (state === 'ready' || state === 'starting') return ''
      const again = event.retryInMs === undefined ? '' : `, again in ${(event.retryInMs / 1000).toFixed(1)} s`
      return `${task} worker is ${state}: ${place}${again}${error === undefined ? '' : `: ${error}`}`
    }
    case 'loading': {
      if (phase === 'started' && expectedMs === undefined) return ''
      const share = event.progress === undefined ? '' : `, ${Math.floor(event.progress * 100)} %`
      const took = phase === 'started' ? `${seconds(expectedMs)} expected` : `after ${seconds(ms)}${share}`
      return `${task} model ${phase === 'started' ? 'loads' : `is ${phase}`}: ${place}, ${took}`
    }
    default:
      return type // of a newer server
  }
}

const nameOf = ({ engine, device }: { engine: string; device: string }) => `${engine} on ${device}`
const seconds = (ms = 0) => `${(ms / 1000).toFixed(1)} s`

/** Hours, minutes and seconds here of an ISO 8601 time. */
function clock(at: string): string {
  const date = new Date(at)
  return Number.isNaN(date.getTime()) ? '--:--:--' : date.toTimeString().slice(0, 8)
}
