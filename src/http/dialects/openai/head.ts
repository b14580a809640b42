import { newId } from '../../answers/ids.ts'
import type { ModelEntry } from '../../deps.ts'
import type { AnswerHead } from './answer.ts'

/** @param asked the name that the client sent */
export function answerHead(prefix: 'chatcmpl' | 'cmpl', asked: string, model: ModelEntry): AnswerHead {
  return {
    id: newId(`${prefix}-`),
    created: Math.floor(Date.now() / 1000),
    model: asked,
    systemFingerprint: `fp_${model.fingerprint.slice(0, 12)}`,
  }
}
