import { expect, test } from 'vitest'
import { comparePlans } from './compare.ts'

const placed = (device: string, role: string, ...reasons: string[]) => ({
  model: 'm',
  engine: 'openvino',
  device,
  role,
  reasons,
})
const before = {
  tasks: { embed: [placed('npu0', 'primary', 'policy development prefers npu'), placed('cpu', 'fallback')] },
  rejected: [],
}

test('the same plan has no difference', () => {
  expect(comparePlans(before, structuredClone(before))).toEqual([])
})

test('a placement that moved says from where to where, and what rejected the old one', () => {
  const rejected = [
    { task: 'embed', model: 'm', engine: 'openvino', device: 'npu0', reason: 'slower: 3 texts/s, cpu 300' },
  ]
  const after = { tasks: { embed: [placed('cpu', 'primary', 'policy performance prefers cpu')] }, rejected }
  expect(comparePlans(before, after)).toEqual([
    {
      task: 'embed',
      model: 'm',
      from: 'openvino on npu0',
      to: 'openvino on cpu',
      behindFrom: ['openvino on cpu'],
      behindTo: [],
      reason: 'slower: 3 texts/s, cpu 300',
    },
  ])
})

test("one that was not rejected moved for the new one's reason", () => {
  const after = {
    tasks: { embed: [placed('gpu0', 'primary', 'gpu0 was measured'), placed('cpu', 'fallback')] },
    rejected: [],
  }
  expect(comparePlans(before, after)).toMatchObject([{ to: 'openvino on gpu0', reason: 'gpu0 was measured' }])
})

test('what stands behind may change alone; a model may come and go', () => {
  const after = {
    tasks: {
      embed: [placed('npu0', 'primary'), placed('gpu0', 'fallback', 'takes over')],
      chat: [placed('cpu', 'primary', 'why')],
    },
    rejected: [],
  }
  expect(comparePlans(before, after)).toEqual([
    {
      task: 'embed',
      model: 'm',
      from: 'openvino on npu0',
      to: 'openvino on npu0',
      behindFrom: ['openvino on cpu'],
      behindTo: ['openvino on gpu0'],
      reason: 'takes over',
    },
    { task: 'chat', model: 'm', to: 'openvino on cpu', reason: 'why' },
  ])
  expect(comparePlans(after, { tasks: {}, rejected: [] })).toMatchObject([
    { task: 'embed', from: 'openvino on npu0', reason: 'm is not asked for any more' },
    { task: 'chat', from: 'openvino on cpu' },
  ])
})

test('that a model is loaded in turns from now on is a difference, and that it is not any more', () => {
  const alone = { tasks: { chat: [placed('gpu0', 'primary', 'policy')] }, rejected: [] }
  const why = 'does not fit beside other on gpu0: they are loaded in turns'
  const turned = { ...placed('gpu0', 'primary', why, 'policy'), swapsWith: ['other'] }
  const swapping = { tasks: { chat: [turned] }, rejected: [] }
  const same = { from: 'openvino on gpu0', to: 'openvino on gpu0' }
  expect(comparePlans(alone, swapping)).toMatchObject([
    { ...same, swapsFrom: [], swapsTo: ['other'], reason: why },
  ])
  expect(comparePlans(swapping, alone)).toMatchObject([
    { ...same, swapsFrom: ['other'], swapsTo: [], reason: 'nothing has to make room for it any more' },
  ])
})
