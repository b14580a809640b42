import { expect, test } from 'vitest'
import type {
  AdoptedServer,
  Device,
  DeviceKind,
  EngineDescriptor,
  Model,
  ServedModel,
  Task,
} from '../domain/index.ts'
import type { PlannedModel, PlannerInput } from './input.ts'
import { makePlan } from './planner.ts'
import { policyNamed } from './policies/index.ts'
import { ENGINES } from './testing/random-machine.ts'

const openai: EngineDescriptor = {
  id: 'openai',
  title: 'another server',
  tasks: ['chat', 'embed', 'rerank'],
  devices: ['npu', 'dgpu', 'igpu', 'cpu'],
  formats: ['remote'],
  needs: '',
}
const cpu: Device = {
  id: 'cpu',
  kind: 'cpu',
  name: 'CPU',
  memoryBytes: 32 * 2 ** 30,
  cores: 8,
  engines: { 'llama.cpp': 'cpu', onnxruntime: 'cpu' },
  simulated: false,
}
const server = (
  name: string,
  models: readonly ServedModel[],
  kind: DeviceKind = 'cpu',
  further: Partial<AdoptedServer> = {},
): Device => ({
  id: `server:${name}`,
  kind,
  name,
  engines: { openai: name },
  simulated: false,
  server: { name, kind: 'llama-server', url: 'http://127.0.0.1:8080', local: true, models, ...further },
})
const elsewhere = (roundTripMs: number) => ({ local: false, roundTripMs })
const model = (id: string, task: Task, files: Model['files']): Model => ({
  id,
  title: id,
  revision: '1',
  license: '',
  tasks: [task],
  parameters: 1e8,
  contextTokens: 4096,
  files,
  folder: '/',
  fingerprint: id,
})
const file = [{ path: 'f', sizeBytes: 2 ** 28, sha256: '' }]
const chat: PlannedModel = { task: 'chat', model: model('chat', 'chat', { gguf: file }) }
const embed: PlannedModel = { task: 'embed', model: model('embed', 'embed', { onnx: file }) }
const theirs: PlannedModel = { task: 'chat', model: model('theirs', 'chat', { remote: [] }), onDemand: true }
const pc: PlannerInput = {
  policy: policyNamed('development'),
  devices: [cpu],
  engines: [...ENGINES.filter(({ id }) => id !== 'openai'), openai],
  models: [chat, embed],
}
const where = (input: PlannerInput, task: Task) =>
  makePlan(input).tasks[task]?.map((each) => `${each.model} ${each.engine}@${each.device} ${each.role}`)

test('a server that has the chat model goes first, the own engine stands behind it', () => {
  const devices = [cpu, server('peer', [{ task: 'chat', model: 'chat', as: 'c' }])]
  expect(where({ ...pc, devices }, 'chat')).toEqual([
    'chat openai@server:peer primary',
    'chat llama.cpp@cpu fallback',
  ])
})

test('with an encoder it stands behind the own engine', () => {
  const devices = [cpu, server('peer', [{ task: 'embed', model: 'embed', as: 'e' }])]
  expect(where({ ...pc, devices }, 'embed')?.[0]).toBe('embed onnxruntime@cpu primary')
})

test('what only a server has comes last, and no pin of its task means it', () => {
  const devices = [cpu, server('peer', [{ task: 'chat', model: 'theirs', as: 't' }], 'dgpu')]
  const plan = makePlan({
    ...pc,
    devices,
    models: [theirs, chat, embed],
    pins: { chat: { engine: 'llama.cpp' } },
  })
  expect(plan.tasks.chat?.map((each) => [each.model, each.device, each.onDemand])).toEqual([
    ['chat', 'cpu', undefined],
    ['theirs', 'server:peer', true],
  ])
  expect(plan.unmet).toBeUndefined()
})

test('a server adds no rejections: it is a place for its own models only', () => {
  const devices = [cpu, server('peer', [{ task: 'chat', model: 'theirs', as: 't' }])]
  const plan = makePlan({ ...pc, devices, models: [chat, embed, theirs] })
  expect(plan.rejected).toEqual(makePlan(pc).rejected)
})

