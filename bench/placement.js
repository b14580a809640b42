#!/usr/bin/env node
// Calibrates the shipped models on every engine here, and compares the plan's placements with the best by trying all.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  calibrateHere,
  Knowledge,
  MeasurementStore,
  speedOf,
  surveyMachine,
} from '../dist/calibration/index.js'
import { measurePlacement } from '../dist/calibration/measure/measure.js'
import { loadConfig } from '../dist/config/index.js'
import { openVinoFolder } from './lib/openvino.js'
import { median, report } from './lib/report.js'

/** Every placement is tried so often, turn about; more than the calibration's one time. */
const ROUNDS = 3
const TRY_MS = 1500

const home = mkdtempSync(join(tmpdir(), 'tandem-bench-placement-'))
const { signal } = new AbortController()
const env = { ...process.env, TANDEM_HOME: home, TANDEM_OPENVINO_FOLDER: await openVinoFolder() }
const { config } = loadConfig({ home, env, flags: [] })

/** Speeds of each candidate by its own worker, median of the rounds. */
async function tryAll(candidates) {
  const speeds = candidates.map(() => [])
  for (let round = 0; round < ROUNDS; round++)
    for (const [index, candidate] of candidates.entries())
      speeds[index].push(speedOf(await measurePlacement(candidate, { budgetMs: TRY_MS })) ?? 0)
  return speeds.map(median)
}

try {
  const found = await surveyMachine({ config, home, signal })
  // what the CPU computes in software is slower by a factor of a hundred, and not worth the minutes
  const survey = { ...found, devices: found.devices.filter(({ software }) => !software) }
  const options = { signal, again: false, onWarning: console.warn }
  const calibrated = await calibrateHere(survey, options)
  const known = await calibrateHere(survey, options)
  if (known.fresh.length > 0) throw new Error('what was measured is not known the second time')

  const store = new MeasurementStore(home)
  const knowledge = new Knowledge(survey, store)
  const plan = knowledge.plan()
  store.close()
  const candidates = knowledge.candidates()
  const tried = await tryAll(candidates)
  const rows = Object.entries(plan.tasks).flatMap(([task, [first]]) => {
    const speeds = candidates.flatMap(({ placement }, index) =>
      placement.task === task ? [{ placement, speed: tried[index] }] : [],
    )
    const best = speeds.reduce((a, b) => (b.speed > a.speed ? b : a))
    const of = (wanted) =>
      speeds.find(({ placement }) => placement.engine === wanted.engine && placement.device === wanted.device)
        .speed / best.speed
    const fastest = calibrated.measured
      .filter((each) => each.task === task)
      .reduce((a, b) => ((speedOf(b) ?? 0) > (speedOf(a) ?? 0) ? b : a))
    const note = `best: ${best.placement.engine} on ${best.placement.device}, ${best.speed.toFixed(0)}/s`
    return [
      { what: `${task}: the plan's placement / the best`, value: of(first), unit: '', target: 0.95, note },
      { what: `${task}: the fastest as calibrated / the best`, value: of(fastest), unit: '', target: 0.95 },
    ]
  })
  report('placement', [
    {
      what: 'calibration of the shipped models',
      value: calibrated.seconds,
      unit: 's',
      target: 20,
      better: 'less',
    },
    { what: 'the same when all is known', value: known.seconds * 1000, unit: 'ms' },
    ...rows,
  ])
} finally {
  rmSync(home, { recursive: true, force: true })
}
