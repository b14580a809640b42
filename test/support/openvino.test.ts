import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { describeOpenVino, openVinoLibrary } from './openvino.ts'

describeOpenVino('OpenVINO for tests', () => {
  test('is a library that exists', () => {
    expect(existsSync(openVinoLibrary!)).toBe(true)
  })
})
