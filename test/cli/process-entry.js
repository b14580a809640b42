// The command line as a process of its own, over a host that injects faults. Steered by FAKE_* variables.
import { appendFileSync } from 'node:fs'
import { runCommandLine } from '../../dist/cli/index.js'
import { TandemError } from '../../dist/domain/index.js'

const {
  FAKE_URL: url,
  FAKE_LOG: log,
  FAKE_START_ERROR: startError,
  FAKE_READY: ready,
  FAKE_STOP: stop,
  FAKE_CALIBRATION: calibration,
} = process.env
const note = (event) => log && appendFileSync(log, `${JSON.stringify(event)}\n`)
const never = new Promise(() => setInterval(() => undefined, 1000))

const host = {
  async calibrate({ signal, onProgress, onWarning, ...options }) {
    note({
      event: 'calibrate',
      tasks: options.tasks,
      again: options.again,
      budgetMs: options.config.calibration.budgetMs,
    })
    const { progress = [], warning, report } = JSON.parse(calibration)
    if (warning) onWarning(warning)
    for (const each of progress) onProgress(each)
    if (report) return report
    return new Promise((_, reject) => {
      const alive = setInterval(() => undefined, 1000)
      signal.addEventListener('abort', () => {
        clearInterval(alive)
        note({ event: 'aborted' })
        reject(signal.reason)
      })
    })
  },
  async startServer(options) {
    note({ event: 'start', ...options })
    if (startError) throw new TandemError(...JSON.parse(startError))
    if (!url) throw new Error('this test expects no server to be started')
    return {
      url,
      alsoAt: options.config.server.alsoListen.map((port) => `http://127.0.0.1:${port}`),
      warnings: [],
      ready: () => (ready === 'never' ? never : Promise.resolve()),
      stop: (graceMs) => {
        note({ event: 'stop', graceMs })
        return stop === 'hang' ? never : Promise.resolve()
      },
      kill: () => note({ event: 'kill' }),
    }
  },
}

process.exit(await runCommandLine(process.argv.slice(2), host))
