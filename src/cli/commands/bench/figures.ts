/** Measurements as a person reads them. */
import { speedOf } from '../../../calibration/index.ts'
import type { Interference, Measurement, PlacementRef } from '../../../domain/index.ts'
import { bytes } from '../../print/table.ts'

const HEAD = ['task', 'model', 'engine', 'device', 'speed', 'one', 'load', 'memory', 'of the fastest']

/** A table with a head: each task's fastest placement first, what does not run last. */
export function placementRows(measured: readonly Measurement[]): string[][] {
  const tasks = [...new Set(measured.map(({ task }) => task))]
  const sorted = tasks.flatMap((task) =>
    measured.filter((each) => each.task === task).sort((a, b) => (speedOf(b) ?? 0) - (speedOf(a) ?? 0)),
  )
  return [HEAD, ...sorted.map((each) => rowOf(each, fastestOf(each, sorted)))]
}

/** Speed of the fastest placement of the same model. */
function fastestOf({ task, model }: Measurement, all: readonly Measurement[]): number {
  const same = all.filter((each) => each.task === task && each.model === model)
  return Math.max(...same.map((each) => speedOf(each) ?? 0))
}

function rowOf(measured: Measurement, fastest: number): string[] {
  const { task, model, engine, device, failed, loadMs, hostBytes, deviceBytes } = measured
  const speed = speedOf(measured)
  if (speed === undefined)
    return [task, model, engine, device, '', '', '', '', `does not run: ${failed ?? ''}`]
  const memory = [
    ...(hostBytes === undefined ? [] : [bytes(hostBytes)]),
    ...(deviceBytes === undefined ? [] : [`${bytes(deviceBytes)} on it`]),
  ].join(', ')
  const load = loadMs === undefined ? '' : `${(loadMs / 1000).toFixed(1)} s`
  const share = `${Math.round((speed / fastest) * 100)} %`
  return [task, model, engine, device, speedText(measured), oneText(measured), load, memory, share]
}

function speedText({ encoder, decoder }: Measurement): string {
  if (encoder) return `${digits(encoder.textsPerSecond)} texts/s`
  return decoder ? `${digits(decoder.decodeTokensPerSecond)} tok/s` : ''
}

/** Milliseconds of one short text or of one token, and how fast a prompt is read. */
function oneText({ encoder, decoder }: Measurement): string {
  const alone = encoder?.buckets.find(({ batch }) => batch === 1)
  if (alone) return `${digits(alone.msPerText)} ms (${alone.tokens} tokens)`
  if (!decoder) return ''
  const msPerToken = 1000 / decoder.decodeTokensPerSecond
  return `${digits(msPerToken)} ms (prompt ${digits(decoder.promptTokensPerSecond)} tok/s)`
}

export function figureText(figure: Measurement | Interference): string {
  if ('firstKeeps' in figure)
    return `keep ${percent(figure.firstKeeps)} and ${percent(figure.secondKeeps)} of their speed`
  return figure.failed ?? `${speedText(figure)}, ${oneText(figure)}`
}

export function placeText({ task, model, engine, device }: PlacementRef, beside?: PlacementRef): string {
  const where = `${task} ${model} by ${engine} on ${device}`
  return beside ? `${where} beside ${beside.task} by ${beside.engine} on ${beside.device}` : where
}

export function interferenceRows(all: readonly Interference[]): string[][] {
  return all.map(({ first, second, firstKeeps, secondKeeps }) => [
    `${first.task} by ${first.engine} on ${first.device} keeps ${percent(firstKeeps)}`,
    `${second.task} by ${second.engine} on ${second.device} keeps ${percent(secondKeeps)}`,
  ])
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}

/** Three digits that count. */
function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3)
}
