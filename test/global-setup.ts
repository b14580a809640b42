import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { llamaServerForTests } from './llama-server-for-tests.ts'
import { openVinoForTests } from './openvino-for-tests.ts'
import { vulkanForTests } from './vulkan-for-tests.ts'

/** What suites need and a machine may lack: `TANDEM_TEST_NAME` is what was found, `TANDEM_TEST_NAME_MISSING` why nothing was. */
const NEEDS = [
  {
    name: 'OPENVINO',
    title: 'OpenVINO',
    find: openVinoForTests,
    remedy: 'install Python 3 with pip, or set TANDEM_TEST_OPENVINO to the path of libopenvino_c',
  },
  {
    name: 'VULKAN',
    title: 'Vulkan',
    find: vulkanForTests,
    remedy: 'install a Vulkan driver (Debian and Ubuntu: libvulkan1 mesa-vulkan-drivers)',
  },
  {
    name: 'LLAMA_SERVER',
    title: 'llama-server',
    find: llamaServerForTests,
    remedy:
      'put llama-server into the PATH, set TANDEM_TEST_LLAMA_SERVER to its path, or run .ci/llama-server.sh .cache/llama-server (Debian, as root)',
  },
] as const

/**
 * Worker processes and threads are started from the build, so tests build first. OpenVINO is installed where it is
 * absent; a suite whose need cannot be met is skipped with the reason, and in CI the run fails.
 * @returns what to say at the end of the run
 */
export default async function setup(): Promise<(() => void) | undefined> {
  execFileSync(process.execPath, [fileURLToPath(new URL('../bin/build.js', import.meta.url))], {
    stdio: 'inherit',
  })
  process.env['TANDEM_ADOPT_DISCOVER'] = 'false' // servers of this machine are not part of a test that does not ask for them
  process.env['TANDEM_LLAMA_SERVER_ENABLED'] = 'false' // nor is a llama-server that it could start
  const missing: string[] = []
  for (const { name, title, find, remedy } of NEEDS) {
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
