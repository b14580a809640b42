import { join } from 'node:path'
import { expect, test } from 'vitest'
import { PACKAGE_ROOT } from '../../config/index.ts'
import type { Model } from '../../domain/index.ts'
import { loadCatalogue, verifyModel } from '../../models/index.ts'
import type { LoadedScorer } from '../contract.ts'
import { scorerSuite } from '../scorer.suite.ts'
import { engine } from './child.ts'

const catalogue = await loadCatalogue([join(PACKAGE_ROOT, 'test/data/models')])
const [reranker, classifier] = [catalogue.find('tiny-reranker'), catalogue.find('tiny-classifier')]

async function load(task: 'rerank' | 'classify', model: Model): Promise<LoadedScorer> {
  const loaded = await engine.load({ model, task, device: 'cpu', threads: 1 })
  if (loaded.kind !== 'scorer') throw new Error('not a scorer')
  return loaded
}

scorerSuite('onnxruntime on the CPU', load, reranker, classifier)

test.each([reranker, classifier])('the files of $id are those of its manifest', async (model) => {
  await verifyModel(model)
  expect(Object.keys(model.files)).toEqual(['onnx', 'openvino-ir'])
})
