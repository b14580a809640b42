/** `placement.policies`: what a configuration changes of the policies, or which it adds. */
import { z } from 'zod'
import { DEVICE_KINDS, POLICIES, type TASKS } from '../domain/index.ts'
import { nearestNames } from './nearest.ts'

const kinds = z
  .array(z.enum(DEVICE_KINDS))
  .max(DEVICE_KINDS.length)
  .refine((list) => new Set(list).size === list.length, 'a kind stands there twice')
const share = z.number().min(0).max(1)

/** An object of these keys and no others; the error names the nearest. */
function only<T extends z.core.$ZodLooseShape>(shape: T) {
  const known = Object.keys(shape)
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== 'unrecognized_keys') return undefined
      const [unknown = ''] = issue.keys
      const [nearest] = nearestNames(unknown, known)
      const meant = nearest ? `did you mean ${nearest}? ` : ''
      return `unknown key "${unknown}"; ${meant}allowed: ${known.join(', ')}`
    },
  })
}

const TaskOverride = only({
  prefer: kinds.min(1).exactOptional(),
  minShare: share.exactOptional(),
  spareGpu: z.boolean().exactOptional(),
  goal: z.enum(['preference', 'speed', 'energy']).exactOptional(),
  overflow: kinds.exactOptional(),
  maxMs: z.number().positive().max(3_600_000).exactOptional(),
  standIns: z.int().min(0).max(8).exactOptional(),
})

const TaskOverrides = only({
  chat: TaskOverride.exactOptional(),
  embed: TaskOverride.exactOptional(),
  rerank: TaskOverride.exactOptional(),
  classify: TaskOverride.exactOptional(),
} satisfies Record<(typeof TASKS)[number], z.ZodType>)

const Override = only({
  base: z.string().exactOptional(),
  title: z.string().min(1).max(200).exactOptional(),
  tasks: TaskOverrides.exactOptional(),
  furtherChat: kinds.min(1).exactOptional(),
  onBattery: z.enum(['same', 'energy']).exactOptional(),
  reserveShare: share.exactOptional(),
  background: z.boolean().exactOptional(),
  maxNpuChatParameters: z.number().min(0).max(1e12).exactOptional(),
  unloadIdleS: z.int().min(0).max(31_536_000).exactOptional(),
})

export const PolicyOverrides = z.record(
  z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'a name of small letters, digits and hyphens'),
  Override,
)
type PolicyOverrides = z.infer<typeof PolicyOverrides>

/** What the names in a checked configuration of policies lack; undefined when all are there. */
export function policyProblem(policy: string, overrides: PolicyOverrides): string | undefined {
  const known = [...new Set([...POLICIES, ...Object.keys(overrides)])]
  if (!known.includes(policy)) return `placement.policy: ${noPolicy(policy, known)}`
  for (const [name, { base }] of Object.entries(overrides)) {
    if (base !== undefined && !known.includes(base))
      return `placement.policies.${name}.base: ${noPolicy(base, known)}`
    const chain = [name]
    for (let next = base; next !== undefined && next !== chain.at(-1); ) {
      if (chain.includes(next))
        return `placement.policies.${name}.base: policies are based on each other: ${[...chain, next].join(', ')}`
      chain.push(next)
      next = overrides[next]?.base
    }
  }
  return undefined
}

function noPolicy(name: string, known: readonly string[]): string {
  const [nearest] = nearestNames(name, known)
  const meant = nearest ? `did you mean ${nearest}? ` : ''
  return `there is no policy ${JSON.stringify(name)}; ${meant}allowed: ${known.join(', ')}`
}
