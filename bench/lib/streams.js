// A client of streamed completions that adds as little as it can: what is measured is the server.
import { once } from 'node:events'
import { Agent, request } from 'node:http'

const agent = new Agent({ keepAlive: true })

async function stream(url, body) {
  const text = JSON.stringify({ ...body, stream: true, stream_options: { include_usage: true } })
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }
  const sent = request(`${url}/v1/completions`, { method: 'POST', agent, headers })
  sent.end(text)
  const [response] = await once(sent, 'response')
  const pieces = []
  const atMs = []
  for await (const piece of response) {
    if (piece.includes('"text":"') || piece.includes('"text": "')) atMs.push(performance.now())
    pieces.push(piece)
  }
  const answer = Buffer.concat(pieces).toString()
  if (response.statusCode !== 200) throw new Error(`${url}: ${response.statusCode} ${answer}`)
  const usage = [...answer.matchAll(/"completion_tokens":\s*(\d+)/g)].at(-1)
  if (!usage) throw new Error(`no usage in the stream: ${answer.slice(-300)}`)
  return { tokens: Number(usage[1]), atMs }
}

/**
 * Streams one completion after the other for a while.
 * @param {string} url @param {(round: number) => object} bodyOf @param {number} ms
 * @returns {Promise<{ tokensPerSecond: number, gapsMs: number[] }>} between the first and the last piece of each text
 */
export async function streamFor(url, bodyOf, ms) {
  const endMs = performance.now() + ms
  const gapsMs = []
  let tokens = 0
  let spentMs = 0
  for (let round = 0; performance.now() < endMs; round++) {
    const { tokens: written, atMs } = await stream(url, bodyOf(round))
    if (atMs.length < 20) continue // too short to say anything
    tokens += written - 1
    spentMs += atMs.at(-1) - atMs[0]
    for (let at = 1; at < atMs.length; at++) gapsMs.push(atMs[at] - atMs[at - 1])
  }
  if (tokens === 0) throw new Error(`${url} answered no text of 20 tokens`)
  return { tokensPerSecond: (tokens / spentMs) * 1000, gapsMs }
}
