import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { openVinoForTests } from './openvino-for-tests.ts'

/** Worker processes and threads are started from the build, so tests build first. */
export default function setup(): (() => void) | undefined {
  execFileSync(process.execPath, [fileURLToPath(new URL('../bin/build.js', import.meta.url))], {
    stdio: 'inherit',
  })
  try {
    process.env['TANDEM_TEST_OPENVINO'] ||= openVinoForTests()
  } catch (thrown) {
    if (process.env['CI'] === 'true') throw thrown
    const why = (thrown as Error).message
    process.env['TANDEM_TEST_OPENVINO_MISSING'] = why
    const say = () =>
      console.error(
        `\nThe OpenVINO suite did not run: ${why}\nInstall Python 3 with pip, or set TANDEM_TEST_OPENVINO.\n`,
      )
    say()
    return say
  }
  return undefined
}
