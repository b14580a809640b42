import type { PolicySpec, TaskPolicy } from '../../domain/index.ts'

const encoder: TaskPolicy = {
  prefer: ['npu', 'igpu', 'cpu', 'dgpu'],
  minShare: 0.05,
  spareGpu: false,
  goal: 'energy',
  overflow: [],
  maxMs: 250,
  standIns: 1,
}

export const economy: PolicySpec = {
  name: 'economy',
  title: 'least energy: small models on the NPU, medium ones on CPU and integrated GPU, big ones on demand',
  tasks: {
    chat: {
      prefer: ['npu', 'igpu', 'cpu', 'dgpu'],
      minShare: 0.1,
      spareGpu: false,
      goal: 'energy',
      overflow: [],
      maxMs: 100, // a big model would crawl on a small device: it goes to the discrete GPU, on demand
      standIns: 1,
    },
    embed: encoder,
    rerank: encoder,
    classify: encoder,
  },
  furtherChat: ['npu', 'igpu', 'cpu', 'dgpu'],
  onBattery: 'energy',
  reserveShare: 0.25,
  background: true,
  maxNpuChatParameters: 1.5e9,
  unloadIdleS: 300,
}
