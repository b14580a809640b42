import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TASKS } from '../domain/index.ts'
import { type CoreUser, reservedCores, shareCores } from './cores.ts'
import { policyNamed } from './policies/index.ts'

function user(id: string, more: Partial<CoreUser> = {}): CoreUser {
  const task = more.task ?? TASKS.find((each) => id.startsWith(each)) ?? 'embed'
  return { id, lane: id, task, role: 'primary', does: 'computes', away: false, ...more }
}

const threadsOf = (...[users, budget]: Parameters<typeof shareCores>) =>
  Object.fromEntries(shareCores(users, budget).threads)

test.each([
  { cores: 2, reserveCores: 0, chat: 1, embed: 1 },
  { cores: 1, reserveCores: 1, chat: 1, embed: 1 },
  { cores: 20, reserveCores: 1, chat: 10, embed: 9 },
  { cores: 20, reserveCores: 8, chat: 6, embed: 6 },
])(
  '$cores cores, $reserveCores reserved: $chat for the chat, $embed for embeddings',
  ({ chat, embed, ...budget }) => {
    expect(threadsOf([user('chat'), user('embed')], budget)).toEqual({ chat, embed })
  },
)

test('one worker alone gets everything but the reserve', () => {
  expect(threadsOf([user('embed')], { cores: 8, reserveCores: 1 })).toEqual({ embed: 7 })
})

test('a reranker gets half of what a chat does; what the chat cannot use on fast cores goes to the others', () => {
  const users = [user('chat'), user('embed'), user('rerank')]
  expect(threadsOf(users, { cores: 11, reserveCores: 1 })).toEqual({ chat: 4, embed: 4, rerank: 2 })
  expect(threadsOf(users, { cores: 11, reserveCores: 1, performanceCores: 2 })).toEqual({
    chat: 2,
    embed: 6,
    rerank: 2,
  })
})

test('a worker of another device needs one thread to feed it', () => {
  const users = [user('chat', { does: 'feeds' }), user('embed')]
  expect(threadsOf(users, { cores: 8, reserveCores: 1 })).toEqual({ chat: 1, embed: 6 })
})

test('more workers than cores: one thread each, and how many are over is said', () => {
  const users = [user('chat'), user('embed'), user('rerank')]
  expect(shareCores(users, { cores: 2, reserveCores: 1 }).over).toBe(2)
  expect(threadsOf(users, { cores: 2, reserveCores: 1 })).toEqual({ chat: 1, embed: 1, rerank: 1 })
  expect(shareCores(users, { cores: 4, reserveCores: 1 }).over).toBe(0)
})

describe('of those that are loaded in turns', () => {
  const swapping = (away: readonly string[]) =>
    [user('chat a', { swapsWith: ['chat b'] }), user('chat b', { swapsWith: ['chat a'] }), user('embed')].map(
      (each) => ({ ...each, away: away.includes(each.id) }),
    )
  const budget = { cores: 9, reserveCores: 1 }

  test.each([
    { away: ['chat b'] },
    { away: ['chat a'] },
    { away: ['chat a', 'chat b'] }, // unloaded while nobody asks: their cores are kept
  ])('one has cores, whoever it is: $away away', ({ away }) => {
    expect(threadsOf(swapping(away), budget)).toEqual({ 'chat a': 4, 'chat b': 4, embed: 4 })
  })

  test('both are counted where both are loaded still', () => {
    expect(threadsOf(swapping([]), budget)).toEqual({ 'chat a': 3, 'chat b': 3, embed: 2 })
  })
})

describe('a standby', () => {
  const onCpu = user('chat cpu', { lane: 'chat', role: 'fallback' })
  const lane = (away: boolean) => [
    user('chat gpu', { lane: 'chat', does: 'feeds', away }),
    onCpu,
    user('embed'),
  ]
  const budget = { cores: 9, reserveCores: 1 }

  test('takes no cores, and is told those that it has once it serves', () => {
    expect(threadsOf(lane(false), budget)).toEqual({ 'chat gpu': 1, 'chat cpu': 4, embed: 7 })
  })

  test('takes them when the first of its lane goes away, and gives them back', () => {
    expect(threadsOf(lane(true), budget)).toEqual({ 'chat gpu': 1, 'chat cpu': 4, embed: 4 })
  })

  test('a lane of which nobody is there keeps the cores of its first: it comes back', () => {
    const alone = [user('chat', { away: true }), user('embed')]
    expect(threadsOf(alone, budget)).toEqual({ chat: 4, embed: 4 })
  })

  test('one for overflow computes beside the first', () => {
    const users = [lane(false)[0]!, { ...onCpu, role: 'overflow' as const }, user('embed')]
    expect(threadsOf(users, budget)).toEqual({ 'chat gpu': 1, 'chat cpu': 4, embed: 3 })
  })
})