test('it can be asked for by name, and banned by name', () => {
  const devices = [cpu, server('a', [{ task: 'chat', model: 'chat', as: 'c' }]), server('b', [])]
  const pinned = (device: string) =>
    makePlan({ ...pc, devices, pins: { chat: { engine: 'openai', device } }, onUnmetPin: 'standIn' })
  expect(pinned('server:a').tasks.chat?.[0]?.device).toBe('server:a')
  expect(pinned('a').tasks.chat?.[0]?.engine).toBe('openai')
  expect(pinned('b').unmet?.[0]?.reason).toBe('b does not serve chat with chat')
  expect(where({ ...pc, devices, never: ['a'] }, 'chat')).toEqual(['chat llama.cpp@cpu primary'])
})

test('its memory is its own: a model of any size fits there, and takes nothing from others', () => {
  const large = { ...chat, model: { ...chat.model, files: { gguf: [{ ...file[0]!, sizeBytes: 2 ** 40 }] } } }
  const devices = [cpu, server('peer', [{ task: 'chat', model: 'chat', as: 'c' }])]
  const plan = makePlan({ ...pc, devices, models: [large, embed] })
  expect(plan.tasks.chat?.map(({ device }) => device)).toEqual(['server:peer'])
  expect(plan.rejected.find(({ engine }) => engine === 'llama.cpp')?.reason).toMatch(/does not fit|needs/)
})

test('one that Tandem starts takes the memory of the device that it was told to use', () => {
  const card: Device = {
    ...cpu,
    id: 'gpu0',
    kind: 'dgpu',
    name: 'a card',
    memoryBytes: 12 * 2 ** 30,
    engines: {},
  }
  const started = (gib: number, device: string): Device => {
    const bare = server('ovms-a', [{ task: 'chat', model: 'theirs', as: 't' }], 'dgpu')
    return {
      ...bare,
      server: { ...bare.server!, launch: {}, holds: { device, weightBytes: gib * 2 ** 30 } },
    }
  }
  const large = {
    ...chat,
    model: { ...chat.model, files: { gguf: [{ ...file[0]!, sizeBytes: 5 * 2 ** 30 }] } },
  }
  const planned = (gib: number, device = 'gpu0') =>
    makePlan({
      ...pc,
      devices: [{ ...card, engines: { 'llama.cpp': 'Vulkan0' } }, started(gib, device), cpu],
      models: [large, theirs],
    })
  const [own] = planned(4).tasks.chat!.filter(({ model }) => model === 'theirs')
  expect(own).toMatchObject({ device: 'server:ovms-a', shares: [{ device: 'gpu0', part: 1 }] })
  expect(own!.memory!.deviceBytes).toBeCloseTo(4.4 * 2 ** 30, -3)
  expect(own!.reasons).toContain(
    'takes 4.4 GiB of 12.0 GiB on gpu0, by the weights in its folder (an estimate)',
  )
  // 5.5 are the chat's
  const { tasks, rejected } = planned(6)
  expect(tasks.chat!.map(({ device }) => device)).not.toContain('server:ovms-a')
  expect(rejected.find(({ device }) => device === 'server:ovms-a')?.reason).toMatch(
    /^does not fit: needs 6\.6 GiB \(6\.6 weights, 0\.0 buffers\), 6\.5 GiB of 12\.0 are free/,
  )
  expect(planned(6, 'gone').tasks.chat!.map(({ device }) => device)).toContain('server:ovms-a')
})

test('one that keeps a cache for chats takes that too', () => {
  const bare = server('ovms-a', [{ task: 'chat', model: 'theirs', as: 't' }])
  const holding = (cacheBytes: number): Device => {
    const holds = { device: 'cpu', weightBytes: 2 ** 30, cacheBytes }
    return { ...bare, server: { ...bare.server!, launch: {}, holds } }
  }
  const planned = (gib: number) =>
    makePlan({ ...pc, devices: [holding(gib * 2 ** 30), cpu], models: [theirs] })
  const [first] = planned(2).tasks.chat!
  expect(first!.memory).toMatchObject({ kvBytes: 2 * 2 ** 30 })
  expect(first!.memory!.hostBytes).toBeCloseTo((1.1 + 2 + 0.25) * 2 ** 30, -3)
  expect(first!.reasons.join('; ')).toMatch(
    /takes 3\.\d GiB .*on cpu, by the weights in its folder and a cache of 2\.0 GiB \(an estimate\)/,
  )
  expect(planned(1000).rejected.find(({ device }) => device === 'server:ovms-a')?.reason).toContain(
    '1000.0 KV cache',
  )
})

