// Starts the product as a user does, in a home of its own, and ends it.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const bin = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'bin', 'tandem.js')

/** @param {string[]} args @param {Record<string, string>} env @returns {Promise<{ url: string, pid: number, stop: () => Promise<void> }>} */
export async function startServer(args = [], env = {}) {
  const home = mkdtempSync(join(tmpdir(), 'tandem-bench-'))
  const child = spawn(process.execPath, [bin, 'serve', '--port', '0', '--json', ...args], {
    env: { ...process.env, ...env, TANDEM_HOME: home },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const exited = new Promise((resolve) => child.once('exit', resolve))
  const stop = async () => {
    child.kill('SIGINT')
    await exited
    rmSync(home, { recursive: true, force: true })
  }
  let text = ''
  for await (const piece of child.stdout) {
    text += piece
    const ready = /"url":\s*"([^"]+)"/.exec(text)
    if (ready) {
      child.stdout.resume()
      return { url: ready[1], pid: child.pid, stop }
    }
  }
  throw new Error(`the server ended before it was ready: ${text}`)
}

/** Resolves once every model has answered. @param {string} url */
export async function untilReady(url) {
  while ((await fetch(`${url}/health`)).status !== 200) await sleep(50)
}

const agent = new Agent({ keepAlive: true })

/**
 * Like `call` with a body, at a fraction of the client's own cost: on a small machine it competes with the server.
 * @param {string} url @param {unknown} body
 */
export function callLean(url, body) {
  const text = JSON.stringify(body)
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }
  return new Promise((resolve, reject) => {
    const call = request(url, { method: 'POST', agent, headers }, (response) => {
      const chunks = []
      response.on('data', (chunk) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const answer = Buffer.concat(chunks).toString()
        if (response.statusCode === 200) resolve(JSON.parse(answer))
        else reject(new Error(`${url}: ${response.statusCode} ${answer}`))
      })
    })
    call.on('error', reject)
    call.end(text)
  })
}

/**
 * A streamed chat or completion, read as lean as it can be.
 * @param {string} url @param {object} body @param {(piece: Buffer) => void} onText hears each piece of text as it comes
 * @returns {Promise<number>} tokens written
 */
export function streamChat(url, body, onText) {
  const text = JSON.stringify({ ...body, stream: true, stream_options: { include_usage: true } })
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent, headers }, (response) => {
      const pieces = []
      response.on('data', (piece) => {
        if (/"(content|text)":"/.test(piece.toString('latin1'))) onText(piece)
        pieces.push(piece)
      })
      response.on('error', reject)
      response.on('end', () => {
        const answer = Buffer.concat(pieces).toString()
        const usage = [...answer.matchAll(/"completion_tokens":(\d+)/g)].at(-1)
        if (response.statusCode === 200 && usage) resolve(Number(usage[1]))
        else reject(new Error(`${url}: ${response.statusCode} ${answer.slice(-500)}`))
      })
    })
    sent.on('error', reject)
    sent.end(text)
  })
}

/** JSON over HTTP; throws on any status but 2xx. @param {string} url @param {unknown} [body] @param {string} [method] */
export async function call(url, body, method = body === undefined ? 'GET' : 'POST') {
  const response = await fetch(url, {
    method,
    ...(body === undefined
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`)
  return response.status === 204 ? undefined : response.json()
}
