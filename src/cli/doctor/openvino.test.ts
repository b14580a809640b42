import { expect, test } from 'vitest'
import {
  type OpenVinoInstallation,
  type OpenVinoProbe,
  readProbe,
} from '../../engines/openvino/installation/index.ts'
import { searchChecks } from './openvino.ts'

const installation: OpenVinoInstallation = {
  source: 'home',
  by: 'TANDEM_HOME',
  folder: '/home/openvino/2026.4.1/libs',
  library: '/home/openvino/2026.4.1/libs/libopenvino_c.so.2641',
  version: '2026.4.1',
  dependencies: [],
}
const answer = (problems: readonly string[] = []) =>
  JSON.stringify({
    version: '2026.4.1-22982',
    devices: [
      { name: 'CPU', properties: { FULL_DEVICE_NAME: 'AMD EPYC' } },
      { name: 'GPU', properties: {} },
    ],
    problems: problems.map((message) => ({ message })),
  })
const lines = (...given: Parameters<typeof searchChecks>) =>
  searchChecks(...given).map(({ id, state, found }) => [id, state, found])

test('what is used and what it sees', () => {
  expect(lines({ installation, candidates: [] }, readProbe(answer()))).toEqual([
    [
      'openvino',
      'ok',
      expect.stringMatching(/^2026\.4\.1-22982 from TANDEM_HOME \(.*2641\) sees CPU: AMD EPYC, GPU$/),
    ],
  ])
})

test('plugins that did not load, and an environment that names nothing', () => {
  const candidates = [
    { source: 'environment', by: 'INTEL_OPENVINO_DIR', folder: '/x', why: 'nothing there' },
  ] as const
  const probe = readProbe(answer(['NPU: no driver']))
  expect(lines({ installation, candidates }, probe).slice(1)).toEqual([
    ['openvino:problem0', 'warn', 'NPU: no driver'],
    ['openvino:passed-over0', 'warn', 'INTEL_OPENVINO_DIR: nothing there'],
  ])
})

test('a plugin that does not load is no warning on a machine without such a device', () => {
  const checks = searchChecks({ installation, candidates: [] }, readProbe(answer(['GPU: no OpenCL'])), false)
  expect(checks[1]).toMatchObject({
    state: 'ok',
    found: expect.stringContaining('GPU: no OpenCL (not needed'),
  })
})

test.each<[string, OpenVinoProbe, string]>([
  ['that crashes', { state: 'failed', why: 'ended by SIGSEGV' }, 'does not load: ended by SIGSEGV'],
  ['that answers nonsense', readProbe('Segmentation fault'), 'does not load: it printed no answer'],
])('one %s is a warning', (_name, probe, says) => {
  expect(lines({ installation, candidates: [] }, probe)).toEqual([
    ['openvino', 'warn', expect.stringContaining(says)],
  ])
})

test('none is a warning, a configured folder without it a failure', () => {
  expect(lines({ candidates: [] }, undefined)).toEqual([['openvino', 'warn', 'none was found']])
  const candidates = [
    { source: 'config', by: 'openvino.folder', folder: '/x', why: 'nothing there' },
  ] as const
  expect(lines({ candidates }, undefined)).toEqual([['openvino', 'failed', 'openvino.folder: nothing there']])
})
