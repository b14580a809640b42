// The process behind load.js: an open loop over keep-alive connections.
import { Connection, postBytes } from './raw-http.js'

const TICK_MS = 2

process.once('message', async ({ url, streams, seconds, warmSeconds }) => {
  const runs = streams.map((stream) => new Run(url, stream))
  const startedMs = performance.now()
  const beginMs = startedMs + warmSeconds * 1000
  const endMs = beginMs + seconds * 1000
  let begun = false
  await new Promise((resolve) => {
    const timer = setInterval(() => {
      const nowMs = performance.now()
      if (!begun && nowMs >= beginMs) {
        begun = true
        for (const run of runs) run.measure()
        process.send({ type: 'measured', begins: true })
      }
      if (nowMs >= endMs) {
        clearInterval(timer)
        resolve()
        return
      }
      for (const run of runs) run.sendDue(nowMs - startedMs)
    }, TICK_MS)
  })
  const figures = Object.fromEntries(runs.map((run) => [run.stream.name, run.end()]))
  process.send({ type: 'measured', begins: false }, () => {
    process.send({ type: 'figures', figures }, () => process.exit(0))
  })
})

const fresh = () => ({
  sent: 0,
  unsent: 0,
  ok: 0,
  okMs: [],
  refused: 0,
  refusedMs: [],
  retryAfterS: [],
  failed: 0,
  failures: {},
})

class Run {
  #url
  #bytes
  #idle = []
  #open = 0
  #asked = 0
  #figures = fresh()

  constructor(url, stream) {
    this.#url = url
    this.stream = stream
    this.#bytes = postBytes(url, stream.path, stream.body, stream.headers)
  }

  measure() {
    this.#figures = fresh()
  }

  end() {
    const figures = this.#figures
    this.#figures = fresh()
    return figures
  }

  sendDue(elapsedMs) {
    const due = Math.floor((elapsedMs * this.stream.perSecond) / 1000)
    for (; this.#asked < due; this.#asked++) {
      const connection = this.#idle.pop() ?? this.#another()
      if (connection) void this.#send(connection)
      else this.#figures.unsent++
    }
  }

  #another() {
    if (this.#open >= this.stream.connections) return undefined
    this.#open++
    return new Connection(this.#url)
  }

  async #send(connection) {
    this.#figures.sent++
    const startedMs = performance.now()
    const { status, head, body } = await connection.send(this.#bytes)
    const ms = performance.now() - startedMs
    const figures = this.#figures // what is counted is what ends in the time, whenever it was sent
    if (connection.open) this.#idle.push(connection)
    else this.#open--
    if (status === 200) {
      figures.ok++
      figures.okMs.push(ms)
    } else if (status === 429 || status === 503) {
      figures.refused++
      figures.refusedMs.push(ms)
      figures.retryAfterS.push(Number(/^retry-after: (\d+)/im.exec(head)?.[1] ?? Number.NaN))
    } else {
      figures.failed++
      const what = `${status} ${body.slice(0, 120)}`
      figures.failures[what] = (figures.failures[what] ?? 0) + 1
    }
  }
}
