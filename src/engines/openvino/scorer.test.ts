import { join } from 'node:path'
import { describeOpenVino, openVinoLibrary } from '../../../test/support/openvino.ts'
import { PACKAGE_ROOT } from '../../config/index.ts'
import type { Model } from '../../domain/index.ts'
import { loadCatalogue } from '../../models/index.ts'
import type { LoadedScorer, LoadSpec } from '../contract.ts'
import { scorerSuite } from '../scorer.suite.ts'
import { engine } from './child.ts'

const catalogue = await loadCatalogue([join(PACKAGE_ROOT, 'test/data/models')])
const [reranker, classifier] = [catalogue.find('tiny-reranker'), catalogue.find('tiny-classifier')]

const load =
  (settings: LoadSpec['settings']) =>
  async (task: 'rerank' | 'classify', model: Model): Promise<LoadedScorer> => {
    const spec = {
      model,
      task,
      device: 'CPU',
      threads: 1,
      settings: { library: openVinoLibrary, ...settings },
    }
    const loaded = await engine.load(spec)
    if (loaded.kind !== 'scorer') throw new Error('not a scorer')
    return loaded
  }

describeOpenVino('OpenVINO', () => {
  scorerSuite('OpenVINO on the CPU, dynamic shapes', load({ shapes: 'dynamic' }), reranker, classifier)
  scorerSuite('OpenVINO on the CPU, static shapes', load({ shapes: 'static' }), reranker, classifier)
})
