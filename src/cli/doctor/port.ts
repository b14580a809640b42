import { readdir, readFile, readlink } from 'node:fs/promises'
import { createServer } from 'node:net'
import { announcedServer, healthOf } from '../client/find-server.ts'
import { type Check, failed, ok, warn } from './check.ts'

/** Whether the server's port is free, or who has it. */
export async function checkPort(
  home: string,
  host: string,
  port: number,
  signal: AbortSignal,
): Promise<Check[]> {
  const server = await announcedServer(home)
  const health = server ? await healthOf(server.url, signal) : 'none'
  const running =
    server && health !== 'none'
      ? health === 'hung'
        ? failed(
            'server',
            'server',
            `${server.url} (process ${server.pid}) does not answer`,
            `end process ${server.pid} and start it again`,
          )
        : ok('server', 'server', `running at ${server.url} (process ${server.pid}, ${health})`)
      : ok('server', 'server', 'none is running')
  if (server && health !== 'none' && new URL(server.url).port === String(port)) return [running]

  const problem = port === 0 ? undefined : await listenProblem(host, port)
  const title = 'port'
  if (problem === undefined)
    return [running, ok('port', title, port === 0 ? 'any free one' : `${port} is free`)]
  if (problem !== 'EADDRINUSE')
    return [
      running,
      failed('port', title, `${host}:${port} cannot be used (${problem})`, 'set server.host and server.port'),
    ]
  const holder = await holderOf(port)
  const found = `${port} on ${host} is taken${holder ? ` by ${holder}` : ''}`
  return [
    running,
    warn('port', title, found, 'end that program, or use another port: `tandem serve --port 0`'),
  ]
}

/** @returns the code of the error, undefined when the port can be listened on */
function listenProblem(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve(undefined)))
  })
}

/** The process that listens on the port, as far as this user may see: Linux tells it, others do not. */
async function holderOf(port: number): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined
  const inodes = await listeningInodes(port)
  if (inodes.size === 0) return undefined
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  for (const pid of pids) {
    const files = await readdir(`/proc/${pid}/fd`).catch(() => []) // another user's process, or it has ended
    for (const file of files) {
      const target = await readlink(`/proc/${pid}/fd/${file}`).catch(() => '')
      if (!inodes.has(target)) continue
      const command = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')
      return `process ${pid} (${command.trim()})`
    }
  }
  return 'a process of another user'
}

async function listeningInodes(port: number): Promise<Set<string>> {
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  const tables = await Promise.all(
    ['/proc/net/tcp', '/proc/net/tcp6'].map((file) => readFile(file, 'utf8').catch(() => '')),
  )
  const LISTENING = '0A'
  const rows = tables.flatMap((text) => text.split('\n').map((line) => line.trim().split(/\s+/)))
  const ours = rows.filter((row) => row[1]?.endsWith(`:${hex}`) && row[3] === LISTENING)
  return new Set(ours.map((row) => `socket:[${row[9]}]`))
}
