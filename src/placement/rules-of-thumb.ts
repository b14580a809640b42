import type { DeviceKind, Model, Task } from '../domain/index.ts'
import { parameters } from './say.ts'

interface Rule {
  /** Larger chat models are expected to write slower than a person reads there. */
  readonly maxChatParameters: number
  /** Larger encoders are expected to be slow there. */
  readonly maxEncoderParameters: number
  readonly why: string
}

/** What is believed of a kind of device until it is measured: estimates, none of them a measurement. */
export const RULES_OF_THUMB: Readonly<Record<DeviceKind, Rule>> = {
  npu: {
    maxChatParameters: 1.5e9,
    maxEncoderParameters: 1e9,
    why: 'an NPU runs small models and leaves the other processors free',
  },
  dgpu: {
    maxChatParameters: Number.POSITIVE_INFINITY,
    maxEncoderParameters: Number.POSITIVE_INFINITY,
    why: 'a discrete GPU has the fastest memory',
  },
  igpu: {
    maxChatParameters: 8e9,
    maxEncoderParameters: 1e9,
    why: "an integrated GPU computes fast and shares the CPU's memory",
  },
  cpu: {
    maxChatParameters: 4e9,
    maxEncoderParameters: 6e8,
    why: 'the CPU runs everything',
  },
}

/** Why a model is believed to be too slow on a kind of device; undefined where nothing speaks against it. */
export function expectedSlow(task: Task, model: Model, kind: DeviceKind): string | undefined {
  const { maxChatParameters, maxEncoderParameters } = RULES_OF_THUMB[kind]
  const most = task === 'chat' ? maxChatParameters : maxEncoderParameters
  if (model.parameters <= most) return undefined
  return `a model of ${parameters(model.parameters)} parameters is usually slow on ${ARTICLE[kind]}`
}

/** For sentences. */
export const ARTICLE: Readonly<Record<DeviceKind, string>> = {
  npu: 'an NPU',
  dgpu: 'a discrete GPU',
  igpu: 'an integrated GPU',
  cpu: 'the CPU',
}
