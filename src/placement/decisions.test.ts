/** What is decided on the reference PC, sentence by sentence. */
import { describe, expect, test } from 'vitest'
import type { Device, Measurement, Model, Plan, Task } from '../domain/index.ts'
import type { PlannedModel, PlannerInput } from './input.ts'
import { makePlan } from './planner.ts'
import { policiesWith, policyNamed } from './policies/index.ts'
import { ENGINES } from './testing/random-machine.ts'

const GIB = 2 ** 30
const cpu: Device = {
  id: 'cpu',
  kind: 'cpu',
  name: 'Core Ultra 7 265K',
  memoryBytes: 32 * GIB,
  cores: 20,
  simulated: false,
  engines: { onnxruntime: 'cpu', 'llama.cpp': 'cpu', openvino: 'CPU' },
}
const npu: Device = {
  ...cpu,
  id: 'npu0',
  kind: 'npu',
  name: 'AI Boost',
  sharedMemory: true,
  engines: { openvino: 'NPU' },
}
const b580: Device = {
  ...cpu,
  id: 'gpu0',
  kind: 'dgpu',
  name: 'Arc B580',
  memoryBytes: 12 * GIB,
  engines: { 'llama.cpp': 'Vulkan0', openvino: 'GPU.1' },
}
const model = (
  task: Task,
  gib: number,
  formats: readonly ('gguf' | 'onnx' | 'openvino-ir')[],
  id: string = task,
): Model => ({
  id,
  title: id,
  revision: '1',
  license: '',
  tasks: [task],
  parameters: gib * 1.7e9,
  contextTokens: 4096,
  files: Object.fromEntries(formats.map((each) => [each, [{ path: 'f', sizeBytes: gib * GIB, sha256: '' }]])),
  folder: '/',
  fingerprint: id,
})
const chat: PlannedModel = { task: 'chat', model: model('chat', 8.4, ['gguf']) }
const embed: PlannedModel = { task: 'embed', model: model('embed', 0.1, ['onnx', 'openvino-ir']) }
const pc: PlannerInput = {
  policy: policyNamed('development'),
  devices: [npu, b580, cpu],
  engines: ENGINES,
  models: [chat, embed],
}

const texts = (
  engine: 'openvino' | 'onnxruntime',
  device: string,
  textsPerSecond: number,
  ms = 5,
  watts?: number,
): Measurement => ({
  task: 'embed',
  model: 'embed',
  engine,
  device,
  from: 'measured',
  encoder: { textsPerSecond, buckets: [{ tokens: 128, batch: 1, msPerText: ms }] },
  ...(watts === undefined ? {} : { watts }),
})
const tokens = (device: string, decodeTokensPerSecond: number): Measurement => ({
  task: 'chat',
  model: 'chat',
  engine: 'llama.cpp',
  device,
  from: 'measured',
  decoder: { decodeTokensPerSecond, promptTokensPerSecond: 900 },
})
const where = (plan: Plan, task: Task) =>
  plan.tasks[task]?.map((each) => `${each.engine}@${each.device} ${each.role}`)
const rejection = (plan: Plan, model: string, engine: string, device: string) =>
  plan.rejected.find((each) => each.model === model && each.engine === engine && each.device === device)
    ?.reason

test('development: chat on the discrete GPU and embeddings on the NPU, the CPU behind both', () => {
  const plan = makePlan(pc)
  expect(where(plan, 'chat')).toEqual(['llama.cpp@gpu0 primary', 'llama.cpp@cpu fallback'])
  expect(where(plan, 'embed')).toEqual(['openvino@npu0 primary', 'onnxruntime@cpu fallback'])
  expect(plan.reserveCores).toBe(5)
  expect(plan.tasks.chat?.[0]?.reasons).toEqual([
    'policy development prefers dgpu, then igpu, cpu and npu for chat',
    "llama.cpp reads the model's gguf files and runs on Arc B580",
    'not measured yet: chosen by rule of thumb',
    'a discrete GPU has the fastest memory',
    'takes 9.2 GiB of 12.0 GiB',
  ])
})

