/** A chat on a Vulkan device: found by its probe, chosen by the variable that the worker is started with. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CHAT, post, statusOf, until } from '../support/api.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { describeVulkan } from '../support/vulkan.ts'

interface Listed {
  readonly devices: readonly { readonly id: string; readonly engines: Readonly<Record<string, string>> }[]
}

describeVulkan('a chat on Vulkan', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer({ config: { placement: { chat: 'llama.cpp@Vulkan0' } } })
  })
  afterAll(() => server?.stop())

  test('is answered by the device, not by a silent fallback', async () => {
    const { devices } = (await (await fetch(`${server.url}/tandem/v1/devices`)).json()) as Listed
    expect(devices.map(({ engines }) => engines['llama.cpp'])).toContain('Vulkan0')
    await until(
      async () => {
        const worker = (await statusOf(server)).workers.find(({ device }) => device === 'Vulkan0')
        if (worker?.error) throw new Error(worker.error)
        return worker?.state === 'ready'
      },
      'the worker on Vulkan', // its first answer compiles shaders, in software
    )
    const body = { model: CHAT, messages: [{ role: 'user', content: 'hi' }], max_tokens: 2 }
    const response = await post(server, '/v1/chat/completions', body)
    expect(response.status).toBe(200)
    expect(response.headers.get('x-tandem-device')).toBe('Vulkan0')
    expect(response.headers.get('x-tandem-engine')).toBe('llama.cpp')
    expect(response.headers.get('x-tandem-fallback')).toBeNull()
  })
})
