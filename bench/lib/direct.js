// A worker process started as the server would start it, spoken to without server and HTTP.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Knowledge, surveyMachine } from '../../dist/calibration/index.js'
import { loadConfig } from '../../dist/config/index.js'
import { startWorker } from '../../dist/workers/index.js'

/**
 * The worker of a task's first placement, in a home of its own.
 * @param {'chat' | 'embed'} task @param {Record<string, string>} settings `TANDEM_...` variables, as the server gets them
 */
export async function startDirect(task, settings = {}) {
  const home = mkdtempSync(join(tmpdir(), 'tandem-bench-'))
  const env = { ...process.env, ...settings, TANDEM_HOME: home }
  const { config } = loadConfig({ home, env, flags: [] })
  const survey = await surveyMachine({ config, home, signal: new AbortController().signal })
  const knowledge = new Knowledge(survey)
  const plan = knowledge.plan()
  const [first] = plan.tasks[task]
  const worker = startWorker(knowledge.workerOptions(first, plan))
  await worker.ready()
  const stop = async () => {
    await worker.stop(1000)
    rmSync(home, { recursive: true, force: true })
  }
  return { worker, model: first.model, placement: first, stop }
}