test('performance: the CPU helps when the NPU is full', () => {
  const plan = makePlan({ ...pc, policy: policyNamed('performance') })
  expect(where(plan, 'embed')?.slice(0, 2)).toEqual(['openvino@npu0 primary', 'onnxruntime@cpu overflow'])
})

test('the numbers decide: a preferred device that is too slow is passed over, with both numbers', () => {
  const measurements = [
    texts('openvino', 'npu0', 12, 90),
    texts('openvino', 'cpu', 300),
    texts('onnxruntime', 'cpu', 200),
  ]
  const plan = makePlan({ ...pc, models: [embed], devices: [npu, cpu], measurements })
  expect(where(plan, 'embed')).toEqual(['openvino@cpu primary', 'openvino@npu0 fallback'])
  expect(plan.tasks.embed?.[0]?.reasons).toContain(
    "npu0 would be preferred, but its 12 texts/s are less than 10 % of cpu's 300",
  )
  expect(rejection(plan, 'embed', 'onnxruntime', 'cpu')).toBe('slower: 200 texts/s, openvino 300 there')
})

test('a software GPU waits for its numbers, and is rejected by them', () => {
  const software: Device = { ...b580, kind: 'igpu', name: 'llvmpipe', software: true }
  const machine = { ...pc, models: [chat], devices: [software, cpu] }
  expect(rejection(makePlan(machine), 'chat', 'llama.cpp', 'gpu0')).toBe(
    'llvmpipe is computed by the CPU, and not measured yet',
  )
  const measured = makePlan({ ...machine, measurements: [tokens('gpu0', 8.4), tokens('cpu', 290)] })
  expect(where(measured, 'chat')).toEqual(['llama.cpp@cpu primary'])
  expect(rejection(measured, 'chat', 'llama.cpp', 'gpu0')).toBe('slower: writes 8.4 tokens/s, cpu 290')
})

describe('what a model takes the next one lacks', () => {
  const further = (gib: number, use: 'autocomplete' | 'apply' = 'autocomplete'): PlannedModel => ({
    task: 'chat',
    use,
    model: model('chat', gib, ['gguf'], use),
  })
  const [CHAT, SECOND, THIRD] = ['chat', 'autocomplete', 'apply'].map((id) => `chat:${id}:llama.cpp:gpu0`)
  const swaps = (plan: Plan) =>
    Object.fromEntries(
      plan.tasks.chat!.flatMap(({ model, swapsWith }) => (swapsWith ? [[model, swapsWith]] : [])),
    )

  test('where the CPU writes fast enough it goes there', () => {
    const measurements = [{ ...tokens('cpu', 30), model: 'autocomplete' }]
    const plan = makePlan({ ...pc, models: [further(6), chat], measurements })
    expect(where(plan, 'chat')).toEqual([
      'llama.cpp@gpu0 primary',
      'llama.cpp@cpu fallback',
      'llama.cpp@cpu primary',
    ])
    expect(rejection(plan, 'autocomplete', 'llama.cpp', 'gpu0')).toMatch(/^does not fit/)
    expect(swaps(plan)).toEqual({})
  })

  test.each([
    ['too large for the CPU by the rule of thumb', []],
    ['too slow there', [{ ...tokens('cpu', 3), model: 'autocomplete' }]],
  ])('%s: the two are loaded in turns', (_, measurements) => {
    const plan = makePlan({ ...pc, models: [further(6), chat], measurements })
    expect(swaps(plan)).toEqual({ chat: [SECOND], autocomplete: [CHAT] })
    const [first] = plan.tasks.chat!
    const second = plan.tasks.chat!.find((each) => each.model === 'autocomplete')!
    expect(first!.reasons[0]).toBe('does not fit beside autocomplete on gpu0: they are loaded in turns')
    expect(second.reasons.slice(0, 2)).toEqual([
      'does not fit beside chat on gpu0: they are loaded in turns',
      'policy development prefers dgpu, then igpu, cpu and npu for autocomplete',
    ])
  })

  test('of three the memory of the largest is counted, and those that fit together need not swap', () => {
    const third = makePlan({ ...pc, models: [further(6), chat, further(7, 'apply')] })
    expect(swaps(third)).toEqual({
      chat: [SECOND, THIRD],
      autocomplete: [CHAT, THIRD],
      apply: [CHAT, SECOND],
    })
    const small = makePlan({ ...pc, models: [chat, further(1), further(6, 'apply')] })
    expect(swaps(small)).toEqual({ chat: [THIRD], apply: [CHAT] })
  })

  test('a pinned one and an encoder stay', () => {
    const models = [chat, further(6)]
    expect(swaps(makePlan({ ...pc, models, pins: { chat: { device: 'gpu0' } } }))).toEqual({})
    const encoder = { task: 'embed', model: model('embed', 9, ['openvino-ir']) } as const
    const full = makePlan({ ...pc, models: [encoder, further(6)], pins: { embed: { device: 'gpu0' } } })
    expect(where(full, 'embed')?.[0]).toBe('openvino@gpu0 primary')
    expect(swaps(full)).toEqual({})
    expect(where(full, 'chat')).toEqual(['llama.cpp@cpu primary'])
  })
})

