import type { PolicySpec, TaskPolicy } from '../../domain/index.ts'

const encoder: TaskPolicy = {
  prefer: ['npu', 'cpu', 'igpu', 'dgpu'],
  minShare: 0.05,
  spareGpu: true,
  goal: 'preference',
  overflow: ['cpu'],
  maxMs: 50,
  standIns: 1,
}

export const performance: PolicySpec = {
  name: 'performance',
  title: 'fastest answers: chat on the discrete GPU, small models on the NPU, the CPU helps',
  tasks: {
    chat: {
      prefer: ['dgpu', 'igpu', 'cpu', 'npu'],
      minShare: 0.8,
      spareGpu: false,
      goal: 'preference',
      overflow: ['dgpu', 'cpu'],
      maxMs: 100,
      standIns: 1,
    },
    embed: encoder,
    rerank: encoder,
    classify: encoder,
  },
  furtherChat: ['igpu', 'dgpu', 'cpu', 'npu'],
  onBattery: 'same',
  reserveShare: 0,
  background: false,
  maxNpuChatParameters: 1.5e9,
  unloadIdleS: 0,
}
