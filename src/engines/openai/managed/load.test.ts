import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { CHAT_GGUF, describeLlamaServer } from '../../../../test/support/llama-server.ts'
import { foundForTests } from '../../../../test/support/needs.ts'
import { tinyChatModel } from '../../../../test/support/tiny-chat.ts'
import type { Model } from '../../../domain/index.ts'
import type { LoadedDecoder, LoadSpec } from '../../contract.ts'
import { chatOf, collect, user } from '../../decoder.suite.ts'
import { loadManaged } from './load.ts'

const binary = foundForTests('LLAMA_SERVER') ?? ''
const folder = mkdtempSync(join(tmpdir(), 'tandem-managed-'))
const logs = join(folder, 'logs')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function modelOf(path: string): Model {
  const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex')
  const file = { path: basename(path), sizeBytes: statSync(path).size, sha256 }
  return tinyChatModel({
    id: basename(path, '.gguf'),
    files: { gguf: [file] },
    chat: { groundedOnly: true, temperature: 0, maxTokens: 40 },
    folder: join(path, '..'),
    fingerprint: sha256,
  })
}

const spec: LoadSpec = {
  model: modelOf(CHAT_GGUF),
  task: 'chat',
  device: 'cpu',
  threads: 1,
  contextTokens: 1024,
  slots: 2,
  gpuLayers: 0,
}
/** A build for Vulkan takes one device for two. */
const VISIBLE = { GGML_VK_VISIBLE_DEVICES: '0,0' }
const seesTwoGpus =
  binary !== '' &&
  execFileSync(binary, ['--list-devices'], {
    env: { ...process.env, ...VISIBLE },
    encoding: 'utf8',
  }).includes('Vulkan1:')
Object.assign(process.env, VISIBLE)

const gone: string[] = []
const start = (more: Partial<LoadSpec> = {}, args: readonly string[] = []): Promise<LoadedDecoder> =>
  loadManaged({ ...spec, ...more }, { binary, args: [...args], logs }, (why) => gone.push(why))

