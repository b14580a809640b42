import { setTimeout as sleep } from 'node:timers/promises'
import { type ErrorCode, TandemError } from '../../../domain/index.ts'
import type { Loaded } from '../../contract.ts'
import { watchAlive } from '../alive.ts'
import type { RunningProcess } from './process.ts'

/** A connection breaks a moment before its process is known to be gone. */
const ENDS_MS = 300
/** What a broken connection is before its reason is known: of a request, of an answer that had begun. */
const BROKEN: readonly ErrorCode[] = ['ENGINE_FAILED', 'WORKER_LOST']

/** What a server of our own serves: a broken connection is explained by how the process ended, and the server goes with it. */
export function owned<L extends Loaded>(loaded: L, running: RunningProcess, engine: string): L {
  const explaining =
    <A extends unknown[], R>(method: (...asked: A) => Promise<R>) =>
    (...asked: A) =>
      explained(method.apply(loaded, asked), running, engine)
  const dispose = loaded.dispose.bind(loaded)
  return Object.assign(loaded, askedOf(loaded, explaining), {
    dispose: async () => {
      await dispose()
      await running.stop()
    },
  })
}

/** @param why one clause. @param killed its process was ended by a SIGKILL that is not ours */
export type OnGone = (why: string, killed: boolean) => void

/** Tells once that a server of our own is gone by itself: its process has ended, or it answers nobody. */
export function watchOwned(running: RunningProcess, url: string, path: string, onGone: OnGone): void {
  let told = false
  const tell = (why: string, killed: boolean) => {
    if (!running.isStopping && !told) onGone(why, killed)
    told = true
  }
  const unanswered = async (why: string) => {
    await Promise.race([running.ended, sleep(ENDS_MS)])
    tell(why, false)
  }
  const endWatch = watchAlive({ target: { url }, path, local: true, onGone: (why) => void unanswered(why) })
  void running.ended.then(({ why, killed }) => {
    endWatch()
    tell(why, killed)
  })
}

type Explaining = <A extends unknown[], R>(method: (...asked: A) => Promise<R>) => (...asked: A) => Promise<R>

function askedOf(loaded: Loaded, explaining: Explaining): object {
  switch (loaded.kind) {
    case 'encoder':
      return { embed: explaining(loaded.embed) }
    case 'scorer':
      return { score: explaining(loaded.score) }
    case 'decoder':
      return { chat: explaining(loaded.chat), complete: explaining(loaded.complete) }
  }
}

async function explained<R>(answer: Promise<R>, { ended }: RunningProcess, engine: string): Promise<R> {
  try {
    return await answer
  } catch (thrown) {
    if (!(thrown instanceof TandemError) || !BROKEN.includes(thrown.code)) throw thrown
    const end = await Promise.race([ended, sleep(ENDS_MS)])
    if (!end) throw thrown
    const { why } = end
    throw thrown.code === 'WORKER_LOST'
      ? new TandemError('WORKER_LOST', { worker: engine, why }, { cause: thrown })
      : new TandemError('ENGINE_FAILED', { engine, why }, { cause: thrown })
  }
}
