/** Machines, models, measurements and policies from a seed: for tests of the planner. */
import {
  type DecoderShape,
  type Device,
  type DeviceKind,
  type EncoderShape,
  type EngineDescriptor,
  type EngineId,
  type Interference,
  type Measurement,
  type Model,
  type PlacementRef,
  type PolicySpec,
  TASKS,
  type Task,
  type TaskPolicy,
} from '../../domain/index.ts'
import { byWeight, type PlannedModel, type PlannerInput } from '../input.ts'
import type { Pin } from '../pin.ts'
import { policiesWith } from '../policies/index.ts'

const GIB = 2 ** 30

export const ENGINES: readonly EngineDescriptor[] = [
  {
    id: 'onnxruntime',
    title: 'ONNX Runtime',
    tasks: ['embed', 'rerank', 'classify'],
    devices: ['cpu'],
    formats: ['onnx'],
    needs: '',
  },
  {
    id: 'llama.cpp',
    title: 'llama.cpp',
    tasks: ['chat', 'embed'],
    devices: ['dgpu', 'igpu', 'cpu'],
    formats: ['gguf'],
    needs: '',
    trades: ['kvType', 'gpuLayers', 'cpuExperts'],
    footprint: { processBytes: 132 * 1024 ** 2, batchTokens: { cpu: 96, gpu: 512 } },
  },
  {
    id: 'openvino',
    title: 'OpenVINO',
    tasks: ['chat', 'embed', 'rerank', 'classify'],
    devices: ['npu', 'igpu', 'dgpu', 'cpu'],
    virtualDevices: [{ prefix: 'HETERO', chooses: false }],
    formats: ['openvino-ir', 'onnx'],
    needs: 'its libraries',
    footprint: { processBytes: 170 * 1024 ** 2, batchTokens: { cpu: 512, gpu: 512 } },
  },
]

/** Draws from a seed; the same numbers for the same seed (mulberry32). */
export class Draw {
  #a: number
  constructor(seed: number) {
    this.#a = seed
  }
  next(): number {
    this.#a = (this.#a + 0x6d2b79f5) | 0
    let t = Math.imul(this.#a ^ (this.#a >>> 15), 1 | this.#a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  chance(share: number): boolean {
    return this.next() < share
  }
  int(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1))
  }
  pick<T>(list: readonly T[]): T {
    return list[this.int(0, list.length - 1)]!
  }
  /** As many small as large ones. */
  scale(least: number, most: number): number {
    return least * (most / least) ** this.next()
  }
  shuffle<T>(list: readonly T[]): T[] {
    return list
      .map((each) => ({ each, at: this.next() }))
      .sort((a, b) => a.at - b.at)
      .map(({ each }) => each)
  }
}

function device(kind: DeviceKind, id: string, draw: Draw, engines: Device['engines']): Device {
  const memoryBytes = Math.round(draw.scale(kind === 'cpu' ? 4 : 1, kind === 'cpu' ? 128 : 32) * GIB)
  return {
    id,
    kind,
    name: `Some ${kind.toUpperCase()} ${id}`,
    simulated: false,
    engines,
    ...(draw.chance(0.85) || kind === 'cpu' ? { memoryBytes } : {}),
    ...(draw.chance(0.4) ? { freeBytes: Math.round(memoryBytes * draw.next()) } : {}),
    ...(kind === 'cpu' ? { cores: draw.int(1, 32) } : {}),
    ...(kind === 'npu' || kind === 'igpu' ? { sharedMemory: true } : {}),
    ...(kind === 'igpu' && draw.chance(0.2) ? { software: true } : {}),
  }
}

/** A graphics card or NPU; its number is free on the machine. */
export function randomDevice(draw: Draw, at: number): Device {
  const kind = draw.pick<DeviceKind>(['npu', 'igpu', 'dgpu', 'dgpu'])
  if (kind === 'npu') return device(kind, `npu${at}`, draw, { openvino: at === 0 ? 'NPU' : `NPU.${at}` })
  const llama = draw.chance(0.9) ? { 'llama.cpp': `Vulkan${at}` } : {}
  const openvino = draw.chance(0.7) ? { openvino: `GPU.${at}` } : {}
  return device(kind, `gpu${at}`, draw, { ...llama, ...openvino })
}

