/** Stands in for an engine on a simulated device. Loaded in worker processes only, so that crash, hang and restart are real. */
import { type EngineDescriptor, TandemError } from '../../domain/index.ts'
import type { Engine, Loaded, LoadSpec } from '../contract.ts'
import { headOf } from '../encoder/index.ts'
import { Board } from './board.ts'
import { SimulatedDecoder } from './decoder.ts'
import { SimulatedEmbedder } from './embedder.ts'
import { Encoding } from './encoding.ts'
import { Faults } from './faults.ts'
import { Pace } from './pace.ts'
import { SimulatedScorer } from './scorer.ts'
import { parseSettings, type SimulatedSettings } from './settings.ts'

/** Of an engine that runs everything; a placement has the id of the engine that is stood in for. */
const descriptor: EngineDescriptor = {
  id: 'openai',
  title: 'Simulated engine',
  tasks: ['chat', 'embed', 'rerank', 'classify'],
  devices: ['npu', 'dgpu', 'igpu', 'cpu'],
  formats: ['onnx', 'openvino-ir', 'gguf'],
  needs: '',
}

export const engine: Engine = { descriptor, version: () => 'simulated', load }

async function load(spec: LoadSpec): Promise<Loaded> {
  const settings = parseSettings(spec.settings)
  const { timing, speedUp } = settings
  // of the start: the warm-up, and of an embedding model the check of its vectors
  const faults = new Faults(settings, spec.task === 'embed' ? 2 : 1)
  faults.load(spec.model.id)
  const board = new Board(settings.board)
  await new Pace(board, faults.factor / speedUp).work(timing.loadMs, new AbortController().signal)
  return spec.task === 'chat'
    ? openDecoder(spec, settings, board, faults)
    : openEncoder(spec, settings, board, faults)
}

function openDecoder(spec: LoadSpec, settings: SimulatedSettings, board: Board, faults: Faults): Loaded {
  const { machine, speedUp } = settings
  const { model } = spec
  return new SimulatedDecoder({
    timing: settings.timing.decoder ?? refuse(spec, settings),
    board,
    faults,
    speedUp,
    contextTokens: Math.min(spec.contextTokens ?? model.contextTokens, model.contextTokens),
    slots: Math.max(1, spec.slots ?? 1),
    traits: model.chat,
    who: `the simulator of ${model.id} on ${machine}`,
  })
}

function openEncoder(spec: LoadSpec, settings: SimulatedSettings, board: Board, faults: Faults): Loaded {
  const { model, task } = spec
  const timing = settings.timing.encoder ?? refuse(spec, settings)
  const encoding = new Encoding(timing, board, faults, settings.speedUp)
  if (task === 'embed' && model.embedding)
    return new SimulatedEmbedder(encoding, model.embedding.dimensions, model.contextTokens)
  const head = headOf(model, task) ?? refuse(spec, settings)
  return new SimulatedScorer(encoding, model, head, model.contextTokens)
}

function refuse({ model, task }: LoadSpec, { engine: name }: SimulatedSettings): never {
  const why = `${model.id} cannot serve ${task} with it`
  throw new TandemError('ENGINE_FAILED', { engine: `${name} (simulated)`, why })
}
