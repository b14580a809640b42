/** A real llama-server that serves a folder of models: it starts a process of its own for each. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CHAT_GGUF, freePort } from './llama-server.ts'
import { foundForTests } from './needs.ts'

const START_MS = 240_000
const STOP_MS = 3_000
/** What programs of Linux name as their loader. */
const LOADER = '/lib64/ld-linux-x86-64.so.2\0'

export interface TestLlamaRouter {
  readonly url: string
  readonly pid: number
  /** Its name of the shipped chat model, which it has not loaded. */
  readonly model: string
  stop(): Promise<void>
}

export async function startLlamaRouter(): Promise<TestLlamaRouter> {
  const folder = await mkdtemp(join(tmpdir(), 'tlr-'))
  const models = await mkdtemp(join(tmpdir(), 'tandem-router-models-'))
  await symlink(CHAT_GGUF, join(models, 'router-chat.gguf'))
  const { program, env } = await startable(folder)
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const args = ['--models-dir', models, '-t', '1', '-np', '2', '-c', '4096', '--host', '127.0.0.1']
  const child = spawn(program, [...args, '--port', String(port)], {
    stdio: 'ignore',
    env: { ...process.env, ...env },
  })
  const stop = async () => {
    const exited = once(child, 'exit')
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
      await exited
      clearTimeout(timer)
    }
    await Promise.all([folder, models].map((each) => rm(each, { recursive: true, force: true })))
  }
  for (const endsMs = Date.now() + START_MS; Date.now() < endsMs; await sleep(50)) {
    if (child.exitCode !== null) throw new Error(`the router ended with ${child.exitCode}`)
    const answer = await fetch(`${url}/health`).catch(() => undefined)
    if (answer?.ok) return { url, pid: child.pid!, model: 'router-chat', stop }
  }
  await stop()
  throw new Error(`the router was not ready within ${START_MS} ms`)
}

/**
 * A router starts its own program again, as the system names it. Where that is a loader which a script gives the program to, a copy of
 * the program that names this loader itself is made.
 */
async function startable(folder: string): Promise<{ program: string; env: NodeJS.ProcessEnv }> {
  const found = foundForTests('LLAMA_SERVER')!
  const [, loader, libraries, program] =
    /^#!.*\nexec "([^"]+)" --library-path "([^"]+)" "([^"]+)"/.exec(await readFile(found, 'latin1')) ?? []
  if (!loader || !libraries || !program) return { program: found, env: {} }
  const short = join(folder, 'ld')
  if (short.length >= LOADER.length) throw new Error(`${short} is too long to stand in the program`)
  await symlink(loader, short)
  const bytes = await readFile(program)
  const at = bytes.indexOf(LOADER)
  if (at < 0) throw new Error(`${program} names another loader`)
  bytes.fill(0, at, at + LOADER.length)
  bytes.write(short, at)
  const copy = join(folder, 'llama-server')
  await writeFile(copy, bytes, { mode: 0o755 })
  return { program: copy, env: { LD_LIBRARY_PATH: libraries } }
}
