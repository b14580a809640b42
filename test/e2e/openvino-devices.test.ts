/** What `devices` and `plan` tell of OpenVINO. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Plan } from '../../src/domain/index.ts'
import { tandem, tandemJson } from '../support/cli.ts'
import { describeOpenVino, openVinoFolder, openVinoLibrary } from '../support/openvino.ts'
import { startTestServer } from '../support/server.ts'

interface ListedDevice {
  readonly id: string
  readonly kind: string
  readonly name: string
  readonly engines: Record<string, string>
  readonly simulated: boolean
  readonly details?: object
  readonly properties?: Record<string, string>
}

interface Inspection {
  readonly engine: string
  readonly version: string
  readonly library: string
  readonly devices: ListedDevice[]
  readonly problems: string[]
}

/** Without what is another thing at every look. */
function steady(document: unknown): unknown {
  return JSON.parse(JSON.stringify(document, (key, value) => (MOMENTARY.includes(key) ? undefined : value)))
}
const MOMENTARY = ['load', 'freeBytes']

describeOpenVino('tandem devices and tandem plan with OpenVINO', () => {
  let home: string
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'tandem-home-'))
    const config = { openvino: { folder: openVinoFolder }, placement: { embed: 'openvino@HETERO:CPU' } }
    await writeFile(join(home, 'tandem.yaml'), JSON.stringify(config))
  })
  afterAll(() => rm(home, { recursive: true, force: true }))

  test('--engine openvino: version, library, the devices with every property, what did not load', async () => {
    const document = await tandemJson<Inspection>(['devices', '--engine', 'openvino'], { home })
    expect(document).toMatchObject({
      engine: 'openvino',
      version: expect.stringMatching(/^20\d\d\.\d+/),
      library: openVinoLibrary,
    })
    const cpu = document.devices.find(({ engines }) => engines['openvino'] === 'CPU')!
    expect(cpu).toMatchObject({ id: 'cpu', kind: 'cpu', simulated: false })
    expect(cpu.engines['onnxruntime']).toBeDefined()
    expect(cpu.properties).toMatchObject({
      FULL_DEVICE_NAME: expect.stringMatching(/\w/),
      OPTIMIZATION_CAPABILITIES: expect.stringContaining('FP32'),
    })
    expect(cpu.details).toMatchObject({ kind: 'cpu', capabilities: expect.arrayContaining(['FP32']) })
    expect(cpu.details).not.toHaveProperty('driverVersion')
    expect(cpu.properties).not.toHaveProperty('DEVICE_LUID') // a CPU has none
    const kinds = document.devices.map(({ kind }) => kind)
    for (const [plugin, kind] of [
      ['GPU', 'gpu'],
      ['NPU', 'npu'],
    ] as const) {
      const isHere = kinds.some((each) => each.endsWith(kind))
      const problem = document.problems.find((each) => each.startsWith(`${plugin}: `))
      if (!isHere) expect(problem, `${plugin} is absent, so its plugin says why`).toMatch(/: \S/)
    }
  })

  test('for people: the same as tables, the problems on stderr', async () => {
    const { code, stdout, stderr } = await tandem(['devices', '--engine', 'openvino'], { home })
    expect({ code, stderr }).toMatchObject({ code: 0 })
    expect(stdout).toMatch(/version 20\d\d\.\d+/)
    expect(stdout).toMatch(/FULL_DEVICE_NAME +\S/)
  })

  test('devices and plan without a server and over HTTP are the same documents', async () => {
    const alone = {
      devices: await tandemJson<{ devices: ListedDevice[] }>(['devices'], { home }),
      plan: await tandemJson<Plan>(['plan'], { home }),
    }
    expect(alone.devices.devices).toContainEqual(
      expect.objectContaining({ id: 'cpu', engines: expect.objectContaining({ openvino: 'CPU' }) }),
    )
    expect(alone.plan).toMatchObject({ policy: 'development', simulated: false })
    expect(alone.plan.tasks.embed).toMatchObject([
      { engine: 'openvino', device: 'HETERO:CPU', kind: 'cpu', role: 'primary', simulated: false },
      { engine: 'onnxruntime', device: 'cpu', kind: 'cpu', role: 'fallback', simulated: false },
    ])
    expect(alone.plan.tasks.embed![0]!.reasons).toContain('placement.embed asks for openvino@HETERO:CPU')
    for (const rejected of alone.plan.rejected)
      expect(rejected).toEqual({
        task: expect.any(String),
        model: expect.any(String),
        engine: expect.any(String),
        device: expect.any(String),
        reason: expect.stringMatching(/\w/),
      })

    const config = { openvino: { folder: openVinoFolder }, placement: { embed: 'openvino@HETERO:CPU' } }
    const server = await startTestServer({ home, config, early: true })
    try {
      for (const name of ['devices', 'plan'] as const) {
        const answer = await fetch(`${server.url}/tandem/v1/${name}`)
        expect(steady(await answer.json())).toEqual(steady(alone[name]))
      }
    } finally {
      await server.stop()
    }
  })
})
