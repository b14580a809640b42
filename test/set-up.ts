import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** What suites need and a machine may lack: `TANDEM_TEST_NAME` is what was found, `TANDEM_TEST_NAME_MISSING` why nothing was. */
export interface Need {
  readonly name: string
  readonly title: string
  /** @throws Error when it is not here */
  readonly find: () => string | Promise<string>
  readonly remedy: string
}

/**
 * Worker processes and threads are started from the build, so tests build first. A suite whose need cannot be met is skipped with
 * the reason, and in CI the run fails.
 * @returns what to say at the end of the run
 */
export async function setUp(needs: readonly Need[]): Promise<(() => void) | undefined> {
  execFileSync(process.execPath, [fileURLToPath(new URL('../bin/build.js', import.meta.url))], {
    stdio: 'inherit',
  })
  process.env['TANDEM_ADOPT_DISCOVER'] = 'false' // servers of this machine are not part of a test that does not ask for them
  process.env['TANDEM_LLAMA_SERVER_ENABLED'] = 'false' // nor is a llama-server that it could start
  const missing: string[] = []
  for (const { name, title, find, remedy } of needs) {
    try {
      process.env[`TANDEM_TEST_${name}`] = await find()
    } catch (thrown) {
      const why = (thrown as Error).message
      if (process.env['CI'] === 'true') throw new Error(`the ${title} suite cannot run: ${why}`)
      process.env[`TANDEM_TEST_${name}_MISSING`] = why
      missing.push(`\nThe ${title} suite did not run: ${why}\nTo run it: ${remedy}.\n\n`)
    }
  }
  if (missing.length === 0) return undefined
  const say = () => process.stderr.write(missing.join(''))
  say()
  return () => void say()
}
