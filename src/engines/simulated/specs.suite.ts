/** Load specs of simulated placements for this room's tests. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import type { Model, Task } from '../../domain/index.ts'
import type { LoadSpec } from '../contract.ts'
import type { SimulatedSettings } from './settings.ts'

const folder = mkdtempSync(join(tmpdir(), 'tandem-simulated-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

export const boardFile = join(folder, 'board')

export const settings: SimulatedSettings = {
  machine: 'cpu-only',
  device: 'cpu',
  engine: 'openvino',
  timing: {
    loadMs: 0,
    encoder: { callMs: 0.2, msPerToken: 0.001, msPerTokenPair: 0, maxBatch: 8 },
    decoder: { callMs: 0.2, promptMsPerToken: 0.05, tokenMs: 1 },
  },
  speedUp: 1,
  board: { file: boardFile, device: 0, seat: 0, seats: 4, keeps: [1] },
}

export const model: Model = {
  id: 'made-up',
  title: 'A model that is none',
  revision: '1',
  license: 'Apache-2.0',
  tasks: ['chat', 'embed', 'rerank', 'classify'],
  parameters: 1,
  contextTokens: 512,
  files: {},
  embedding: {
    pooling: 'mean',
    normalize: true,
    dimensions: 384,
    shorterDimensions: [128],
    text: { splitCamelCase: false, queryPrefix: '', passagePrefix: '' },
  },
  chat: { groundedOnly: false },
  rerank: { activation: 'sigmoid' },
  classify: { labels: ['a bug in the queue', 'a wish for a feature', 'a question'], multiLabel: false },
  folder: '',
  fingerprint: 'simulated-made-up',
}

export function specOf(task: Task, more: Partial<SimulatedSettings> = {}): LoadSpec {
  return {
    model: task === 'chat' ? { ...model, contextTokens: 2048 } : model,
    task,
    device: 'CPU',
    threads: 1,
    slots: 2,
    settings: { ...settings, ...more },
  }
}