function randomModel(task: Task, at: number, draw: Draw): Model {
  const bytes = Math.round(draw.scale(1e7, task === 'chat' ? 4e10 : 2e9))
  const files = (format: string) => [{ path: `${format}.bin`, sizeBytes: bytes, sha256: '' }]
  return {
    id: `${task}-model-${'abcdef'[at]}`,
    title: '',
    revision: '1',
    license: '',
    tasks: [task],
    parameters: Math.round(bytes * 1.7),
    contextTokens: draw.pick([512, 4096, 32_768, 131_072]),
    files: {
      ...(draw.chance(0.8) ? { gguf: files('gguf') } : {}),
      ...(draw.chance(0.6) ? { onnx: files('onnx') } : {}),
      ...(draw.chance(0.6) ? { 'openvino-ir': files('ir') } : {}),
    },
    folder: '/',
    fingerprint: 'f',
  }
}

/** A decoder whose tensors make up the file; every fourth is a mixture of experts, some layers may see a window only. */
function decoderShape({ parameters, contextTokens, files }: Model, draw: Draw): DecoderShape {
  const layers = draw.int(1, 48)
  const hidden = 256 * draw.int(2, 24)
  const bytes = (files.gguf?.[0]?.sizeBytes ?? parameters / 2) / (layers + 1)
  const isMixture = draw.chance(0.25)
  const each = <T>(of: () => T): T[] => Array.from({ length: layers }, of)
  const [keys, window] = [draw.pick([128, 500, 512, 1024]), draw.int(1, 8) * 512]
  return {
    kind: 'decoder',
    architecture: 'made-up',
    parameters,
    contextTokens,
    hidden,
    feedForward: 4 * hidden,
    vocabulary: 1000 * draw.int(30, 250),
    heads: 16,
    layerBytes: each(() => (isMixture ? 0.1 : 1) * bytes * (0.8 + 0.4 * draw.next())),
    expertBytes: each(() => (isMixture ? 0.9 * bytes : 0)),
    ...(isMixture ? { experts: { count: 64, used: 6, feedForward: hidden } } : {}),
    inputBytes: bytes / 2,
    outputBytes: bytes / 2,
    tiedBytes: draw.chance(0.3) ? bytes / 2 : 0,
    kvPerToken: each(() => ({ keys, values: keys })),
    ...(draw.chance(0.2) ? { windows: each(() => (draw.chance(0.5) ? window : undefined)) } : {}),
  }
}

function encoderShape({ parameters, files }: Model, draw: Draw): EncoderShape {
  const hidden = 64 * draw.int(2, 32)
  const weightBytes = (files['openvino-ir'] ?? files.onnx ?? files.gguf)?.[0]?.sizeBytes ?? parameters
  const sizes = { layers: draw.int(2, 48), hidden, feedForward: 4 * hidden, heads: 12 }
  return { kind: 'encoder', parameters, weightBytes, ...sizes, weightBits: draw.pick([32, 16, 8, 4]) }
}

/** Of some models the files cannot be read, and some chats get a window or several slots by the user. */
function sizesOf(task: Task, model: Model, draw: Draw): Partial<PlannedModel> {
  const isRead = draw.chance(0.9)
  if (task !== 'chat') return isRead ? { shape: encoderShape(model, draw) } : {}
  return {
    ...(isRead ? { shape: decoderShape(model, draw) } : {}),
    ...(draw.chance(0.3) ? { contextTokens: draw.int(512, 65_536) } : {}),
    ...(draw.chance(0.5) ? { slots: draw.int(1, 4) } : {}),
  }
}

function randomModels(draw: Draw): PlannedModel[] {
  const models: PlannedModel[] = []
  for (const task of TASKS)
    for (let at = draw.int(0, task === 'chat' ? 3 : 1); at > 0; at--) {
      const use =
        task === 'chat' ? { use: (['chat', 'autocomplete', 'apply'] as const)[at - 1] ?? 'chat' } : {}
      const model = randomModel(task, at, draw)
      models.push({ task, model, ...use, ...sizesOf(task, model, draw) })
    }
  return draw.shuffle(models)
}

function randomMeasurement(ref: PlacementRef, draw: Draw): Measurement {
  const base = {
    ...ref,
    from: 'measured' as const,
    ...(draw.chance(0.5) ? { watts: draw.scale(1, 300) } : {}),
  }
  if (draw.chance(0.08)) return { ...base, failed: 'the driver refuses it' }
  if (ref.task === 'chat') {
    const decodeTokensPerSecond = draw.scale(0.5, 500)
    return { ...base, decoder: { decodeTokensPerSecond, promptTokensPerSecond: draw.scale(5, 5000) } }
  }
  const textsPerSecond = draw.scale(1, 2000)
  const msPerText = draw.scale(1, 500)
  return { ...base, encoder: { textsPerSecond, buckets: [{ tokens: 128, batch: 1, msPerText }] } }
}

