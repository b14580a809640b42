import { expect, test } from 'vitest'
import { type OpenVinoCandidate, whyNone } from './installation.ts'

const python: OpenVinoCandidate = { source: 'python', by: 'python3', why: 'is not on the PATH' }

test.each<[readonly OpenVinoCandidate[], string]>([
  [[], 'none was found'],
  [[python], 'none was found'],
  [
    [python, { source: 'environment', by: 'OpenVINO_DIR', folder: 'a', why: 'no library in a' }],
    'OpenVINO_DIR: no library in a',
  ],
  [[{ source: 'home', by: 'TANDEM_HOME', folder: 'a', why: 'is damaged' }, python], 'a is damaged'],
])('%j: %s', (candidates, says) => {
  expect(whyNone(candidates)).toBe(says)
})
