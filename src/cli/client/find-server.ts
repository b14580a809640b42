import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { CommandError } from '../failure.ts'

/** `TANDEM_HOME/server.json`, written by a running server. */
const Announcement = z.looseObject({
  pid: z.int().positive(),
  url: z.url(),
  startedAt: z.string().optional(),
  /** Profile of the machine that it simulates. */
  simulated: z.string().optional(),
})
type Announcement = z.infer<typeof Announcement>

/** Milliseconds for one look at `/health`, and for a server that is starting to become ready. */
const HEALTH_MS = 3000
const START_MS = 120_000

type Health = 'ok' | 'starting' | 'hung' | 'none'

/** What answers at the address: `none` also when it is not a Tandem server. */
export async function healthOf(url: string, signal: AbortSignal): Promise<Health> {
  const late = AbortSignal.timeout(HEALTH_MS)
  try {
    const response = await fetch(`${url}/health`, { signal: AbortSignal.any([signal, late]) })
    const body = (await response.json()) as { status?: unknown } | null
    if (response.status === 200 && body?.status === 'ok') return 'ok'
    return response.status === 503 && body?.status === 'starting' ? 'starting' : 'none'
  } catch {
    signal.throwIfAborted()
    return late.aborted ? 'hung' : 'none'
  }
}

/** The server that this home announces, when its process lives; whether it answers is `healthOf`'s business. */
export async function announcedServer(home: string): Promise<Announcement | undefined> {
  let text: string
  try {
    text = await readFile(join(home, 'server.json'), 'utf8')
  } catch {
    return undefined // no server was started here, or it ended
  }
  try {
    const announcement = Announcement.parse(JSON.parse(text))
    return isAlive(announcement.pid) ? announcement : undefined
  } catch {
    return undefined // left behind half written by a crash
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM' // another user's process
  }
}

/**
 * The running server of this home, ready to answer; waits while it starts.
 * @throws CommandError when it runs but does not answer
 */
export async function findServer(home: string, signal: AbortSignal): Promise<Announcement | undefined> {
  const deadline = performance.now() + START_MS
  for (;;) {
    const announced = await announcedServer(home)
    if (!announced) return undefined
    const health = await healthOf(announced.url, signal)
    if (health === 'ok') return announced
    if (health === 'none') return undefined // the file was left behind, and its pid is another program's now
    if (health === 'hung' || performance.now() > deadline)
      throw new CommandError(
        `the server at ${announced.url} (process ${announced.pid}) ${health === 'hung' ? 'does not answer' : 'is not ready after 2 minutes'}`,
        `end it (\`kill ${announced.pid}\`) and start it again`,
      )
    await sleep(300, undefined, { signal })
  }
}