describe('whatever the workers and the machine', () => {
  const anyUser = fc.record({
    lane: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    task: fc.constantFrom(...TASKS),
    role: fc.constantFrom('primary' as const, 'overflow' as const, 'fallback' as const),
    does: fc.constantFrom('computes' as const, 'feeds' as const),
    away: fc.boolean(),
  })
  const anyUsers = fc
    .array(anyUser, { maxLength: 9 })
    .map((users): CoreUser[] => users.map((each, at) => ({ ...each, id: `w${at}` })))
  const anyBudget = fc
    .record({ cores: fc.integer({ min: 1, max: 64 }), reserveCores: fc.integer({ min: 0, max: 70 }) })
    .chain((budget) =>
      fc
        .option(fc.integer({ min: 1, max: budget.cores }), { nil: undefined })
        .map((performanceCores) => ({ ...budget, performanceCores })),
    )

  /** Written apart from the code: the first that is there of each lane, and those for overflow. */
  const active = (users: readonly CoreUser[]) =>
    users.filter((each) => {
      const lane = users.filter(({ lane }) => lane === each.lane)
      const first = lane.find(({ away }) => !away) ?? lane[0]
      return each === first || (each.role === 'overflow' && !each.away)
    })

  test('those that compute have at most the budget together, and one thread each at least', () => {
    fc.assert(
      fc.property(anyUsers, anyBudget, (users, budget) => {
        const { threads, over } = shareCores(users, budget)
        const working = active(users)
        const sum = working.reduce((total, { id }) => total + threads.get(id)!, 0)
        const available = Math.max(1, budget.cores - budget.reserveCores)
        expect(sum).toBeLessThanOrEqual(Math.max(available, working.length))
        expect(over).toBe(Math.max(0, working.length - available))
        for (const { id } of users) expect(threads.get(id)).toBeGreaterThanOrEqual(1)
      }),
    )
  })

  test('another core takes none from anybody', () => {
    fc.assert(
      fc.property(anyUsers, anyBudget, (users, budget) => {
        const before = shareCores(users, budget).threads
        const after = shareCores(users, { ...budget, cores: budget.cores + 1 }).threads
        for (const { id } of active(users)) expect(after.get(id)).toBeGreaterThanOrEqual(before.get(id)!)
      }),
    )
  })

  test('another worker gives none to those that compute', () => {
    fc.assert(
      fc.property(anyUsers, anyUser, anyBudget, (users, more, budget) => {
        const before = shareCores(users, budget).threads
        const added = { ...more, id: 'added', lane: 'added' }
        const after = shareCores([...users, added], budget).threads
        for (const { id } of active(users)) expect(after.get(id)).toBeLessThanOrEqual(before.get(id)!)
      }),
    )
  })

  test('a standby that comes to serve already has its threads', () => {
    const noOverflow = anyUsers.map((users) => users.map((each) => ({ ...each, role: 'fallback' as const })))
    fc.assert(
      fc.property(noOverflow, anyBudget, (users, budget) => {
        const before = shareCores(users, budget).threads
        for (const first of active(users)) {
          const gone = users.map((each) => (each === first ? { ...each, away: true } : each))
          const after = shareCores(gone, budget).threads
          for (const { id, lane } of active(gone))
            if (lane === first.lane) expect(after.get(id)).toBe(before.get(id))
        }
      }),
    )
  })

  test('the same workers get the same', () => {
    fc.assert(
      fc.property(anyUsers, anyBudget, (users, budget) => {
        expect(threadsOf(structuredClone(users), budget)).toEqual(threadsOf(users, budget))
      }),
    )
  })
})

test.each([
  { policy: 'development', cores: 20, least: 1 },
  { policy: 'economy', cores: 2, least: 9 },
])(
  '$policy leaves at least $least of $cores free, and one core to the models',
  ({ policy, cores, least }) => {
    const reserved = reservedCores(policyNamed(policy, {}), cores, least)
    expect(reserved).toBeGreaterThanOrEqual(Math.min(least, cores - 1))
    expect(reserved).toBeLessThan(cores)
  },
)
