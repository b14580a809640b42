import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { openVinoForTests } from './openvino-for-tests.ts'

/**
 * Worker processes and threads are started from the build, so tests build first. OpenVINO is installed where it is
 * absent; where it cannot be, its suite is skipped with the reason, and in CI the run fails.
 * @returns what to say at the end of the run
 */
export default async function setup(): Promise<(() => void) | undefined> {
  execFileSync(process.execPath, [fileURLToPath(new URL('../bin/build.js', import.meta.url))], {
    stdio: 'inherit',
  })
  try {
    process.env['TANDEM_TEST_OPENVINO'] = await openVinoForTests()
    return undefined
  } catch (thrown) {
    const why = (thrown as Error).message
    if (process.env['CI'] === 'true') throw new Error(`the OpenVINO suite cannot run: ${why}`)
    process.env['TANDEM_TEST_OPENVINO_MISSING'] = why
    const say = () =>
      process.stderr.write(
        `\nThe OpenVINO suite did not run: ${why}\nTo run it: install Python 3 with pip, or set TANDEM_TEST_OPENVINO to the path of libopenvino_c.\n\n`,
      )
    say()
    return say
  }
}
