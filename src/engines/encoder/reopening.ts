import type { EncoderSession } from './session.ts'

/**
 * A session of an engine that takes its compute threads when it is opened: other threads are another session, and the old one is let
 * go of when nothing runs on it any more. Where another does not open, the old one stays.
 * @throws what `open` throws
 */
export async function openReopening(
  threads: number,
  open: (threads: number) => Promise<EncoderSession>,
): Promise<EncoderSession> {
  let current = { session: await open(threads), threads, uses: new Set<Promise<unknown>>() }
  let changing: Promise<void> = Promise.resolve()

  async function use<T>(work: (session: EncoderSession) => Promise<T>): Promise<T> {
    const { session, uses } = current
    const running = work(session)
    uses.add(running)
    try {
      return await running
    } finally {
      uses.delete(running)
    }
  }

  async function change(wanted: number): Promise<void> {
    const old = current
    if (wanted === old.threads) return
    current = { session: await open(wanted), threads: wanted, uses: new Set() }
    await Promise.allSettled(old.uses)
    await old.session.dispose()
  }

  return {
    get inFlight() {
      return current.session.inFlight
    },
    run: (...args) => use((session) => session.run(...args)),
    ...(current.session.profile ? { profile: (row) => use((session) => session.profile!(row)) } : {}),
    setThreads: (wanted) => {
      const changed = changing.then(() => change(wanted))
      changing = changed.catch(() => {}) // told to who asked for it
      return changed
    },
    dispose: async () => {
      await changing
      await current.session.dispose()
    },
  }
}