test('on the CPU that is the memory of the system', () => {
  const bare = server('ovms-a', [{ task: 'embed', model: 'embed', as: 'e' }])
  const holds = { device: 'cpu', weightBytes: 2 * 2 ** 30 }
  const devices = [cpu, { ...bare, server: { ...bare.server!, launch: {}, holds } }]
  const pins = { embed: { engine: 'openai', device: 'ovms-a' } } as const
  const [first] = makePlan({ ...pc, devices, pins }).tasks.embed!
  expect(first!.memory!.hostBytes).toBeCloseTo((2.2 + 0.25) * 2 ** 30, -3)
})

test('of servers of one kind the nearer one goes first, and each says how far it is', () => {
  const served = [{ task: 'chat', model: 'theirs', as: 't' }] as const
  const plan = (a: number, b: number) =>
    makePlan({
      ...pc,
      devices: [cpu, server('a', served, 'dgpu', elsewhere(a)), server('b', served, 'dgpu', elsewhere(b))],
      models: [theirs],
    }).tasks.chat
  expect(plan(80, 12.34)?.[0]).toMatchObject({ device: 'server:b' })
  expect(plan(12.34, 80)?.[0]).toMatchObject({ device: 'server:a' })
  expect(plan(80, 12.34)?.[0]?.reasons).toContain('measured: the way there and back takes 12.3 ms')
  expect(plan(80, 12.34)?.[1]?.reasons).toContain('measured: the way there and back takes 80 ms')
})

test('an encoder farther away than a person waits comes behind one here, and its reason says so', () => {
  const policy = policyNamed('development')
  const { maxMs } = policy.tasks.embed
  const cpuLast = {
    ...policy,
    tasks: { ...policy.tasks, embed: { ...policy.tasks.embed, prefer: ['dgpu', 'cpu'] } },
  } as const
  const plan = (ms: number) => {
    const far = server('far', [{ task: 'embed', model: 'embed', as: 'e' }], 'dgpu', elsewhere(ms))
    return makePlan({ ...pc, policy: cpuLast, devices: [cpu, far], models: [embed] }).tasks.embed
  }
  expect(plan(maxMs - 1)?.map(({ device }) => device)).toEqual(['server:far', 'cpu'])
  const behind = plan(maxMs + 1)
  expect(behind?.map(({ device }) => device)).toEqual(['cpu', 'server:far'])
  expect(behind?.[0]?.reasons.join()).toContain(
    `the way there and back alone takes ${maxMs + 1} ms, ${maxMs} ms are wanted for a short text`,
  )
})

test('what `tasks` of a server keeps from it is rejected, once for each task', () => {
  const devices = [
    cpu,
    server('far', [{ task: 'embed', model: 'embed', as: 'e' }], 'dgpu', {
      ...elsewhere(5),
      withheld: [
        { task: 'chat', model: 'gpt' },
        { task: 'chat', model: 'gpt-mini' },
        { task: 'rerank', model: 'ranker' },
      ],
    }),
  ]
  const { rejected, tasks } = makePlan({ ...pc, devices })
  expect(tasks.chat?.map(({ device }) => device)).toEqual(['cpu'])
  expect(rejected.filter(({ device }) => device === 'server:far')).toEqual([
    {
      task: 'chat',
      model: 'gpt',
      engine: 'openai',
      device: 'server:far',
      reason:
        '`tasks` of far in `servers` does not name chat (embed may): nothing of it leaves this machine; 1 more of its models likewise',
    },
    {
      task: 'rerank',
      model: 'ranker',
      engine: 'openai',
      device: 'server:far',
      reason:
        '`tasks` of far in `servers` does not name rerank (embed may): nothing of it leaves this machine',
    },
  ])
})
