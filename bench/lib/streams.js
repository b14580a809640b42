// A client of streamed completions that adds as little as it can: what is measured is the server.
import { Agent, request } from 'node:http'

const agent = new Agent({ keepAlive: true })

/**
 * A llama-server closes the connection after an answer although it says that it keeps it: before the first byte it is asked again.
 * @returns milliseconds at which each piece of text came, until the end of the answer or of the time
 */
function stream(url, body, endMs, mayStarve) {
  const text = JSON.stringify({ ...body, stream: true })
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }
  return new Promise((resolve, reject) => {
    const atMs = []
    let answers = false
    const sent = request(`${url}/v1/completions`, { method: 'POST', agent, headers }, (response) => {
      answers = true
      if (response.statusCode !== 200) reject(new Error(`${url}: status ${response.statusCode}`))
      response.on('data', (data) => {
        const nowMs = performance.now()
        for (const _ of data.toString().matchAll(/"text":\s*"[^"]/g)) atMs.push(nowMs)
      })
      response.on('end', () => finish())
      response.on('error', () => finish())
    })
    const finish = () => {
      clearTimeout(timer)
      resolve(atMs)
    }
    // a server that starves must not hold up the benchmark
    const timer = setTimeout(() => {
      finish()
      sent.destroy()
    }, endMs - performance.now())
    sent.on('error', (error) => {
      clearTimeout(timer)
      const again = error.code === 'ECONNRESET' && !answers && performance.now() < endMs
      if (again) resolve(stream(url, body, endMs, mayStarve))
      else if (mayStarve) finish()
      else reject(error)
    })
    sent.end(text)
  })
}

/**
 * Streams one completion after the other for a while. A server of others that starves has one gap, as long as that.
 * @param {string} url @param {(round: number) => object} bodyOf @param {number} ms @param {{ mayStarve?: boolean }} [options]
 * @returns {Promise<{ tokensPerSecond: number, gapsMs: number[] }>} between the first and the last piece of each text
 */
export async function streamFor(url, bodyOf, ms, { mayStarve = false } = {}) {
  const endMs = performance.now() + ms
  const gapsMs = []
  for (let round = 0; performance.now() < endMs; round++) {
    const atMs = await stream(url, bodyOf(round), endMs, mayStarve)
    for (let at = 1; at < atMs.length; at++) gapsMs.push(atMs[at] - atMs[at - 1])
  }
  if (gapsMs.length === 0 && mayStarve) gapsMs.push(ms)
  if (gapsMs.length === 0) throw new Error(`${url} wrote no two tokens in ${ms} ms`)
  const spentMs = gapsMs.reduce((sum, gap) => sum + gap, 0)
  return { tokensPerSecond: (gapsMs.length / spentMs) * 1000, gapsMs }
}