test('a placement whose vectors differ is refused with its cosine, also as a pin', () => {
  const refusals = [
    {
      task: 'embed',
      model: 'embed',
      engine: 'openvino',
      device: 'npu0',
      reason: 'refused: vectors differ, cosine 0.93',
    },
  ] as const
  const plan = makePlan({ ...pc, refusals, pins: { embed: { device: 'npu0' } } })
  expect(plan.unmet).toEqual([
    {
      task: 'embed',
      model: 'embed',
      pin: 'npu0',
      by: 'placement.embed',
      reason: 'refused: vectors differ, cosine 0.93',
    },
  ])
  expect(plan.tasks.embed).toEqual([])
})

test.each([
  [
    'never: [npu]',
    { never: ['npu'] },
    'embed',
    'openvino',
    'npu0',
    'forbidden by placement.never: npu is npu0 (AI Boost)',
  ],
  [
    'never: [gpu0]',
    { never: ['gpu0'] },
    'chat',
    'llama.cpp',
    'gpu0',
    'forbidden by placement.never: gpu0 (Arc B580)',
  ],
  [
    'a kind that the policy leaves out',
    { policy: policyNamed('quiet', { quiet: { tasks: { embed: { prefer: ['cpu'] } } } }) },
    'embed',
    'openvino',
    'npu0',
    'policy quiet never uses an NPU for embed',
  ],
])('%s is the reason of a rejection', (_, change, model, engine, device, reason) => {
  expect(rejection(makePlan({ ...pc, ...change }), model, engine, device)).toBe(reason)
})

test('an NPU gets no large chat model, whatever is asked', () => {
  const large = { task: 'chat', model: model('chat', 8.4, ['openvino-ir']) } as const
  const plan = makePlan({ ...pc, models: [large], pins: { chat: { engine: 'openvino', device: 'NPU' } } })
  expect(plan.unmet?.[0]?.reason).toBe(
    'policy development gives an NPU chat models of 1.5 billion parameters at most, this one has 14.3 billion',
  )
})

test('economy takes the least energy that is fast enough', () => {
  const measurements = [
    texts('openvino', 'npu0', 100, 10, 5),
    texts('openvino', 'cpu', 300, 5, 90),
    texts('onnxruntime', 'cpu', 200, 5, 90),
    texts('openvino', 'gpu0', 900, 3, 120),
  ]
  const plan = makePlan({ ...pc, models: [embed], policy: policyNamed('economy'), measurements })
  expect(plan.tasks.embed?.[0]).toMatchObject({ device: 'npu0' })
  expect(plan.tasks.embed?.[0]?.reasons[0]).toBe(
    'policy economy wants the least energy for embed: 0.05 J per text, next gpu0 with 0.133',
  )
})

