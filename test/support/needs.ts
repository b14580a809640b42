/** What a suite needs and a machine may lack; the global setup looks for it. */
import { describe } from 'vitest'

/**
 * @param need of `TANDEM_TEST_NEED`
 * @returns what was found; undefined where the suite cannot run (never in CI: there the run fails)
 */
export function foundForTests(need: string): string | undefined {
  return process.env[`TANDEM_TEST_${need}`] || undefined
}

/** A `describe` whose tests count as skipped, with the reason in their name, where the need is not met. */
export function describeWith(need: string, title: string): (name: string, fn: () => void) => void {
  return (name, fn) => {
    if (foundForTests(need) !== undefined) describe(name, fn)
    else describe.skip(`${name} (without ${title}: ${process.env[`TANDEM_TEST_${need}_MISSING`]})`, fn)
  }
}
