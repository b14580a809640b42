import { expect, test } from 'vitest'
import { Ovms, ovmsProblem } from './ovms.ts'

const model = { name: 'bge', folder: '/m/bge', task: 'embed', device: 'NPU' }
const isAbsolute = (path: string) => path.startsWith('/')

test.each<[object, string | undefined]>([
  [{ models: [model, { ...model, name: 'chat', task: 'chat', device: 'GPU.1' }] }, undefined],
  [{ path: 'ovms' }, 'ovms.path: ovms is not an absolute path'],
  [{ args: ['--rest_port=1'] }, "ovms.args: --rest_port=1 cannot be given: the address is Tandem's own"],
  [{ args: ['--api_key_file', 'k'] }, 'ovms.args: --api_key_file cannot be given: nobody but Tandem asks it'],
  [{ args: ['--log_level', 'DEBUG'] }, undefined],
  [{ models: [{ ...model, folder: 'bge' }] }, 'ovms.models[0].folder: bge is not an absolute path'],
  [{ models: [model, model] }, 'ovms.models[1].name: bge is there twice'],
  [
    { models: [{ ...model, task: 'chat' }] },
    'ovms.models[0].device: a chat on the NPU is not supported; allowed: CPU, GPU, GPU.N',
  ],
])('%j', (section, problem) =>
  expect(ovmsProblem(Ovms.parse(section), isAbsolute, [{ name: 'ovms-taken' }])).toBe(problem),
)

test.each([
  { ...model, device: 'TPU' },
  { ...model, task: 'classify' },
  { ...model, name: 'a b' },
])('%j does not fit', (wrong) => expect(Ovms.safeParse({ models: [wrong] }).success).toBe(false))