/** Of llama-servers that this process started: other tests have theirs. */
function pids(): number[] {
  const lines = execFileSync('ps', ['-e', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' }).split('\n')
  return lines.flatMap((line) => {
    const [pid, parent, ...args] = line.trim().split(/\s+/)
    return Number(parent) === process.pid && args.includes('--no-webui') ? [Number(pid)] : []
  })
}

const asked = chatOf([user('What does the queue do when it is full?')])

describeLlamaServer('a llama-server of our own', () => {
  test('is started as the plan says, answers only us, and ends with its worker', async () => {
    const decoder = await start()
    expect(decoder.version).toMatch(/^llama-server b?\d+/)
    expect(decoder).toMatchObject({ contextTokens: 1024, slots: 2, resumes: ['chat', 'text'] })
    const first = await collect(decoder, asked)
    expect(first.text.length).toBeGreaterThan(10)
    const again = await collect(decoder, asked)
    expect(again.text).toBe(first.text)
    expect(again.result.usage.cachedTokens).toBeGreaterThan(first.result.usage.cachedTokens)
    const log = readFileSync(join(logs, readdirSync(logs)[0]!), 'utf8')
    const url = /--port (\d+)/.exec(log)![1]!
    const stranger = await fetch(`http://127.0.0.1:${url}/completion`, {
      method: 'POST',
      body: '{"prompt":"a"}',
    })
    expect(stranger.status).toBe(401)
    expect(log).not.toContain(process.env['TANDEM_MANAGED_SERVER_KEY'])
    expect(pids().length).toBeGreaterThan(0)
    await decoder.dispose()
    expect(pids()).toEqual([])
    expect(gone).toEqual([])
  })

  test('tells how far it has loaded, which its log does not keep', async () => {
    const shares: number[] = []
    const log = join(logs, 'tells')
    const settings = { binary, args: [], logs: log, tellsState: true }
    const decoder = await loadManaged(spec, settings, expect.unreachable, (share) => shares.push(share))
    expect(shares.at(-1)).toBe(1)
    expect(shares).toEqual(shares.toSorted((a, b) => a - b))
    const answer = await collect(decoder, asked)
    expect(answer.text.length).toBeGreaterThan(10)
    const kept = readFileSync(join(log, readdirSync(log)[0]!), 'utf8')
    expect(kept).toContain('model loaded')
    expect(kept).not.toContain('cmd_child_to_router')
    await decoder.dispose()
    expect(pids()).toEqual([])
  })

  test("the user's arguments win, and the decoder has what they say", async () => {
    const decoder = await start({}, ['--ctx-size', '1536', '-np', '3'])
    expect(decoder).toMatchObject({ contextTokens: 512, slots: 3 })
    await decoder.dispose()
  })

  test('killed from outside, it is told of once', async () => {
    const decoder = await start()
    for (const pid of pids()) process.kill(pid, 'SIGKILL')
    await expect.poll(() => gone).toEqual(['ended by SIGKILL'])
    await decoder.dispose()
    expect(gone).toHaveLength(1)
  })

  test.skipIf(process.platform === 'win32')(
    'one that hangs is told of, though nobody asks it',
    { timeout: 600_000 },
    async () => {
      const before = gone.length
      const decoder = await start()
      for (const pid of pids()) process.kill(pid, 'SIGSTOP')
      await expect.poll(() => gone.slice(before)).toEqual(['no answer within 5000 ms'])
      await decoder.dispose()
      expect(pids()).toEqual([])
      expect(gone).toHaveLength(before + 1)
    },
  )

  test.skipIf(!seesTwoGpus)('several GPUs share a model as they are told', async () => {
    const decoder = await start(
      { device: 'LAYER:Vulkan0(3),Vulkan1(1)', gpuLayers: 99, contextTokens: 256, slots: 1 },
      ['--no-warmup', '-lv', '4'],
    )
    const [name] = readdirSync(logs).filter((each) => each.includes('LAYER'))
    const log = readFileSync(join(logs, name!), 'utf8')
    const [first, second] = [0, 1].map((at) =>
      Number(new RegExp(`Vulkan${at} model buffer size = +([\\d.]+) MiB`).exec(log)?.[1]),
    )
    expect(first! / second!).toBeGreaterThan(2)
    await decoder.dispose()
  })

  describe('says why it does not start', () => {
    const file = (name: string, bytes: Buffer): Model => {
      writeFileSync(join(folder, name), bytes)
      return modelOf(join(folder, name))
    }
    const whole = readFileSync(CHAT_GGUF)
    const other = Buffer.from(whole)
    other.write('zzama', other.indexOf('llama', other.indexOf('general.architecture')))

    test.each([
      [
        'an architecture of tomorrow',
        { model: file('other.gguf', other) },
        [],
        'MODEL_UNSUPPORTED',
        /architecture zzama/,
      ],
      [
        'half a file',
        { model: file('half.gguf', whole.subarray(0, 1e6)) },
        [],
        'MODEL_FILE_BAD',
        /incomplete/,
      ],
      ['no such device', { device: 'Vulkan7' }, [], 'ENGINE_FAILED', /no device Vulkan7.*its log is .*\.log/],
      ['an unknown flag', {}, ['--frobnicate'], 'ENGINE_FAILED', /argument --frobnicate/],
      ['a wrong value', {}, ['-ctk', 'q9'], 'ENGINE_FAILED', /-ctk does not fit/],
    ] as const)('%s', async (_, more, args, code, why) => {
      await expect(start(more, args)).rejects.toMatchObject({ code, message: expect.stringMatching(why) })
      expect(pids()).toEqual([])
    })

    test('no program', async () => {
      const options = { binary: join(folder, 'none'), args: [], logs }
      await expect(loadManaged(spec, options, () => {})).rejects.toMatchObject({
        code: 'ENGINE_FAILED',
        message: expect.stringContaining('ENOENT'),
      })
    })

    test('less memory than it needs', async () => {
      const limited = join(folder, 'limited.sh')
      writeFileSync(limited, `#!/bin/sh\nulimit -v 3000000\nexec "${binary}" "$@"\n`, { mode: 0o755 })
      const options = { binary: limited, args: ['-c', '4000000', '-np', '1'], logs }
      await expect(loadManaged(spec, options, () => {})).rejects.toMatchObject({
        code: 'DEVICE_OUT_OF_MEMORY',
        message: expect.stringMatching(/61\.0 GiB/),
      })
    })
  })

  test('a draft is opened where the model is', async () => {
    const draft = { folder: dirname(CHAT_GGUF), name: basename(CHAT_GGUF) }
    const own = join(folder, 'logs of a draft')
    const decoder = await loadManaged(spec, { binary, args: ['-lv', '4'], logs: own, draft }, () => {})
    await decoder.dispose()
    const started = readFileSync(join(own, readdirSync(own)[0]!), 'utf8')
    expect(started).toContain('-devd none -ngld 0')
    expect(started).toContain(`loading draft model '${CHAT_GGUF}'`)
    expect(started.match(/CPU KV buffer size/g)).toHaveLength(2)
  })

  test('a projector of images is used where it lies beside the model alone', async () => {
    const beside = mkdtempSync(join(folder, 'images-'))
    copyFileSync(CHAT_GGUF, join(beside, 'model.gguf'))
    writeFileSync(join(beside, 'mmproj-f16.gguf'), 'no projector')
    const model = modelOf(join(beside, 'model.gguf'))
    await expect(start({ model })).rejects.toMatchObject({
      code: 'ENGINE_FAILED',
      message: expect.stringContaining(`${join(beside, 'mmproj-f16.gguf')} as its projector`),
    })
    writeFileSync(join(beside, 'another.gguf'), '')
    const decoder = await start({ model })
    await decoder.dispose()
  })
})
