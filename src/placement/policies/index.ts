import { type PolicySpec, TASKS, type TaskPolicy } from '../../domain/index.ts'
import { development } from './development.ts'
import { economy } from './economy.ts'
import { performance } from './performance.ts'

/** What a configuration changes of a policy, or what it makes of another one. */
export interface PolicyOverride extends Partial<Omit<PolicySpec, 'name' | 'tasks'>> {
  /** The policy that gives what is not said here; absent: the one of this name, else `development`. */
  readonly base?: string
  readonly tasks?: { readonly [T in keyof PolicySpec['tasks']]?: Partial<TaskPolicy> }
}

const BUILT_IN: readonly PolicySpec[] = [performance, development, economy]

/** The built-in policies as the configuration changes them, and those that it adds, in its order. */
export function policiesWith(overrides: Readonly<Record<string, PolicyOverride>> = {}): PolicySpec[] {
  const names = [...new Set([...BUILT_IN.map(({ name }) => name), ...Object.keys(overrides)])]
  return names.map((name) => resolved(name, overrides, []))
}

/**
 * A policy by its name.
 * @throws Error for a name or base that does not exist, or bases in a circle: the configuration was checked for them
 */
export function policyNamed(
  name: string,
  overrides: Readonly<Record<string, PolicyOverride>> = {},
): PolicySpec {
  return resolved(name, overrides, [])
}

function resolved(
  name: string,
  overrides: Readonly<Record<string, PolicyOverride>>,
  under: readonly string[],
): PolicySpec {
  const builtIn = BUILT_IN.find((each) => each.name === name)
  const override = Object.hasOwn(overrides, name) ? overrides[name] : undefined
  if (under.includes(name))
    throw new Error(`policies are based on each other: ${[...under, name].join(', ')}`)
  if (!override) {
    if (builtIn) return builtIn
    throw new Error(`no policy ${name}`)
  }
  const { base: named, tasks = {}, ...rest } = override
  const base =
    named !== undefined && named !== name
      ? resolved(named, overrides, [...under, name])
      : (builtIn ?? development)
  const changed = TASKS.map((task) => [task, { ...base.tasks[task], ...tasks[task] }])
  return { ...base, ...rest, name, tasks: Object.fromEntries(changed) as PolicySpec['tasks'] }
}
