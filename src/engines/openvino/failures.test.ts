import { readdirSync } from 'node:fs'
import { cp, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeOpenVino, openVinoLibrary } from '../../../test/support/openvino.ts'
import type { LoadSpec } from '../contract.ts'
import { engine } from './child.ts'
import { loadEncoder, model, never, specOf } from './load.suite.ts'
import { missingFunctions } from './native/library.ts'

const load = (spec: LoadSpec) => engine.load(spec)

describeOpenVino('what OpenVINO refuses', () => {
  test.each([
    ['NPU', 'NPU'],
    ['HETERO:NPU,CPU', 'NPU'],
    ['FOO', 'FOO'],
    ['AUTO:CPU,FOO.3', 'FOO.3'],
  ])('the device %s, which is not here, is named with what is', async (device, absent) => {
    await expect(load(specOf(device))).rejects.toMatchObject({
      code: expect.stringMatching(/^(DEVICE_NOT_FOUND|DRIVER_MISSING)$/),
      message: expect.stringContaining(absent),
    })
  })

  test('a device string that is none', async () => {
    await expect(load(specOf('HETERO:'))).rejects.toMatchObject({ code: 'DEVICE_NOT_FOUND' })
  })

  test('a property and a value that no plugin knows are named', async () => {
    await expect(load(specOf('CPU', { properties: { NO_SUCH: '1' } }))).rejects.toMatchObject({
      code: 'ENGINE_FAILED',
      message: expect.stringContaining('NO_SUCH'),
    })
    await expect(load(specOf('CPU', { properties: { PERFORMANCE_HINT: 'FAST' } }))).rejects.toMatchObject({
      code: 'ENGINE_FAILED',
      message: expect.stringContaining('FAST'),
    })
  })

  test.each([
    [{ library: undefined }, 'library'],
    [{ shapes: 'round' }, 'shapes'],
    [{ buckets: [1] }, 'buckets'],
    [{ bucket: 1 }, 'bucket'],
  ])('settings %o', async (settings, named) => {
    await expect(load(specOf('CPU', settings))).rejects.toMatchObject({
      code: 'ENGINE_FAILED',
      message: expect.stringContaining(named),
    })
  })

  describe('a library', () => {
    const another = (): string => {
      const folder = dirname(openVinoLibrary!)
      const tbb = readdirSync(folder).find((name) => /^(lib)?tbb\d*\.(so|dll|\d+\.dylib)/.test(name))
      return join(folder, tbb!)
    }

    test('of another kind lacks the functions', async () => {
      await expect(load(specOf('CPU', { library: another() }))).rejects.toMatchObject({
        code: 'ENGINE_LIBRARY_BAD',
        message: expect.stringMatching(/it lacks ov_\w+.*2026\.4.*tandem setup openvino/),
      })
      expect(missingFunctions(another())).toContain('ov_core_create')
      expect(missingFunctions(openVinoLibrary!)).toEqual([])
    })

    test('that is none, or absent', async () => {
      const text = join(model.folder, 'vocab.txt')
      for (const library of [text, join(model.folder, 'absent.so')])
        await expect(load(specOf('CPU', { library }))).rejects.toMatchObject({ code: 'ENGINE_LIBRARY_BAD' })
    })
  })

  test('a length that the model cannot take fails alone', async () => {
    const longer = { ...model, contextTokens: 1024 } // its position embeddings end at 512
    const settings = { shapes: 'static', buckets: [64, 1024, 512] }
    const encoder = await loadEncoder({ ...specOf('CPU', settings), model: longer })
    await expect(encoder.embed(['long '.repeat(600)], 'passage', never)).rejects.toMatchObject({
      code: 'MODEL_UNSUPPORTED',
      message: expect.stringMatching(/CPU: the shape does not fit the model/),
    })
    expect((await encoder.embed(['short', 'long '.repeat(400)], 'passage', never)).tokens.length).toBe(2)
    await encoder.dispose()
  })

  describe('files that are not right', () => {
    let folder: string
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'tandem-ir-'))
      await cp(model.folder, folder, { recursive: true })
    })
    afterAll(() => rm(folder, { recursive: true, force: true }))

    const loadCopy = () => load({ ...specOf('CPU'), model: { ...model, folder } })
    const file = (ending: string) => join(folder, `openvino/openvino_model_qint8_quantized.${ending}`)

    test('garbage in place of the xml', async () => {
      const { length } = await readFile(file('xml'))
      await writeFile(file('xml'), '<?xml version="1.0"?><net>'.padEnd(length))
      await expect(loadCopy()).rejects.toMatchObject({
        code: 'MODEL_FILE_BAD',
        message: expect.stringContaining('.xml'),
      })
    })

    test('an operator that OpenVINO does not know is named', async () => {
      const xml = await readFile(join(model.folder, 'openvino/openvino_model_qint8_quantized.xml'), 'utf8')
      await writeFile(file('xml'), xml.replace(/type="Gather"/, 'type="Gothar"'))
      await expect(loadCopy()).rejects.toMatchObject({
        code: 'MODEL_UNSUPPORTED',
        message: expect.stringContaining('Gothar'),
      })
    })

    test('cut weights', async () => {
      await cp(join(model.folder, 'openvino'), join(folder, 'openvino'), { recursive: true })
      await truncate(file('bin'), 1000)
      await expect(loadCopy()).rejects.toMatchObject({
        code: 'MODEL_FILE_BAD',
        message: expect.stringContaining('1000 bytes, the manifest says'),
      })
    })

    test('weights cut with a manifest that agrees', async () => {
      const files = model.files['openvino-ir']!.map((listed) =>
        listed.path.endsWith('.bin') ? { ...listed, sizeBytes: 1000 } : listed,
      )
      const copy = { ...model, folder, files: { 'openvino-ir': files } }
      await expect(load({ ...specOf('CPU'), model: copy })).rejects.toMatchObject({ code: 'MODEL_FILE_BAD' })
    })

    test('a model without a file for this engine', async () => {
      await expect(load({ ...specOf('CPU'), model: { ...model, files: {} } })).rejects.toMatchObject({
        code: 'ENGINE_FAILED',
        message: expect.stringContaining('openvino-ir, onnx'),
      })
    })
  })
})