test('economy: of what takes about as little, the kind that is preferred', () => {
  const measurements = [texts('openvino', 'cpu', 300, 5, 90), texts('openvino', 'gpu0', 450, 3, 120)]
  const input = { ...pc, models: [embed], policy: policyNamed('economy'), devices: [b580, cpu] }
  const [first] = makePlan({ ...input, measurements }).tasks.embed ?? []
  expect(first?.device).toBe('cpu')
  expect(first?.reasons[0]).toBe(
    'policy economy wants the least energy for embed: 0.3 J per text; the 0.267 of gpu0 are hardly less, and cpu is preferred',
  )
  const less = [measurements[0]!, texts('openvino', 'gpu0', 600, 3, 120)]
  expect(makePlan({ ...input, measurements: less }).tasks.embed?.[0]?.device).toBe('gpu0')
})

test('economy: of two alike cards the faster, with both numbers', () => {
  const second: Device = { ...b580, id: 'gpu1', engines: { openvino: 'GPU.2' } }
  const measurements = [texts('openvino', 'gpu0', 900, 3, 120), texts('openvino', 'gpu1', 890, 3, 115)]
  const devices = [b580, second, { ...cpu, engines: {} }]
  const plan = makePlan({ ...pc, models: [embed], policy: policyNamed('economy'), devices, measurements })
  expect(plan.tasks.embed?.[0]?.reasons[0]).toBe(
    'policy economy wants the least energy for embed: 0.133 J per text; the 0.129 of gpu1 are hardly less',
  )
})

test('economy: what reads prompts slowly takes its energy there', () => {
  const igpu: Device = { ...b580, id: 'gpu1', kind: 'igpu', name: 'Arc 140V', memoryBytes: 16 * GIB }
  const measurements: Measurement[] = [
    { ...tokens('cpu', 19), decoder: { decodeTokensPerSecond: 19, promptTokensPerSecond: 24 }, watts: 14 },
    { ...tokens('gpu1', 19), decoder: { decodeTokensPerSecond: 19, promptTokensPerSecond: 525 }, watts: 20 },
  ]
  const input = { ...pc, models: [chat], policy: policyNamed('economy'), devices: [igpu, cpu], measurements }
  expect(where(makePlan(input), 'chat')).toEqual(['llama.cpp@gpu1 primary', 'llama.cpp@cpu fallback'])
})

describe('a discrete GPU without chat', () => {
  const second: Device = { ...b580, id: 'gpu1', name: 'Arc B580, the second', engines: { openvino: 'GPU.2' } }
  test('embeds before the CPU; one with chat does not', () => {
    expect(where(makePlan({ ...pc, devices: [b580, cpu] }), 'embed')?.[0]).toBe('onnxruntime@cpu primary')
    const plan = makePlan({ ...pc, devices: [b580, second, cpu] })
    expect(where(plan, 'embed')?.[0]).toBe('openvino@gpu1 primary')
    expect(plan.tasks.embed?.[0]?.reasons[0]).toBe(
      'policy development prefers npu, then igpu, cpu and dgpu for embed; gpu1 has no chat model, so it goes before the CPU',
    )
  })
  test('is left alone where the NPU embeds, and by economy', () => {
    expect(where(makePlan({ ...pc, devices: [npu, b580, second, cpu] }), 'embed')?.[0]).toBe(
      'openvino@npu0 primary',
    )
    const economy = { ...pc, devices: [b580, second, cpu], policy: policyNamed('economy') }
    expect(where(makePlan(economy), 'embed')?.[0]).toBe('onnxruntime@cpu primary')
  })
})

