import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { refOf } from '../measure/candidate.ts'
import type { CalibrationContext } from './key.ts'
import { CONTEXT, candidate, figure } from './samples.suite.ts'
import { MeasurementStore, type StoreOptions } from './store.ts'

let home: string
let nowMs: number
let stores: MeasurementStore[]
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'tandem-calibration-'))
  nowMs = 1_000_000
  stores = []
})
afterEach(() => {
  for (const store of stores) store.close()
  rmSync(home, { recursive: true, force: true })
})

function open(options: StoreOptions = {}): MeasurementStore {
  const onWarning = (sentence: string) => {
    throw new Error(sentence)
  }
  const store = new MeasurementStore(home, { onWarning, now: () => nowMs, ...options })
  stores.push(store)
  return store
}

const embed = candidate()
const chat = candidate('chat', 'cpu')

test('what was put is found by another process, under the same circumstances', () => {
  const store = open()
  expect(store.measurementsFor([embed, chat], CONTEXT)).toEqual({
    measured: [],
    missing: [embed, chat].map((each) => ({ candidate: each, why: 'it was never measured here' })),
  })
  const measured = figure(embed, { threads: 2, hostBytes: 5, deviceBytes: 6, watts: 7 })
  store.put(embed, CONTEXT, measured)
  const known = open().measurementsFor([embed, chat], CONTEXT)
  expect(known.measured).toEqual([measured])
  expect(known.missing.map((each) => each.candidate)).toEqual([chat])
})

describe('[measured-placement] a figure counts no more when what it depends on has changed', () => {
  const gpu = CONTEXT.devices[0]!
  const onGpu = (more: object): CalibrationContext => ({
    ...CONTEXT,
    devices: [{ ...gpu, ...more }, CONTEXT.devices[1]!],
  })
  const CHANGES: [string, CalibrationContext, string][] = [
    [
      'engine',
      { ...CONTEXT, engineVersions: { onnxruntime: '1.31.0' } },
      "the engine's version changed from 1.30.0 to 1.31.0",
    ],
    ['driver', onGpu({ driver: 'xe 6.14.1' }), 'the driver changed from xe 6.12.9 to xe 6.14.1'],
    [
      'power',
      { ...CONTEXT, powerProfile: 'low-power' },
      'the power profile changed from balanced to low-power',
    ],
    ['another card', onGpu({ pciAddress: '0000:04:00.0' }), 'it was never measured here'],
  ]
  test.each(CHANGES)('%s', (_, context, why) => {
    const store = open()
    store.put(embed, CONTEXT, figure(embed))
    // figures of another power profile stand in until there are new ones
    const near = context.powerProfile === CONTEXT.powerProfile ? [] : [{ ...figure(embed), estimated: true }]
    expect(store.measurementsFor([embed], context)).toEqual({
      measured: near,
      missing: [{ candidate: embed, why }],
    })
    expect(store.measurementsFor([embed], CONTEXT).measured).toHaveLength(1)
  })

  test('model, settings and threads', () => {
    const store = open()
    store.put(embed, CONTEXT, figure(embed))
    store.put(chat, CONTEXT, figure(chat))
    const withSpec = (of: typeof embed, spec: object) => ({
      ...of,
      options: { ...of.options, spec: { ...of.options.spec, ...spec } },
    })
    const model = { ...embed.options.spec.model, fingerprint: 'another' }
    expect(store.measurementsFor([withSpec(embed, { model })], CONTEXT).missing).toHaveLength(1)
    const [other] = store.measurementsFor(
      [withSpec(embed, { settings: { shapes: 'static' } })],
      CONTEXT,
    ).missing
    expect(other?.why).toBe('the settings changed')
    expect(store.measurementsFor([withSpec(chat, { threads: 7 })], CONTEXT).missing).toHaveLength(1)
    // a GPU does not care, and neither does anybody where a library lies
    expect(store.measurementsFor([withSpec(embed, { threads: 7 })], CONTEXT).measured).toHaveLength(1)
    const elsewhere = withSpec(embed, { settings: { library: join(home, 'lib.so') } })
    store.put(elsewhere, CONTEXT, figure(embed))
    const moved = withSpec(embed, { settings: { library: join(home, 'moved', 'lib.so') } })
    expect(store.measurementsFor([moved], CONTEXT).measured).toHaveLength(1)
  })

  test('the id and the LUID of a device are not what counts', () => {
    const store = open()
    store.put(embed, CONTEXT, figure(embed))
    const renamed = candidate('embed', 'gpu1')
    const { measured } = store.measurementsFor([renamed], onGpu({ id: 'gpu1', luid: '0x128A6' }))
    expect(measured).toEqual([{ ...figure(embed), device: 'gpu1' }])
  })
})

