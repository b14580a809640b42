import { expect, test } from 'vitest'
import { describeOpenVino } from '../../../test/support/openvino.ts'
import { encoderSuite } from '../contract.suite.ts'
import { engine } from './child.ts'
import { loadEncoder, specOf } from './load.suite.ts'

const DEVICES = ['CPU', 'HETERO:CPU', 'AUTO:CPU', 'BATCH:CPU']

describeOpenVino('OpenVINO', () => {
  for (const device of DEVICES)
    for (const shapes of ['dynamic', 'static'])
      encoderSuite(`${device}, ${shapes} shapes`, () => loadEncoder(specOf(device, { shapes })))

  encoderSuite('CPU, static shapes of 4 rows', () =>
    loadEncoder(specOf('CPU', { shapes: 'static', batch: 4, buckets: [160, 512] })),
  )

  test('the engine names the version of its library', () => {
    expect(engine.version()).toMatch(/^20\d\d\.\d+/)
  })
})
