import { expect, test } from 'vitest'
import { packageVersion } from '../package-version.ts'
import { engine } from './child.ts'
import { discoverOnnxRuntime } from './discover.ts'

test('the CPU, with the version that its worker tells', async () => {
  expect(await discoverOnnxRuntime()).toMatchObject({
    engine: 'onnxruntime',
    version: engine.version(),
    devices: [{ name: 'cpu', kind: 'cpu' }],
  })
})

test('a package that is not there has no version', () => {
  expect(packageVersion('no-such-package-here')).toBeUndefined()
})
