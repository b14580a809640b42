/** `tandem embed --engine openvino` as a person types it: alone, and beside servers of each kind. */
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runningInGroup, workersOf } from '../processes.ts'
import { EMBED, embed, engineReady, statusOf, until } from '../support/api.ts'
import { startTandem, tandem, tandemJson } from '../support/cli.ts'
import { describeOpenVino, openVinoFolder } from '../support/openvino.ts'
import { cosine } from '../support/read-index.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

interface Embedded {
  readonly model: string
  readonly fingerprint: string
  readonly engine: string
  readonly device: string
  readonly embeddings: number[][]
}

const SAME = 0.99

function closeness(a: Embedded, b: Embedded): number {
  return cosine(Float32Array.from(a.embeddings[0]!), Float32Array.from(b.embeddings[0]!))
}

describeOpenVino('tandem embed --engine openvino', () => {
  let home: string
  let plain: Embedded
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'tandem-home-'))
    // what `tandem setup openvino` leaves: the home itself holds it, no setting names it
    await symlink(join(openVinoFolder, '..', '..'), join(home, 'openvino'), 'junction')
    plain = await tandemJson<Embedded>(['embed', 'hello'], { home })
    expect(plain).toMatchObject({ engine: 'onnxruntime', device: 'cpu' })
  })
  afterAll(() => rm(home, { recursive: true, force: true }))

  const on = (device: string, ...more: string[]) => [
    'embed',
    '--engine',
    'openvino',
    '--device',
    device,
    'hello',
    ...more,
  ]

  describe('without a server', () => {
    test.each(['HETERO:CPU', 'CPU', 'cpu', 'AUTO:CPU', 'BATCH:CPU', 'AUTO', 'hetero:cpu', 'auto'])(
      '[no-silent-fallback] %s: the document says the device as it was asked for, the vector is the same',
      { timeout: 600_000 },
      async (device) => {
        const document = await tandemJson<Embedded>(on(device), { home })
        expect(document).toMatchObject({
          model: EMBED,
          fingerprint: plain.fingerprint,
          engine: 'openvino',
          device,
        })
        expect(document.embeddings).toHaveLength(1)
        expect(closeness(document, plain)).toBeGreaterThanOrEqual(SAME)
      },
    )

    test('the engine alone: the first device that it knows', async () => {
      const document = await tandemJson<Embedded>(['embed', '--engine', 'openvino', 'hello'], { home })
      expect(document).toMatchObject({ engine: 'openvino', device: 'cpu' })
    })

    test('for people: device, engine and fingerprint', async () => {
      const { code, stdout, stderr } = await tandem(on('HETERO:CPU'), { home })
      expect(code).toBe(0)
      expect(stdout).toMatch(/^384 dimensions: -?0\.\d+/)
      expect(stderr).toContain(
        `${EMBED} on HETERO:CPU (openvino), fingerprint ${plain.fingerprint.slice(0, 8)}`,
      )
    })

    test.each([
      [on('NPU'), 'OpenVINO has no device NPU here; it has CPU'],
      [on('FOO'), 'OpenVINO has no device FOO here; it has CPU'],
      [on('HETERO:NPU,CPU'), 'OpenVINO has no device NPU here; it has CPU'],
      [on('HETERO:'), 'HETERO: must list its devices, as HETERO:CPU does'],
      [on('BATCH'), 'BATCH must list its devices, as BATCH:CPU does'],
      [on('a device'), '"a device" is no device'],
      [on(''), '"" is no device'],
      [['embed', '--engine', 'openvno', 'hello'], 'did you mean openvino?'],
      [['embed', '--device', 'CPU', 'hello'], '--device needs --engine'],
    ])(
      '%j is wrong use: the reason, exit code 2, nothing on stdout',
      { timeout: 600_000 },
      async (args, says) => {
        const { child, ended } = startTandem([...args, '--json'], { home })
        const { code, stdout, stderr } = await ended
        expect({ code, stdout, stderr }).toMatchObject({ code: 2, stdout: '' })
        expect(stderr).toContain(says)
        expect(stderr).not.toMatch(/^\s+at /m)
        if (process.platform === 'linux') expect(workersOf(child.pid!)).toEqual([])
      },
    )

    test.skipIf(process.platform === 'win32').each(['SIGINT', 'SIGTERM'] as const)(
      '%s while the model is compiled: ends at once and leaves no process',
      { timeout: 600_000 },
      async (signal) => {
        let workers: number[] = []
        let code: number | null = 0
        for (let tries = 0; code === 0 && tries < 10; tries += 1) {
          const { child, output, ended } = startTandem(on('HETERO:CPU', '--json'), { home })
          const look = () => (process.platform === 'linux' ? workersOf(child.pid!) : [])
          await until(() => {
            workers = look()
            return workers.length > 0 || child.exitCode !== null || process.platform !== 'linux'
          }, 'the worker')
          child.kill(signal)
          code = (await ended).code
          if (code === 0) continue // it had compiled it already
          expect(output.stdout).toBe('')
          expect(output.stderr).not.toMatch(/Error|^\s+at /m)
        }
        expect(code).toBe(signal === 'SIGINT' ? 130 : 143)
        for (const pid of workers) await until(() => runningInGroup(pid).length === 0, 'the worker goes')
      },
    )
  })

  describe('beside a server', () => {
    let server: TestServer | undefined
    afterAll(() => server?.stop())

    test('that embeds by onnxruntime: by a worker of its own, the server is left alone', async () => {
      server = await startTestServer({ home })
      const before = await statusOf(server)
      const document = await tandemJson<Embedded>(on('HETERO:CPU'), { home })
      expect(document).toMatchObject({ engine: 'openvino', device: 'HETERO:CPU' })
      expect(closeness(document, plain)).toBeGreaterThanOrEqual(SAME)
      expect(await statusOf(server)).toEqual(before)
      const still = await embed(server, 'hello')
      expect(still.headers.get('x-tandem-engine')).toBe('onnxruntime')
      expect(still.headers.get('x-tandem-fallback')).toBeNull()
      expect((await tandemJson<Embedded>(['embed', 'hello'], { home })).engine).toBe('onnxruntime')
      await server.stop()
    })

    test('that embeds by openvino there already: the server answers', async () => {
      server = await startTestServer({ home, config: { placement: { embed: 'openvino@HETERO:CPU' } } })
      await engineReady(server, 'openvino')
      const { child, output, ended } = startTandem(on('hetero:CPU', '--json'), { home })
      const own: number[] = []
      let done = false
      void ended.then(() => {
        done = true
      })
      await until(() => {
        if (process.platform === 'linux') own.push(...workersOf(child.pid!))
        return done
      }, 'its end')
      expect((await ended).code, output.stderr).toBe(0)
      expect(own).toEqual([])
      const document = JSON.parse(output.stdout) as Embedded
      expect(document).toMatchObject({ engine: 'openvino', device: 'hetero:CPU' })
      expect(closeness(document, plain)).toBeGreaterThanOrEqual(SAME)
    })

    test('that embeds by openvino elsewhere: by a worker of its own', async () => {
      const document = await tandemJson<Embedded>(on('AUTO:CPU'), { home })
      expect(document).toMatchObject({ engine: 'openvino', device: 'AUTO:CPU' })
    })
  })
})
