import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { tandem } from '../support/cli.ts'
import { describeOpenVino, openVinoFolder } from '../support/openvino.ts'

let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'tandem-profile-'))
  await writeFile(join(home, 'tandem.yaml'), JSON.stringify({ openvino: { folder: openVinoFolder } }))
})
afterAll(() => rm(home, { recursive: true, force: true }))

const profile = (...args: string[]) => tandem(['profile', ...args], { home })

describeOpenVino('tandem profile', () => {
  test('tells every layer of the shipped model, which device ran it, and how the whole is split', async () => {
    const { code, stdout } = await profile('--json', '--device', 'HETERO:CPU')
    expect(code).toBe(0)
    const document = JSON.parse(stdout) as {
      ms: number
      layers: { name: string; type: string; device: string; ms: number; share: number }[]
    }
    expect(document).toMatchObject({ model: 'tandem-embed-small', engine: 'openvino', device: 'HETERO:CPU' })
    expect(document).toMatchObject({ devices: [{ device: 'CPU', share: 1 }] })
    const { layers, ms } = document
    expect(layers.filter((layer) => /attention/.test(layer.name)).length).toBeGreaterThan(6)
    expect(layers.every((layer) => layer.device === 'CPU' && layer.type !== '')).toBe(true)
    expect(layers.reduce((sum, layer) => sum + layer.share, 0)).toBeCloseTo(1, 6)
    expect(layers.reduce((sum, layer) => sum + layer.ms, 0)).toBeCloseTo(ms, 6)
  })

  test('a person gets the slowest layers, and the devices of a hetero configuration', async () => {
    const file = join(home, 'hetero_config.json')
    await writeFile(file, JSON.stringify({ device_priorities: ['NPU', 'CPU'], enable_profiling: true }))
    const { code, stdout, stderr } = await profile('--hetero-config', file, '--top', '3')
    expect(code).toBe(0)
    expect(stderr).toContain('there is no device NPU here, it is left out; OpenVINO has CPU')
    expect(stdout).toMatch(/^tandem-embed-small by openvino on HETERO:CPU: [\d.]+ ms in \d+ layers/)
    const shown = [...stdout.matchAll(/^ {2}(\d+\.\d{3}) {2}/gm)].map((match) => Number(match[1]))
    expect(shown).toEqual([...shown].sort((a, b) => b - a))
    expect(shown.length).toBe(3)
  })

  test('an engine that does not time layers says so', async () => {
    const { code, stderr } = await profile('--engine', 'onnxruntime')
    expect(code).toBe(1)
    expect(stderr).toContain('ONNX Runtime does not time the layers of a model')
  })
})