test('what takes three times as long as is wanted does not stand in, unless the first does as well', () => {
  const input = { ...pc, models: [chat], policy: policyNamed('development'), devices: [b580, cpu] }
  const behind = (gpu: number, onCpu: number) =>
    makePlan({ ...input, measurements: [tokens('gpu0', gpu), tokens('cpu', onCpu)] })
  expect(where(behind(26, 4), 'chat')).toEqual(['llama.cpp@gpu0 primary', 'llama.cpp@cpu fallback'])
  expect(where(behind(26, 3), 'chat')).toEqual(['llama.cpp@gpu0 primary'])
  expect(rejection(behind(26, 3), 'chat', 'llama.cpp', 'cpu')).toBe(
    'too slow even to stand in: it takes 333 ms for a token, 100 ms are wanted',
  )
  expect(where(behind(3, 2.5), 'chat')).toEqual(['llama.cpp@gpu0 primary', 'llama.cpp@cpu fallback'])
})

test('where an engine cannot run says why', () => {
  const xdna: Device = { ...npu, name: 'XDNA', engines: {}, problems: ['no engine here can use it'] }
  const plan = makePlan({ ...pc, devices: [xdna, b580, cpu] })
  expect(rejection(plan, 'embed', 'onnxruntime', 'gpu0')).toBe('ONNX Runtime runs on cpu only')
  expect(rejection(plan, 'embed', 'openvino', 'npu0')).toBe(
    'OpenVINO does not see XDNA here: no engine here can use it',
  )
})

test('two engines of one device are compared as they are alone', () => {
  const rerank: PlannedModel = { task: 'rerank', model: model('rerank', 0.2, ['onnx']) }
  const measurements = [texts('openvino', 'cpu', 300), texts('onnxruntime', 'cpu', 200)]
  const beside = { first: texts('openvino', 'cpu', 0), firstKeeps: 0.5, secondKeeps: 0.5 }
  const second = { task: 'rerank', model: 'rerank', engine: 'onnxruntime', device: 'cpu' } as const
  const input = { ...pc, devices: [cpu], models: [embed, rerank], measurements }
  const plan = makePlan({ ...input, interference: [{ ...beside, second }] })
  expect(rejection(plan, 'embed', 'onnxruntime', 'cpu')).toBe('slower: 200 texts/s, openvino 300 there')
})

describe('interference', () => {
  const input = {
    ...pc,
    devices: [b580, cpu],
    measurements: [tokens('gpu0', 30), texts('openvino', 'gpu0', 900), texts('openvino', 'cpu', 400)],
    policy: policyNamed('fast', { fast: { tasks: { embed: { goal: 'speed' } } } }),
  }
  const pair = (firstKeeps: number) => [
    { first: texts('openvino', 'gpu0', 0), second: tokens('gpu0', 0), firstKeeps, secondKeeps: 0.5 },
  ]
  test('a device that is slow beside the chat loses to one that is not', () => {
    expect(makePlan({ ...input, interference: pair(0.9) }).tasks.embed?.[0]?.device).toBe('gpu0')
    const plan = makePlan({ ...input, interference: pair(0.3) })
    expect(plan.tasks.embed?.[0]?.device).toBe('cpu')
    expect(plan.tasks.embed?.[0]?.reasons[0]).toBe(
      'policy fast wants the fastest for embed; next gpu0 with 270',
    )
  })
})

describe('policies', () => {
  test('a change keeps the rest; a new one is its base with the change; development where none is named', () => {
    const overrides = {
      economy: { reserveShare: 0.6 },
      quiet: { base: 'economy', tasks: { embed: { prefer: ['npu', 'cpu'] } } },
      calm: { reserveShare: 0.5 },
    } as const
    const [economy, quiet, calm] = ['economy', 'quiet', 'calm'].map((name) => policyNamed(name, overrides))
    expect(economy).toEqual({ ...policyNamed('economy'), reserveShare: 0.6 })
    expect(quiet).toMatchObject({ name: 'quiet', reserveShare: 0.6, furtherChat: economy!.furtherChat })
    expect(quiet!.tasks.embed).toEqual({ ...economy!.tasks.embed, prefer: ['npu', 'cpu'] })
    expect(calm).toEqual({ ...policyNamed('development'), name: 'calm', reserveShare: 0.5 })
    expect(policiesWith(overrides).map(({ name }) => name)).toEqual([
      'performance',
      'development',
      'economy',
      'quiet',
      'calm',
    ])
  })
})
