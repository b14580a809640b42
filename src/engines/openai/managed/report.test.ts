import { expect, test } from 'vitest'
import { backendOf, readDevices, readVersion } from './report.ts'

test.each([
  [
    "a distribution's",
    'version: 0.7.0 (build 11669, commit Debian)\nbuilt with GNU 16.2.0 for Linux x86_64',
    'b11669 (Debian)',
  ],
  [
    'a development build',
    'version: 0.4.1-dev (build 11059, commit 059a34f8d)\nbuilt with GNU 14.2.0 for Linux aarch64',
    'b11059 (059a34f8d)',
  ],
  [
    'an older one, after its backends',
    'ggml_vulkan: Found 2 Vulkan devices:\nversion: 5145 (12b17501)\nbuilt with MSVC 19.43',
    'b5145 (12b17501)',
  ],
  ['no llama-server', 'nginx version: nginx/1.26', undefined],
])('the version of %s', (_, printed, expected) => {
  expect(readVersion(printed)).toBe(expected)
})

const MIB = 1024 ** 2
const VULKAN = `load_backend: loaded RPC backend from vulkan\\bin\\ggml-rpc.dll
ggml_vulkan: Found 2 Vulkan devices:
ggml_vulkan: 0 = Intel(R) Arc(TM) B580 Graphics (Intel Corporation) | uma: 0 | fp16: 1 | warp size: 32
load_backend: loaded Vulkan backend from vulkan\\bin\\ggml-vulkan.dll
Available devices:
  Vulkan0: Intel(R) Arc(TM) B580 Graphics (12216 MiB, 11532 MiB free)
  Vulkan1: Intel(R) Graphics (ARL) (24128 MiB, 23500 MiB free)
`
const CUDA = `Available devices:
  CUDA0: NVIDIA GeForce RTX 3080 Ti (11909 MiB, 11650 MiB free)
  CUDA1: NVIDIA RTX PRO 4000 Blackwell SFF Edition (24026 MiB, 23795 MiB free)
ggml_cuda_init: found 2 CUDA devices (Total VRAM: 35936 MiB):
  Device 0: NVIDIA GeForce RTX 3080 Ti, compute capability 8.6, VMM: yes, VRAM: 11909 MiB
`
const SYCL = `ggml_cuda_init: found 1 CUDA devices (Total VRAM: 2002 MiB):
  Device 0: NVIDIA GeForce 940MX, compute capability 5.0, VMM: yes, VRAM: 2002 MiB
Available devices:
  CUDA0: NVIDIA GeForce 940MX (2002 MiB, 1974 MiB free)
  SYCL0: Intel(R) HD Graphics 620 (29588 MiB, 29588 MiB free)
`

test.each([
  ['CPU', 'Available devices:\n  (none)\n', []],
  ['Vulkan', VULKAN, ['Vulkan0 Intel(R) Arc(TM) B580 Graphics', 'Vulkan1 Intel(R) Graphics (ARL)']],
  ['CUDA', CUDA, ['CUDA0 NVIDIA GeForce RTX 3080 Ti', 'CUDA1 NVIDIA RTX PRO 4000 Blackwell SFF Edition']],
  ['SYCL and CUDA', SYCL, ['CUDA0 NVIDIA GeForce 940MX', 'SYCL0 Intel(R) HD Graphics 620']],
  [
    'BLAS',
    'Available devices:\n  BLAS: Accelerate (0 MiB, 0 MiB free)\n  MTL0: Apple M4 (16384 MiB, 16000 MiB free)\n',
    ['MTL0 Apple M4'],
  ],
  ['remote', 'Available devices:\n  RPC0: 10.0.0.2:50052 (8000 MiB, 7000 MiB free)\n', []],
  ['a build without the option', 'error: invalid argument: --list-devices\n', []],
])('the devices of a build for %s', (_, printed, expected) => {
  expect(readDevices(printed).map(({ name, title }) => `${name} ${title}`)).toEqual(expected)
})

test('sizes are bytes', () => {
  expect(readDevices(VULKAN)[0]).toMatchObject({ memoryBytes: 12_216 * MIB, freeBytes: 11_532 * MIB })
})

test('a device is of a backend', () => {
  expect(['Vulkan1', 'CUDA0', 'MTL0', 'cpu', 'RPC0'].map(backendOf)).toEqual([
    'Vulkan',
    'CUDA',
    'MTL',
    undefined,
    undefined,
  ])
})