function everyRef(devices: readonly Device[], models: readonly PlannedModel[]): PlacementRef[] {
  return models.flatMap(({ task, model }) =>
    devices.flatMap((each) =>
      (Object.keys(each.engines) as EngineId[]).map((engine) => ({
        task,
        model: model.id,
        engine,
        device: each.id,
      })),
    ),
  )
}

function randomPolicy(draw: Draw): PolicySpec {
  const policy = draw.pick(policiesWith())
  if (draw.chance(0.4)) return policy
  const kinds = () => draw.shuffle<DeviceKind>(['npu', 'dgpu', 'igpu', 'cpu']).slice(0, draw.int(1, 4))
  const changed = TASKS.map((task): [Task, TaskPolicy] => [
    task,
    {
      prefer: kinds(),
      minShare: draw.next(),
      spareGpu: draw.chance(0.5),
      goal: draw.pick(['preference', 'speed', 'energy']),
      overflow: draw.chance(0.5) ? ['cpu'] : [],
      maxMs: draw.scale(5, 500),
      standIns: draw.int(0, 3),
    },
  ])
  return {
    ...policy,
    name: 'custom',
    furtherChat: kinds(),
    tasks: Object.fromEntries(changed) as PolicySpec['tasks'],
  }
}

function randomPins(draw: Draw, devices: readonly Device[]): Partial<Record<Task, Pin>> {
  const pins: Partial<Record<Task, Pin>> = {}
  for (const task of TASKS) {
    if (!draw.chance(0.12)) continue
    const on = draw.pick(devices)
    const engine = draw.pick(ENGINES).id
    const name = draw.chance(0.2) ? 'gpu9' : draw.pick([on.id, ...Object.values(on.engines)])
    pins[task] = draw.pick<Pin>([{ engine }, { device: name }, { engine, device: name }])
  }
  return pins
}

function randomInterference(refs: readonly PlacementRef[], draw: Draw): Interference[] {
  if (refs.length < 2) return []
  return Array.from({ length: draw.int(0, 12) }, () => ({
    first: draw.pick(refs),
    second: draw.pick(refs),
    firstKeeps: draw.scale(0.05, 1),
    secondKeeps: draw.scale(0.05, 1),
  }))
}

/** Whether every placement, some or none is measured differs from seed to seed. */
export function randomInput(seed: number): PlannerInput {
  const draw = new Draw(seed)
  const cpu = device('cpu', 'cpu', draw, { onnxruntime: 'cpu', 'llama.cpp': 'cpu', openvino: 'CPU' })
  const devices = draw.shuffle([
    cpu,
    ...Array.from({ length: draw.int(0, 4) }, (_, at) => randomDevice(draw, at)),
  ])
  const models = randomModels(draw)
  const refs = everyRef(devices, models)
  const measuredShare = draw.pick([0, 0.5, 1, 1])
  return {
    policy: randomPolicy(draw),
    devices,
    engines: ENGINES,
    models,
    measurements: refs.filter(() => draw.chance(measuredShare)).map((ref) => randomMeasurement(ref, draw)),
    interference: draw.chance(0.5) ? randomInterference(refs, draw) : [],
    refusals: refs
      .filter(() => draw.chance(0.05))
      .map((ref) => ({ ...ref, reason: 'refused: vectors differ, cosine 0.93' })),
    pins: randomPins(draw, devices),
    never: draw.chance(0.2) ? [draw.pick(['gpu0', 'igpu', 'NPU', 'GPU.1', 'cpu'])] : [],
    onBattery: draw.chance(0.2),
    reserveCores: draw.int(0, 4),
    onUnmetPin: draw.pick(['report', 'standIn']),
  }
}

/** The same machine with one device more, of which perhaps something is measured. */
export function withAnotherDevice(input: PlannerInput, seed: number): PlannerInput {
  const draw = new Draw(seed ^ 0x5eed)
  const added = randomDevice(draw, 7)
  const refs = everyRef([added], byWeight(input.models))
  const known = draw.chance(0.6) ? refs.map((ref) => randomMeasurement(ref, draw)) : []
  return {
    ...input,
    devices: draw.shuffle([...input.devices, added]),
    measurements: [...(input.measurements ?? []), ...known],
  }
}

/** The same in another order. */
export function shuffled(input: PlannerInput, seed: number): PlannerInput {
  const draw = new Draw(seed ^ 0xabcd)
  return {
    ...input,
    devices: draw.shuffle(input.devices),
    measurements: draw.shuffle(input.measurements ?? []),
    refusals: draw.shuffle(input.refusals ?? []),
    interference: input.interference ?? [],
  }
}
