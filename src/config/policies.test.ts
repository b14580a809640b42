import { expect, test } from 'vitest'
import { TandemError } from '../domain/index.ts'
import { loadConfig } from './load.ts'

function load(placement: unknown, env: NodeJS.ProcessEnv = {}) {
  const text = placement === undefined ? {} : { TANDEM_PLACEMENT_POLICIES: JSON.stringify(placement) }
  return loadConfig({ home: 'no-such-folder', env: { ...text, ...env } }).config.placement
}

function failure(run: () => unknown): string {
  try {
    run()
  } catch (thrown) {
    if (thrown instanceof TandemError && thrown.code === 'CONFIG_INVALID') return thrown.message
    throw thrown
  }
  throw new Error('no error')
}

const quiet = { base: 'development', tasks: { embed: { prefer: ['npu', 'cpu'] } } }

test('a policy of its own may be named', () => {
  const { policy, policies } = load({ quiet }, { TANDEM_PLACEMENT_POLICY: 'quiet' })
  expect({ policy, policies }).toEqual({ policy: 'quiet', policies: { quiet } })
})

test.each([
  [
    { quiet: { tasks: { embed: { prefer: ['tpu'] } } } },
    'policies.quiet.tasks.embed.prefer.0: "tpu" does not fit',
    '"npu"',
  ],
  [{ quiet: { tasks: { embed: { prefer: ['npu', 'npu'] } } } }, 'embed.prefer', 'a kind stands there twice'],
  [
    { quiet: { tasks: { embed: { perfer: ['npu'] } } } },
    'policies.quiet.tasks.embed: unknown key "perfer"',
    'prefer, minShare',
  ],
  [{ quiet: { tasks: { sing: {} } } }, 'policies.quiet.tasks: unknown key "sing"', 'allowed: chat, embed'],
  [{ quiet: { bass: 'economy' } }, 'policies.quiet: unknown key "bass"', 'did you mean base?'],
  [{ quiet: { reserveShare: 2 } }, 'policies.quiet.reserveShare: 2 does not fit', '<=1'],
  [
    { quiet: { base: 'developmint' } },
    'policies.quiet.base: there is no policy "developmint"',
    'did you mean development?',
  ],
  [
    { quiet: { base: 'calm' }, calm: { base: 'quiet' } },
    'based on each other: quiet, calm, quiet',
    'policies.quiet',
  ],
  [{ 'Quiet!': {} }, 'policies.Quiet!', 'small letters'],
  [['quiet'], 'placement.policies: ["quiet"] does not fit', 'keys with values'],
])('%j is refused', (policies, ...says) => {
  const message = failure(() => load(policies))
  for (const part of ['TANDEM_PLACEMENT_POLICIES: placement.', ...says]) expect(message).toContain(part)
})

test('a policy that does not exist is refused with the nearest names, those of the configuration among them', () => {
  const message = failure(() => load({ quiet }, { TANDEM_PLACEMENT_POLICY: 'quite' }))
  expect(message).toBe(
    'TANDEM_PLACEMENT_POLICY: placement.policy: there is no policy "quite"; did you mean quiet? allowed: performance, development, economy, quiet',
  )
})

test('what is no JSON is refused', () => {
  const broken = { TANDEM_PLACEMENT_POLICIES: '{quiet' }
  expect(failure(() => load(undefined, broken))).toContain('"{quiet" does not fit')
})
