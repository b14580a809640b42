import { expect, test } from 'vitest'
import { PUBLISHED } from '../../../test/support/published-models.ts'
import type { ModelShape } from '../../domain/index.ts'
import { shapeOfSpec } from './spec.ts'

const files = PUBLISHED.flatMap(({ model, spec, files }) =>
  files.map((file) => ({ name: `${model} ${file.recipe}`, spec, ...file })),
)

function weightBytes(shape: ModelShape): number {
  if (shape.kind === 'encoder') return shape.weightBytes
  const layers = [...shape.layerBytes, ...shape.expertBytes].reduce((sum, bytes) => sum + bytes, 0)
  return layers + shape.inputBytes + shape.outputBytes
}

test('at least the twelve models of the table', () => {
  expect(PUBLISHED.length).toBeGreaterThanOrEqual(12)
})

test.each(files)('$name: the weights are the published file to 1 %', ({ spec, recipe, bytes }) => {
  const ratio = weightBytes(shapeOfSpec(spec, recipe)) / bytes
  expect(ratio).toBeGreaterThan(0.99)
  expect(ratio).toBeLessThan(1.01)
})

test.each(PUBLISHED.filter((row) => row.kvNumbersPerToken !== null))(
  '$model: what a token adds to the cache',
  ({ spec, files, kvNumbersPerToken }) => {
    const shape = shapeOfSpec(spec, files[0]!.recipe)
    if (shape.kind !== 'decoder') throw new Error('an encoder')
    const numbers = shape.kvPerToken.reduce((sum, { keys, values }) => sum + keys + values, 0)
    expect(numbers).toBe(kvNumbersPerToken)
  },
)

test('windows: five of six layers of Gemma 3, every other of gpt-oss, none of Qwen', () => {
  const localOf = (model: string) => {
    const { spec, files } = PUBLISHED.find((row) => row.model === model)!
    const shape = shapeOfSpec(spec, files[0]!.recipe)
    return shape.kind === 'decoder' ? (shape.windows ?? []).map((window) => window ?? 0) : []
  }
  expect(localOf('gemma-3-12b-it').slice(0, 7)).toEqual([1024, 1024, 1024, 1024, 1024, 0, 1024])
  expect(localOf('gpt-oss-20b').slice(0, 4)).toEqual([128, 0, 128, 0])
  expect(localOf('phi-4')).toEqual([])
})

test('latent attention without unpacking keeps one row of keys and no values', () => {
  const { spec } = PUBLISHED.find((row) => row.model.startsWith('DeepSeek'))!
  const shape = shapeOfSpec({ ...spec, latent: { ...spec.latent!, absorbed: true } }, 'Q8_0')
  expect(shape.kind === 'decoder' && shape.kvPerToken[0]).toEqual({ keys: 576, values: 0 })
})

test('an architecture that is not known is refused with those that are', () => {
  const { spec } = PUBLISHED[0]!
  expect(() => shapeOfSpec({ ...spec, architecture: 'mamba' }, 'Q8_0')).toThrow(
    /mamba .*known are llama, qwen2/,
  )
})
