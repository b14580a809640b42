/** Runs one piece of work after the other: each finds what the one before it has left. */
export function inTurns(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const next = last.then(work)
    last = next.catch(() => undefined) // whoever asked hears of it
    return next
  }
}
