/** A `hetero_config.json` as people have it: followed as far as this machine goes, and told where it does not. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { embed, engineReady } from '../support/api.ts'
import { tandem, tandemJson } from '../support/cli.ts'
import { describeOpenVino, openVinoFolder } from '../support/openvino.ts'
import { cosine } from '../support/read-index.ts'
import { startTestServer, type TestServerOptions } from '../support/server.ts'

const SEED = {
  device_priorities: ['GPU.1', 'NPU', 'CPU'],
  performance_hint: 'LATENCY',
  enable_profiling: true,
}

interface Answer {
  readonly device: string | null
  readonly engine: string | null
  readonly fallback: string | null
  readonly vectors: Float32Array[]
}

async function answerOf(server: { url: string }, input: readonly string[]): Promise<Answer> {
  const response = await embed(server, input, 'bulk') // which is not sent to a second worker because the first one is slow
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`)
  const { data } = (await response.json()) as { data: { embedding: number[] }[] }
  return {
    device: response.headers.get('x-tandem-device'),
    engine: response.headers.get('x-tandem-engine'),
    fallback: response.headers.get('x-tandem-fallback'),
    vectors: data.map(({ embedding }) => Float32Array.from(embedding)),
  }
}

describeOpenVino('a hetero configuration', () => {
  let folder: string
  let file: string
  let expected: Float32Array[]
  const inputs = ['parse the configuration', 'where is the queue bounded?']
  const openvino = { folder: openVinoFolder }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tandem-hetero-'))
    file = join(folder, 'hetero_config.json')
    await writeFile(file, JSON.stringify(SEED))
    const server = await startTestServer()
    expected = (await answerOf(server, inputs)).vectors
    await server.stop()
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  /** Embeds by a server of these options once OpenVINO is ready. */
  async function served(options: TestServerOptions): Promise<Answer & { readonly log: string }> {
    const server = await startTestServer(options)
    try {
      await engineReady(server, 'openvino')
      const answer = await answerOf(server, inputs)
      for (const [at, vector] of answer.vectors.entries())
        expect(cosine(vector, expected[at]!)).toBeGreaterThanOrEqual(0.99)
      return { ...answer, log: server.log() }
    } finally {
      await server.stop()
    }
  }

  /** The absent devices are named, each in a warning of its own, with what exists. */
  function expectWarnings(log: string): void {
    expect(log.trim().split('\n')).toEqual(
      ['GPU.1', 'NPU'].map(
        (device) =>
          `tandem: openvino.hetero: there is no device ${device} here, it is left out; OpenVINO has CPU`,
      ),
    )
  }

  test.each([
    ['by --hetero-config', () => ({ args: ['--hetero-config', file], config: { openvino } })],
    ['as keys in tandem.yaml', () => ({ config: { openvino: { ...openvino, hetero: SEED } } })],
    ['as a path in tandem.yaml', () => ({ config: { openvino: { ...openvino, hetero: file } } })],
  ])(
    '[no-silent-fallback] %s: absent devices are told, the rest serves',
    { timeout: 600_000 },
    async (_, options) => {
      const { device, engine, fallback, log } = await served(options())
      expect({ device, engine, fallback }).toEqual({
        device: 'HETERO:CPU',
        engine: 'openvino',
        fallback: null,
      })
      expectWarnings(log)
    },
  )

  test.each([
    [{ device_priorities: ['CPU'], mode: 'AUTO' }, 'AUTO:CPU'],
    [{ device_priorities: ['CPU'], performance_hint: 'CUMULATIVE_THROUGHPUT' }, 'AUTO:CPU'],
    [{ device_priorities: ['CPU'], performance_hint: 'THROUGHPUT', enable_profiling: true }, 'HETERO:CPU'],
  ])('%j runs on %s', async (hetero, device) => {
    const answer = await served({ config: { openvino: { ...openvino, hetero } } })
    expect(answer).toMatchObject({ device, engine: 'openvino', fallback: null, log: '' })
  })

  test('placement wins over it, and its plan says who asked', async () => {
    const config = { openvino: { ...openvino, hetero: SEED }, placement: { embed: 'onnxruntime' } }
    const server = await startTestServer({ config })
    try {
      expect(await answerOf(server, inputs)).toMatchObject({ engine: 'onnxruntime', fallback: null })
    } finally {
      await server.stop()
    }
    const home = await mkdtemp(join(folder, 'home-'))
    await writeFile(join(home, 'tandem.yaml'), JSON.stringify({ openvino: { ...openvino, hetero: file } }))
    const plan = await tandemJson<{ tasks: Record<string, { device: string; reasons: string[] }[]> }>(
      ['plan'],
      { home },
    )
    expect(plan.tasks['embed']?.[0]?.device).toBe('HETERO:CPU')
    expect(plan.tasks['embed']?.[0]?.reasons[0]).toContain('openvino.hetero asks for')
  })

  describe('that cannot be followed: exit code 2 and what is allowed', () => {
    test.each([
      [{ ...SEED, device_priority: [] }, 'unknown key "device_priority"; did you mean device_priorities?'],
      [{ ...SEED, performance_hint: 'FAST' }, 'allowed: LATENCY, THROUGHPUT, CUMULATIVE_THROUGHPUT'],
      [
        { ...SEED, device_priorities: ['CUDA', 'CPU'] },
        '"CUDA" (entry 1) does not fit; allowed: CPU, NPU or GPU',
      ],
      [{ ...SEED, device_priorities: [] }, 'at least one of CPU, NPU or GPU'],
      [{ ...SEED, enable_profiling: 'yes' }, 'allowed: true or false'],
      [{ performance_hint: 'LATENCY' }, 'device_priorities is missing'],
      [{ device_priorities: ['GPU.1', 'NPU'] }, 'none of its devices (GPU.1, NPU) is here; OpenVINO has CPU'],
    ])('%j', async (hetero, says) => {
      const home = await mkdtemp(join(folder, 'home-'))
      await writeFile(join(home, 'tandem.yaml'), JSON.stringify({ openvino }))
      const wrong = join(home, 'wrong.json')
      await writeFile(wrong, JSON.stringify(hetero))
      const args = ['serve', '--port', '0', '--json', '--hetero-config', wrong]
      const { code, stdout, stderr } = await tandem(args, { home })
      expect({ code, stdout, stderr }).toMatchObject({ code: 2, stdout: '' })
      expect(stderr).toContain(says)
    })

    test('a file that is absent or no JSON', async () => {
      const home = await mkdtemp(join(folder, 'home-'))
      const run = (name: string) => tandem(['serve', '--port', '0', '--hetero-config', name], { home })
      const absent = await run('absent.json')
      expect(absent).toMatchObject({ code: 2, stderr: expect.stringContaining(join(home, 'absent.json')) })
      await writeFile(join(home, 'half.json'), '{"device_priorities": [')
      expect(await run('half.json')).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('not valid JSON'),
      })
    })
  })
})
