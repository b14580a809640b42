// A load generator in a process of its own: requests at a fixed rate, whether or not earlier ones were answered.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/**
 * @typedef {object} Stream requests of one kind
 * @property {string} name
 * @property {string} path
 * @property {unknown} body
 * @property {Record<string, string>} [headers]
 * @property {number} perSecond
 * @property {number} connections more at once are not sent: they count as `unsent`
 *
 * @typedef {object} Figures of one stream
 * @property {number} sent
 * @property {number} unsent
 * @property {number} ok answered with 200 in the time, whenever it was sent
 * @property {number[]} okMs latency of each
 * @property {number} refused answered with 429 or 503
 * @property {number[]} refusedMs
 * @property {number[]} retryAfterS as each refusal said; NaN where it did not
 * @property {number} failed anything else, broken connections too
 */

/**
 * Sends for `warmSeconds` that do not count, then for `seconds` that do.
 * @param {string} url @param {Stream[]} streams @param {{ seconds: number, warmSeconds?: number, onMeasured?: (begins: boolean) => void }} options
 * @returns {Promise<Record<string, Figures>>}
 */
export async function generateLoad(url, streams, { seconds, warmSeconds = 1, onMeasured = () => {} }) {
  const child = fork(fileURLToPath(new URL('./load-process.js', import.meta.url)), [], {
    serialization: 'advanced',
  })
  child.send({ url, streams, seconds, warmSeconds })
  for await (const [message] of on(child)) {
    if (message.type === 'measured') onMeasured(message.begins)
    else {
      await once(child, 'exit')
      return message.figures
    }
  }
}

async function* on(child) {
  const exit = once(child, 'exit').then(([code]) => {
    throw new Error(`the load generator ended with ${code}`)
  })
  exit.catch(() => {})
  while (true) yield await Promise.race([once(child, 'message'), exit])
}
