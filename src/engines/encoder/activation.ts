import type { Model, Task } from '../../domain/index.ts'

export type Activation = 'none' | 'sigmoid' | 'softmax'

/** What is made of the logits of one input. */
export interface Head {
  /** Logits of one input. */
  readonly width: number
  readonly activation: Activation
  /** What the model must have to fit, for a person. */
  readonly wants: string
}

/** The head that a model's manifest gives a task; undefined where it gives none. */
export function headOf({ rerank, classify }: Model, task: Task): Head | undefined {
  if (task === 'rerank' && rerank)
    return { width: 1, activation: rerank.activation, wants: 'a reranker gives one score for each document' }
  if (task !== 'classify' || !classify) return undefined
  const width = classify.labels.length
  const activation = classify.multiLabel ? 'sigmoid' : 'softmax'
  return { width, activation, wants: `the manifest lists ${width} ${width === 1 ? 'label' : 'labels'}` }
}

/** Turns the logits of one input into scores, in place. */
export function activate(row: Float32Array, activation: Activation): void {
  if (activation === 'none') return
  if (activation === 'sigmoid') {
    for (let i = 0; i < row.length; i++) row[i] = 1 / (1 + Math.exp(-row[i]!))
    return
  }
  const largest = row.reduce((most, logit) => Math.max(most, logit), Number.NEGATIVE_INFINITY) // so that exp stays finite
  let sum = 0
  for (let i = 0; i < row.length; i++) {
    row[i] = Math.exp(row[i]! - largest)
    sum += row[i]!
  }
  for (let i = 0; i < row.length; i++) row[i]! /= sum
}
