import { expect, test } from 'vitest'
import type { Device } from '../../domain/index.ts'
import { keyOf } from './key.ts'
import { CONTEXT, candidate } from './samples.suite.ts'

test('the build of the llama-server that Tandem starts counts for its own placements, not for servers that run already', () => {
  const peer: Device = {
    id: 'server:peer',
    kind: 'dgpu',
    name: 'peer',
    engines: { openai: 'peer' },
    simulated: false,
    server: {
      name: 'peer',
      kind: 'vllm',
      url: 'http://10.0.0.2:8000',
      local: false,
      version: '0.11.0',
      models: [],
    },
  }
  const { version: _, ...untold } = peer.server!
  const context = (devices: readonly Device[]) => ({
    ...CONTEXT,
    devices: [...CONTEXT.devices, ...devices],
    engineVersions: { openai: 'llama-server b11669' },
  })
  const of = (device: string) => {
    const { placement, options } = candidate('chat', device)
    return { placement: { ...placement, engine: 'openai' as const }, options }
  }
  expect(keyOf(of('gpu0'), context([peer])).engineVersion).toBe('llama-server b11669')
  expect(keyOf(of('server:peer'), context([peer])).engineVersion).toBe('0.11.0')
  expect(keyOf(of('server:peer'), context([{ ...peer, server: untold }])).engineVersion).toBe('')
})
