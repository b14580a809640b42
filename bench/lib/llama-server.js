// Two llama-servers side by side, as a user of it starts them: one with the chat model, one with the encoder, no thread count set.
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

/**
 * @param {{ folder?: string, encoder?: string }} [from] where llama-server is, and a GGUF file of the embedding model
 * @returns undefined, with a word on stderr, where one of them is missing
 */
export async function startPair({
  folder = process.env.TANDEM_BENCH_LLAMA_SERVER,
  encoder = process.env.TANDEM_BENCH_ENCODER_GGUF,
} = {}) {
  const program = folder && join(folder, process.platform === 'win32' ? 'llama-server.exe' : 'llama-server')
  if (!program || !existsSync(program) || !encoder || !existsSync(encoder)) {
    console.error(
      'no pair of llama-servers to compare with: set TANDEM_BENCH_LLAMA_SERVER to the folder of llama-server and TANDEM_BENCH_ENCODER_GGUF to a GGUF file of the embedding model',
    )
    return undefined
  }
  const chat = await start(program, ['-m', CHAT, '-c', '2048', '-np', '1'])
  try {
    const embed = await start(program, [
      '-m',
      encoder,
      '--embedding',
      '--pooling',
      'mean',
      '-c',
      '8192',
      '-ub',
      '8192',
      '-b',
      '8192',
    ])
    return { chat: chat.url, embed: embed.url, stop: () => Promise.all([chat.stop(), embed.stop()]) }
  } catch (thrown) {
    await chat.stop()
    throw thrown
  }
}
