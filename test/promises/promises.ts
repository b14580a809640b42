/** What Tandem promises its user. Tests cite a promise by its id in square brackets in their name. */
export const PROMISES = [
  { id: 'measured-placement', kept: true, says: 'Placement is measured, cached and explained.' },
  {
    id: 'no-silent-fallback',
    kept: true,
    says: 'Every answer of a model says which device and engine ran it.',
  },
  { id: 'vector-safe', kept: true, says: 'An index holds vectors of one fingerprint only.' },
  {
    id: 'failure-domains',
    kept: true,
    says: 'A crash or hang of one worker never interrupts another; embeddings retry, a chat goes on or ends with an error.',
  },
  {
    id: 'interactive-first',
    kept: true,
    says: 'A person who waits overtakes bulk work at the next batch boundary.',
  },
  {
    id: 'bounded',
    kept: true,
    says: 'Queues, bodies, context, retries and time have limits, with a reason past them.',
  },
  {
    id: 'nothing-lost',
    kept: true,
    says: 'kill -9 at any moment leaves an index that opens and catches up.',
  },
  {
    id: 'private',
    kept: true,
    says: 'Loopback only by default; Host and Origin checked; secrets never indexed.',
  },
] as const
