import { type CalibrationProgress, type CalibrationReport, speedOf } from '../../../calibration/index.ts'
import { TASKS, type Task } from '../../../domain/index.ts'
import { findServer } from '../../client/find-server.ts'
import { type CommandContext, defineCommand } from '../../command.ts'
import { CommandError, UsageError } from '../../failure.ts'
import { flag, jsonOption, list, setting } from '../../options.ts'
import { counted, duration, table } from '../../print/table.ts'
import { bar, ProgressLine } from '../../progress.ts'
import { figureText, interferenceRows, placementRows, placeText } from './figures.ts'

export const benchDevices = defineCommand({
  name: 'devices',
  summary: 'measure every placement that is possible here',
  description:
    'Loads each model on each engine and device that can run it, one after the other, and times it. What is known under the present versions and drivers is not measured again. What is measured is kept for the plan, also when Ctrl-C ends the command early.',
  options: {
    task: list('<task>', `only this task: ${TASKS.join(', ')}`),
    again: flag('measure also what is known'),
    budget: setting('calibration.budgetMs', '<ms>'),
    json: jsonOption,
  },
  examples: [
    { line: 'tandem bench devices', does: 'measure what is not known, and show all' },
    { line: 'tandem bench devices --task embed --again', does: 'measure the embedding model anew' },
  ],
  run: async (context, _args, { task, again, json }) => {
    const tasks = task.map(knownTask)
    const { config } = context.settings()
    if (await findServer(context.home, context.signal))
      context.say('a server is running here: what it does meanwhile makes the figures worse')
    const line = new ProgressLine(context.io.stderr)
    const report = await context.host
      .calibrate({
        config,
        home: context.home,
        signal: context.signal,
        again,
        ...(tasks.length > 0 ? { tasks } : {}),
        onProgress: (progress) => show(context, line, progress),
        onWarning: context.say,
      })
      .finally(() => line.clear())
    if (json) context.json(documentOf(report))
    else print(context, report)
    if (report.measured.some((each) => speedOf(each) !== undefined)) return 0
    throw new CommandError('nothing runs here that could be measured', '`tandem plan` says why')
  },
})

/** @throws UsageError */
function knownTask(name: string): Task {
  const known = TASKS.find((task) => task === name)
  if (known) return known
  throw new UsageError(`there is no task "${name}"; allowed: ${TASKS.join(', ')}`)
}

/** A line for each finished one; on a terminal also where it stands. */
function show({ io, say }: CommandContext, line: ProgressLine, progress: CalibrationProgress): void {
  const { done, total, figure, placement, beside } = progress
  const what = placeText(placement, beside)
  if (figure) {
    line.clear()
    say(`${what}: ${figureText(figure)}`)
  }
  if (io.stderr.isTTY && done < total)
    line.show((width) => `${bar(done / total)}, ${done}/${total}: ${what}`.slice(0, width))
}

function documentOf({ measured, interference, fresh, seconds }: CalibrationReport) {
  return { seconds: Math.round(seconds * 10) / 10, measuredNow: fresh, placements: measured, interference }
}

function print({ print, style }: CommandContext, report: CalibrationReport): void {
  const { measured, interference, fresh, seconds } = report
  print(table(placementRows(measured)))
  if (interference.length > 0)
    print(`\n${style.bold('at the same time')}\n${table(interferenceRows(interference))}`)
  const now = fresh.length === 0 ? 'all were known (--again measures anew)' : `${duration(seconds)}`
  print(style.dim(`\n${counted(measured.length, 'placement')}, ${fresh.length} measured now: ${now}\n`))
}
