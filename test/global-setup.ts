import { llamaServerForTests } from './llama-server-for-tests.ts'
import { openVinoForTests } from './openvino-for-tests.ts'
import { type Need, setUp } from './set-up.ts'
import { vulkanForTests } from './vulkan-for-tests.ts'

/** OpenVINO is installed where it is absent. */
const NEEDS: readonly Need[] = [
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
]

export default function setup(): Promise<(() => void) | undefined> {
  return setUp(NEEDS)
}
