import { join } from 'node:path'
import { describeOpenVino, openVinoLibrary } from '../../../test/support/openvino.ts'
import { PACKAGE_ROOT } from '../../config/index.ts'
import { loadCatalogue } from '../../models/index.ts'
import { encoderSuite } from '../contract.suite.ts'
import type { LoadedEncoder, LoadSpec } from '../contract.ts'
import { engine } from './child.ts'

const catalogue = await loadCatalogue([join(PACKAGE_ROOT, 'models')])
const model = catalogue.find('tandem-embed-small')

async function load(device: string, settings: LoadSpec['settings'] = {}): Promise<LoadedEncoder> {
  const spec: LoadSpec = {
    model,
    task: 'embed',
    device,
    threads: 1,
    settings: { library: openVinoLibrary, ...settings },
  }
  const loaded = await engine.load(spec)
  if (loaded.kind !== 'encoder') throw new Error('not an encoder')
  return loaded
}

describeOpenVino('OpenVINO', () => {
  encoderSuite('OpenVINO on the CPU', () => load('CPU'))
})
