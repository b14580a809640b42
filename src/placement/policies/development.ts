import type { PolicySpec, TaskPolicy } from '../../domain/index.ts'

/** The NPU's worth is that it leaves the other processors free: a tenth of the fastest one's speed is enough. */
const encoder: TaskPolicy = {
  prefer: ['npu', 'igpu', 'cpu', 'dgpu'],
  minShare: 0.1,
  spareGpu: true,
  goal: 'preference',
  overflow: [],
  maxMs: 100,
  standIns: 1,
}

export const development: PolicySpec = {
  name: 'development',
  title: 'continuous indexing on the NPU, chat on the discrete GPU, the CPU free for builds and tests',
  tasks: {
    chat: {
      prefer: ['dgpu', 'igpu', 'cpu', 'npu'],
      minShare: 0.5,
      spareGpu: false,
      goal: 'preference',
      overflow: [],
      maxMs: 100,
      standIns: 1,
    },
    embed: encoder,
    rerank: encoder,
    classify: encoder,
  },
  furtherChat: ['dgpu', 'igpu', 'cpu', 'npu'],
  onBattery: 'energy',
  reserveShare: 0.25,
  background: true,
  maxNpuChatParameters: 1.5e9,
  unloadIdleS: 0,
}
