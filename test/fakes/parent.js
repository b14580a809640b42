// A parent process with one real worker, for tests that kill the parent. Prints `PID` once the worker is ready;
// argument `busy` then blocks the worker in a loop; argument `sigint` stops the worker 300 ms after Ctrl-C and
// prints whether it was alive until then.
import { startWorker } from '../../dist/workers/index.js'

const [mode, optionsJson] = process.argv.slice(2)
const worker = startWorker(JSON.parse(optionsJson))
const { pid } = await worker.ready()
const request = (text) => ({ model: 'fake', inputs: [text], purpose: 'passage' })
if (mode === 'busy') worker.embed(request('fault:hang')).catch(() => {})
if (mode === 'sigint')
  process.on('SIGINT', () => {
    setTimeout(async () => {
      const answer = await worker.embed(request('still here')).then(
        () => 'alive',
        (error) => error.code,
      )
      process.stdout.write(`${answer}\n`)
      await worker.stop(1000)
      process.exit(0)
    }, 300)
  })
setTimeout(() => process.stdout.write(`${pid}\n`), 100)
