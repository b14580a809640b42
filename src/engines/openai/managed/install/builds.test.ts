import { describe, expect, test } from 'vitest'
import { type Build, buildsFor, readBuild, usualName } from './builds.ts'

/** Names as releases have had them, from b4000 to b9999. */
const NAMES: readonly (readonly [string, Omit<Build, 'tag'>])[] = [
  ['llama-b9-bin-ubuntu-x64.tar.gz', build('linux', 'x64', 'cpu')],
  ['llama-b9-bin-ubuntu-x64.zip', build('linux', 'x64', 'cpu', '', 'zip')],
  ['llama-b9-bin-ubuntu-arm64.tar.gz', build('linux', 'arm64', 'cpu')],
  ['llama-b9-bin-ubuntu-vulkan-x64.tar.gz', build('linux', 'x64', 'vulkan')],
  ['llama-b9-bin-ubuntu-vulkan-arm64.tar.gz', build('linux', 'arm64', 'vulkan')],
  ['llama-b9-bin-ubuntu-sycl-fp16-x64.tar.gz', build('linux', 'x64', 'sycl', 'fp16')],
  ['llama-b9-bin-ubuntu-sycl-fp32-x64.tar.gz', build('linux', 'x64', 'sycl', 'fp32')],
  ['llama-b9-bin-ubuntu-openvino-2026.0-x64.tar.gz', build('linux', 'x64', 'openvino', '2026.0')],
  ['llama-b9-bin-ubuntu-rocm-7.2-x64.tar.gz', build('linux', 'x64', 'rocm', '7.2')],
  ['llama-b9-bin-win-cpu-x64.zip', build('win32', 'x64', 'cpu', '', 'zip')],
  ['llama-b9-bin-win-cpu-arm64.zip', build('win32', 'arm64', 'cpu', '', 'zip')],
  ['llama-b9-bin-win-vulkan-x64.zip', build('win32', 'x64', 'vulkan', '', 'zip')],
  ['llama-b9-bin-win-sycl-x64.zip', build('win32', 'x64', 'sycl', '', 'zip')],
  ['llama-b9-bin-win-openvino-2026.0-x64.zip', build('win32', 'x64', 'openvino', '2026.0', 'zip')],
  ['llama-b9-bin-win-cuda-12.4-x64.zip', build('win32', 'x64', 'cuda', '12.4', 'zip')],
  ['llama-b9-bin-win-opencl-adreno-arm64.zip', build('win32', 'arm64', 'opencl', 'adreno', 'zip')],
  ['llama-b9-bin-macos-arm64.tar.gz', build('darwin', 'arm64', 'metal')],
  ['llama-b9-bin-macos-x64.tar.gz', build('darwin', 'x64', 'cpu')],
  ['llama-b9-bin-macos-arm64-kleidiai.tar.gz', build('darwin', 'arm64', 'kleidiai')],
]

function build(
  platform: NodeJS.Platform,
  arch: string,
  backend: string,
  variant = '',
  archive: Build['archive'] = 'tar.gz',
): Omit<Build, 'tag'> {
  return { platform, arch, backend, variant, archive }
}

describe('the name of a build', () => {
  test.each(NAMES)('%s', (name, told) => expect(readBuild(name)).toEqual({ tag: 'b9', ...told }))

  test.each([
    'cudart-llama-bin-win-cuda-12.4-x64.zip',
    'llama-b9-xcframework.zip',
    'llama-b9-ui.tar.gz',
    'llama-b9-bin-android-arm64.tar.gz',
    'llama-b9-bin-310p-openEuler-aarch64.tar.gz',
    'llama-b9-bin-ubuntu-x64.tar.gz.sha256',
    'Source code.zip',
  ])('%s is none that is installed', (name) => expect(readBuild(name)).toBeUndefined())

  test('the tag may have dashes', () => {
    expect(readBuild('llama-v1.2-rc-3-bin-ubuntu-vulkan-x64.tar.gz')).toMatchObject({ tag: 'v1.2-rc-3' })
  })
})

const all = NAMES.map(([name]) => ({ name, build: readBuild(name)! }))
const chosen = (platform: NodeJS.Platform, arch: string, backend: string, from = all) =>
  buildsFor(from, { platform, arch }, backend).map(({ name }) => name)

test('the machine and the backend choose; half precision comes before single', () => {
  expect(chosen('linux', 'x64', 'sycl')).toEqual([
    'llama-b9-bin-ubuntu-sycl-fp16-x64.tar.gz',
    'llama-b9-bin-ubuntu-sycl-fp32-x64.tar.gz',
  ])
  expect(chosen('win32', 'x64', 'vulkan')).toEqual(['llama-b9-bin-win-vulkan-x64.zip'])
  expect(chosen('win32', 'arm64', 'vulkan')).toEqual([])
})

test('of several versions of a library the newest comes first', () => {
  const names = ['2025.9', '2026.0', '2025.10'].map((v) => `llama-b9-bin-ubuntu-openvino-${v}-x64.tar.gz`)
  const from = names.map((name) => ({ name, build: readBuild(name)! }))
  expect(chosen('linux', 'x64', 'openvino', from)).toEqual([names[1], names[2], names[0]])
})

test.each([
  ['linux', 'x64', 'cpu'],
  ['linux', 'arm64', 'vulkan'],
  ['win32', 'x64', 'cpu'],
  ['win32', 'x64', 'sycl'],
  ['darwin', 'arm64', 'metal'],
  ['darwin', 'x64', 'cpu'],
] as const)('the usual name for %s/%s, %s is read as what it names', (platform, arch, backend) => {
  const name = usualName('b123', { platform, arch }, backend)
  expect(readBuild(name)).toMatchObject({ tag: 'b123', platform, arch, backend })
})
