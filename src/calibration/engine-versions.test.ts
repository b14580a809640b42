import { expect, test } from 'vitest'
import { engineVersions } from './engine-versions.ts'

test('versions of what is installed with Tandem, and of what was discovered', () => {
  const openvino = {
    engine: 'openvino',
    version: '2026.1.0',
    devices: [],
    settings: {},
    env: {},
    warnings: [],
  } as const
  expect(engineVersions([openvino])).toEqual({
    onnxruntime: expect.stringMatching(/^\d+\.\d+\.\d+/),
    'llama.cpp': expect.stringMatching(/^\d+\.\d+\.\d+/),
    openvino: '2026.1.0',
  })
})
