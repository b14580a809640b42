/** Faults of simulated devices: embeddings go on by the other placements. All of it is labelled simulated. */
import { embed } from '../support/api.ts'
import type { Report, Row } from './report.ts'
import { Tally } from './tally.ts'
import { vectorsOf } from './truth.ts'
import { wrongVectors } from './verdicts.ts'
import { makeWorld } from './world.ts'

const MACHINE = 'core-ultra-265k-b580'
const CLIENTS = 4
const TEXTS = 40

export const SIMULATED_FAULTS = ['crash:20', 'hang:20', 'lost:20', 'slow:20', 'memory', 'vectors'] as const

export async function runSimulated(
  { requests, faults }: { requests: number; faults: readonly string[] },
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<Report> {
  const tally = new Tally()
  const texts = Array.from({ length: TEXTS }, (_, at) => `text ${at} about the orders of region ${at * 7}`)
  const wanted = await answers(undefined, texts, TEXTS, tally, signal)
  const rows: Row[] = []
  for (const fault of faults) {
    if (signal.aborted) break
    say(`simulated: npu0 ${fault}`)
    const before = tally.failed
    const got = await answers(fault, texts, requests, tally, signal, wanted.vectors)
    const other = [...got.devices].map(([device, count]) => `${device} ${count}`).join(', ')
    rows.push({
      what: `simulated npu0, ${fault}: embeddings failed`,
      value: tally.failed - before,
      unit: '',
      target: 0,
      note: `served by ${other}`,
    })
  }
  return { name: 'chaos on simulated devices', rows, failures: tally.failures, details: { machine: MACHINE } }
}

async function answers(
  fault: string | undefined,
  texts: readonly string[],
  requests: number,
  tally: Tally,
  signal: AbortSignal,
  wanted?: ReadonlyMap<string, readonly number[]>,
) {
  const world = await makeWorld({
    project: false,
    config: {
      models: {},
      simulate: { machine: MACHINE, speedUp: 10, ...(fault ? { faults: { npu0: fault } } : {}) },
    },
  })
  const vectors = new Map<string, readonly number[]>()
  const devices = new Map<string, number>()
  let left = requests
  try {
    await Promise.all(
      Array.from({ length: CLIENTS }, async () => {
        while (left > 0 && !signal.aborted) {
          const input = texts[left % texts.length]!
          left -= 1
          const response = await embed(world.server, input)
          const device = response.headers.get('x-tandem-device') ?? 'unknown'
          devices.set(device, (devices.get(device) ?? 0) + 1)
          const body = await response.json()
          if (response.status !== 200) tally.fail(`npu0 ${fault}: ${response.status} ${JSON.stringify(body)}`)
          else {
            if (response.headers.get('x-tandem-simulated') !== 'true')
              tally.fail(`npu0 ${fault}: an answer that is not labelled simulated`)
            const got = vectorsOf(body)
            vectors.set(input, got[0]!)
            const expected = wanted?.get(input)
            const wrong = expected && wrongVectors(got, [expected])
            if (wrong) tally.fail(`npu0 ${fault}: ${wrong}`)
          }
        }
      }),
    )
  } finally {
    await world.end()
    await world.remove()
  }
  return { vectors, devices }
}
