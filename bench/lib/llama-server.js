// llama-servers beside Tandem, as a user of it starts them.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { PACKAGE_ROOT } from '../../dist/config/index.js'

const CHAT = join(PACKAGE_ROOT, 'models', 'tandem-tiny-chat', 'tandem-tiny-chat-Q8_0.gguf')
const START_MS = 30_000

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  return port
}

async function start(program, args) {
  const port = await freePort()
  const child = spawn(program, [...args, '--host', '127.0.0.1', '--port', String(port)], { stdio: 'ignore' })
  const exited = once(child, 'exit')
  const url = `http://127.0.0.1:${port}`
  const stop = async () => {
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), 3000) // it has been seen to hang
    await exited
    clearTimeout(timer)
  }
  for (const endMs = performance.now() + START_MS; performance.now() < endMs; await sleep(100)) {
    if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}`)
    const ok = await fetch(`${url}/health`).then(
      (response) => response.ok,
      () => false,
    )
    if (ok) return { url, stop }
  }
  await stop()
  throw new Error(`${program} did not start within ${START_MS} ms`)
}

/** @returns the program; undefined, with a word on stderr, where there is none */
function llamaServer() {
  const folder = process.env.TANDEM_BENCH_LLAMA_SERVER
  const program = folder && join(folder, process.platform === 'win32' ? 'llama-server.exe' : 'llama-server')
  if (program && existsSync(program)) return program
  console.error('no llama-server to compare with: set TANDEM_BENCH_LLAMA_SERVER to its folder')
  return undefined
}

/** @returns a GGUF file of the embedding model; undefined, with a word on stderr, where there is none */
function encoderFile() {
  const file = process.env.TANDEM_BENCH_ENCODER_GGUF
  if (file && existsSync(file)) return file
  console.error(
    'no encoder for llama-server: set TANDEM_BENCH_ENCODER_GGUF to a GGUF file of the embedding model',
  )
  return undefined
}

const ENCODER = ['--embedding', '--pooling', 'mean', '-c', '8192', '-ub', '8192', '-b', '8192']

/**
 * One with the chat model that ships.
 * @param {string[]} args further arguments
 * @returns {Promise<{ url: string, stop: () => Promise<void> } | undefined>} undefined, with a word on stderr, where there is none
 */
export async function startChat(args) {
  const program = llamaServer()
  return program && start(program, ['-m', CHAT, ...args])
}

/** One with the encoder that ships; as `startChat`. @param {string[]} args */
export async function startEncoder(args) {
  const program = llamaServer()
  const file = encoderFile()
  return program && file && start(program, ['-m', file, ...ENCODER, ...args])
}

/** Both, with no thread count set; as `startChat`. */
export async function startPair() {
  const chat = await startChat(['-c', '2048', '-np', '1'])
  if (!chat) return undefined
  try {
    const embed = await startEncoder([])
    if (embed)
      return { chat: chat.url, embed: embed.url, stop: () => Promise.all([chat.stop(), embed.stop()]) }
  } catch (thrown) {
    await chat.stop()
    throw thrown
  }
  await chat.stop()
  return undefined
}