test('what does not run is known for a day, then it is tried again', () => {
  const store = open()
  const failed = { ...figure(embed), failed: 'it has no memory left' }
  store.put(embed, CONTEXT, { ...failed })
  expect(store.measurementsFor([embed], CONTEXT).missing).toEqual([])
  nowMs += 25 * 3_600_000
  const { measured, missing } = store.measurementsFor([embed], CONTEXT)
  expect(measured[0]?.failed).toBe('it has no memory left')
  expect(missing[0]?.why).toBe('it failed a day ago: it has no memory left')
})

test('figures of a simulated machine are refused', () => {
  const store = open()
  expect(() => store.put(embed, CONTEXT, figure(embed, { from: 'profile' }))).toThrow(/simulated machine/)
  const simulated = { ...embed, placement: { ...embed.placement, simulated: true } }
  expect(() => store.put(simulated, CONTEXT, figure(embed))).toThrow(/simulated machine/)
  const [first, second] = [embed.placement, chat.placement]
  const interference = { first, second, firstKeeps: 1, secondKeeps: 1 }
  expect(() => store.putInterference([simulated, chat], CONTEXT, interference)).toThrow(/simulated machine/)
  expect(store.measurementsFor([embed], CONTEXT).measured).toEqual([])
})

test('[bounded] past its size the oldest go', () => {
  const store = open({ maxRows: 3 })
  const versions = ['1', '2', '3', '4', '5']
  const under = (version: string) => ({ ...CONTEXT, engineVersions: { onnxruntime: version } })
  for (const version of versions) {
    nowMs += 1
    store.put(embed, under(version), figure(embed))
  }
  expect(versions.filter((v) => store.measurementsFor([embed], under(v)).measured.length > 0)).toEqual([
    '3',
    '4',
    '5',
  ])
})

test('interference is kept for a pair in either order', () => {
  const store = open()
  const [first, second] = [embed, chat].map(({ placement }) => {
    const { kind, simulated, ...ref } = placement
    return ref
  })
  expect(store.interferenceFor([[embed, chat]], CONTEXT).missing).toEqual([[embed, chat]])
  const interference = { first: first!, second: second!, firstKeeps: 0.9, secondKeeps: 0.4 }
  store.putInterference([embed, chat], CONTEXT, interference)
  expect(store.interferenceFor([[embed, chat]], CONTEXT)).toEqual({ known: [interference], missing: [] })
  expect(store.interferenceFor([[chat, embed]], CONTEXT).known).toEqual([
    { first: second, second: first, firstKeeps: 0.4, secondKeeps: 0.9 },
  ])
  const newer = { ...CONTEXT, engineVersions: { onnxruntime: '1.31.0' } }
  expect(store.interferenceFor([[embed, chat]], newer).missing).toHaveLength(1)
})

describe('live traffic', () => {
  const slow = { kind: 'encoder', tokens: 120, batch: 8, msPerText: 4 } as const
  const asMeasured = { ...slow, msPerText: 2.1 }

  function samplesUntilStale(store: MeasurementStore, live: Parameters<MeasurementStore['noteLive']>[1]) {
    for (let sample = 1; sample <= 500; sample++) if (store.noteLive(embed.placement, live)) return sample
    return undefined
  }

  test('half as fast for long enough: it is to be measured again, and the old figure serves until then', () => {
    const store = open()
    expect(store.noteLive(embed.placement, slow)).toBe(false) // nothing is known
    store.put(embed, CONTEXT, figure(embed))
    expect(samplesUntilStale(store, asMeasured)).toBeUndefined()
    expect(samplesUntilStale(store, slow)).toBeDefined()
    const other = open().measurementsFor([embed], CONTEXT)
    expect(other.measured).toHaveLength(1)
    expect(other.missing[0]?.why).toBe('live traffic is more than 30 % faster or slower')
    store.put(embed, CONTEXT, figure(embed))
    expect(store.measurementsFor([embed], CONTEXT).missing).toEqual([])
  })

  test('traffic that always differs is measured again at once, then every six hours at most', () => {
    const store = open()
    store.put(embed, CONTEXT, figure(embed))
    expect(samplesUntilStale(store, slow)).toBeDefined()
    nowMs += 1000
    store.put(embed, CONTEXT, figure(embed))
    expect(samplesUntilStale(store, slow)).toBeUndefined()
    nowMs += 6 * 3_600_000
    expect(samplesUntilStale(store, slow)).toBeDefined()
  })
})

test('a failure does not replace a figure: it is to be measured again', () => {
  const store = open()
  expect(store.put(embed, CONTEXT, { ...refOf(embed.placement), from: 'measured', failed: 'no room' })).toBe(
    true,
  )
  expect(store.put(embed, CONTEXT, figure(embed))).toBe(true)
  const late = { ...refOf(embed.placement), from: 'measured', failed: 'no answer in time' } as const
  expect(store.put(embed, CONTEXT, late)).toBe(false)
  expect(store.measurementsFor([embed], CONTEXT)).toMatchObject({
    measured: [figure(embed)],
    missing: [{ candidate: embed }],
  })
})
