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
  encoderSuite('OpenVINO on CPU', () => load('CPU'))
  encoderSuite('OpenVINO on CPU, static shapes', () => load('CPU', { shapes: 'static' }))
  for (const device of ['HETERO:CPU', 'AUTO:CPU', 'BATCH:CPU'])
    encoderSuite(`OpenVINO on ${device}`, () => load(device))
  for (const device of ['HETERO:CPU', 'AUTO:CPU', 'BATCH:CPU'])
    encoderSuite(`OpenVINO on ${device}, static shapes`, () => load(device, { shapes: 'static' }))
})
