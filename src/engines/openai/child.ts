import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { type Model, TandemError } from '../../domain/index.ts'
import type { Engine, LoadContext, Loaded, LoadedDecoder, LoadedEncoder, LoadSpec } from '../contract.ts'
import { modelFiles } from '../encoder/index.ts'
import type { EncoderTokenizer } from '../text/index.ts'
import { watchAlive } from './alive.ts'
import { openClient, type ServerClient } from './client.ts'
import { ServerDecoder } from './decoder.ts'
import { openai } from './descriptor.ts'
import { embedRows, ServerEncoder } from './encoder.ts'
import { ask } from './http/transport.ts'
import { type KeepOptions, keepModel } from './keep-model.ts'
import { LlamaServerDecoder } from './llama-server-decoder.ts'
import { loadManaged } from './managed/load.ts'
import { loadOvms } from './managed/ovms/loaded.ts'
import { readManagedSettings } from './managed/settings.ts'
import { watchRouter } from './router-progress.ts'
import { ServerScorer } from './scorer.ts'
import { softwareOf } from './servers/index.ts'
import { readSettings, type ServerSettings } from './settings.ts'
import { Props } from './wire.ts'

/**
 * A server that is down, or loads its model, is waited for almost as long as a worker may start: so its worker is back as soon as it
 * is, and costs no process after the other meanwhile.
 */
const READY_MS = 110_000
const LOOK_MS = 500
const HEAD_MS = 30_000
/** Chats at once of a server that does not tell: the scheduler begins with `chat.slots` and tries up to so many. */
const MOST_SLOTS = 64

const ONE_MODEL = ['llama-server', 'vllm']
const Listed = z.object({ data: z.array(z.object({ id: z.string() })) })

export const engine: Engine = {
  descriptor: openai,
  version: () => 'of its server',
  load,
}

/** @throws TandemError ENGINE_FAILED: it does not answer, refuses the key, or does not start; see `loadManaged`; the signal's reason */
async function load(spec: LoadSpec, context: LoadContext = {}): Promise<Loaded> {
  const { onProgress, onLost } = context
  const managed = readManagedSettings(spec.settings)
  if (managed) {
    const onGone = (why: string, killed: boolean) => onLost?.(`llama-server is gone: ${why}`, killed)
    return loadManaged(spec, managed, onGone, onProgress)
  }
  const settings = readSettings(spec.settings)
  const { server } = settings
  const { title } = softwareOf(server.kind)
  if (!server.launch) {
    const version = server.version === undefined ? title : `${title} ${server.version}`
    return Object.assign(await loadAdopted(spec, settings, context), { version })
  }
  const opened = (at: ServerSettings, asked: ServerClient) => open(spec, at, asked)
  const onGone = (why: string, killed: boolean) => onLost?.(`${server.name} is gone: ${why}`, killed)
  return Object.assign(await loadOvms(spec, settings, opened, onGone), { version: title })
}

async function loadAdopted(
  spec: LoadSpec,
  settings: ServerSettings,
  { signal = new AbortController().signal, onProgress, onOutput = () => {}, onLost }: LoadContext,
): Promise<Loaded> {
  const { server } = settings
  const { health } = softwareOf(server.kind)
  const endsMs = performance.now() + READY_MS
  const client = await openClient(settings, process.env, signal)
  signal.addEventListener('abort', () => client.dispose(), { once: true })
  await untilUp(settings, { path: health, endsMs, signal, onOutput })
  await stillHas(settings, client)
  const endListening =
    onProgress && server.kind === 'llama-server' ? watchRouter(client, settings.as, onProgress) : () => {}
  const { loaded, letGo } = await openThere(spec, settings, client, { endsMs, onOutput }).finally(
    endListening,
  )
  const onGone = (why: string) => onLost?.(`${client.name} does not answer any more: ${why}`, false)
  const endWatch = watchAlive({ target: { url: server.url }, path: health, local: server.local, onGone })
  signal.addEventListener('abort', endWatch, { once: true })
  client.watchRefusals(onGone)
  const dispose = loaded.dispose.bind(loaded)
  return Object.assign(loaded, {
    dispose: async () => {
      endWatch()
      await letGo()
      await dispose()
    },
  })
}

/** @returns what it loaded there, and what lets go of it again */
async function openThere(
  spec: LoadSpec,
  settings: ServerSettings,
  client: ServerClient,
  wait: KeepOptions,
): Promise<{ loaded: Loaded; letGo: () => Promise<void> }> {
  const letGo = await keepModel(settings, client, wait)
  try {
    return { loaded: await open(spec, settings, client), letGo }
  } catch (thrown) {
    await letGo()
    throw thrown
  }
}

async function open(spec: LoadSpec, settings: ServerSettings, client: ServerClient): Promise<Loaded> {
  const { model, task } = spec
  const { api } = softwareOf(settings.server.kind)
  const { as } = settings
  if (task === 'chat') return openDecoder(spec, settings, client)
  if (task === 'rerank') return new ServerScorer({ client, as, api, maxTokens: model.contextTokens })
  if (task === 'embed') return openEncoder(model, settings, client)
  const why = `${client.name} serves no ${task}`
  throw new TandemError('ENGINE_FAILED', { engine: openai.id, why })
}

/** Servers of one model answer with it whatever name is asked for: another one must not pass for ours. @throws TandemError ENGINE_FAILED */
async function stillHas({ server, as }: ServerSettings, client: ServerClient): Promise<void> {
  if (!ONE_MODEL.includes(server.kind)) return
  const { signal } = new AbortController()
  const { data } = await client.json('/v1/models', Listed, { signal, headMs: HEAD_MS })
  if (data.some(({ id }) => id === as)) return
  const why = `${client.name} has ${data.map(({ id }) => id).join(', ')} by now, not ${as}`
  throw new TandemError('ENGINE_FAILED', { engine: openai.id, why })
}

async function openDecoder(
  { model, contextTokens = model.contextTokens, slots = 2 }: LoadSpec,
  settings: ServerSettings,
  client: ServerClient,
): Promise<LoadedDecoder> {
  const { kind } = settings.server
  const { api, sizes } = softwareOf(kind)
  const options = { client, settings, model, api }
  const { signal } = new AbortController()
  const get = (path: string) =>
    client.json(path, z.unknown(), { signal, headMs: HEAD_MS }).catch(() => undefined)
  const asked =
    kind === 'llama-server' ? await client.json('/props', Props, { signal, headMs: HEAD_MS }) : undefined
  const byName = asked?.role === 'router'
  const props = byName ? await routed(settings.as, client) : asked
  if (props === undefined) {
    const told = await sizes?.(get, settings.as)
    const maxSlots = told?.parallel ?? MOST_SLOTS
    return new ServerDecoder({
      ...options,
      contextTokens: Math.min(told?.contextTokens ?? contextTokens, settings.contextWish ?? Infinity),
      slots: Math.min(slots, maxSlots),
      maxSlots,
    })
  }
  const window = props.default_generation_settings.n_ctx ?? contextTokens
  const opened = {
    contextTokens: Math.min(contextTokens, window, settings.contextWish ?? Infinity),
    slots: props.total_slots,
    byName,
    images: props.modalities?.vision,
  }
  return LlamaServerDecoder.open(
    { ...options, ...opened },
    { template: props.chat_template, bosToken: props.bos_token, eosToken: props.eos_token },
  )
}

/**
 * What a router's process for a model tells; it is loaded for that where it is not, as by the request that this worker was started for.
 * @returns undefined where it does not load: its first chat tells why
 */
function routed(model: string, client: ServerClient): Promise<z.infer<typeof Props> | undefined> {
  const { signal } = new AbortController()
  const path = `/props?model=${encodeURIComponent(model)}`
  return client.json(path, Props, { signal, headMs: READY_MS }).catch(() => undefined)
}

async function openEncoder(
  model: Model,
  { server, as }: ServerSettings,
  client: ServerClient,
): Promise<LoadedEncoder> {
  const { api } = softwareOf(server.kind)
  const tokenizer = server.kind === 'llama-server' ? await ownTokenizer(model) : undefined
  const options = { client, as, api, model, maxTokens: model.contextTokens, tokenizer }
  const { signal } = new AbortController()
  const { rows } = await embedRows(options, ['dimensions'], signal)
  return new ServerEncoder(options, rows[0]!.length)
}

/** Of a model that the catalogue has files of. */
async function ownTokenizer(model: Model): Promise<EncoderTokenizer | undefined> {
  const format = (['onnx', 'openvino-ir'] as const).find((each) => model.files[each] !== undefined)
  if (!format || !model.embedding) return undefined
  return modelFiles(openai, model, format).tokenizer(model.embedding.text)
}

interface UpWait extends Required<Pick<LoadContext, 'signal' | 'onOutput'>> {
  readonly path: string
  readonly endsMs: number
}

/** @throws TandemError ENGINE_FAILED; the signal's reason */
async function untilUp(
  { server }: ServerSettings,
  { path, endsMs, signal, onOutput }: UpWait,
): Promise<void> {
  const name = `${server.name} (${server.url})`
  for (let told = ''; ; ) {
    let why = 'it still loads its model'
    try {
      const answer = await ask({ url: server.url }, { path, signal, headMs: HEAD_MS })
      answer.resume()
      if (answer.statusCode !== 503) return
    } catch (thrown) {
      why = (thrown as Error).message || String((thrown as NodeJS.ErrnoException).code)
    }
    if (performance.now() >= endsMs) {
      const failure = `${name} does not answer: ${why}`
      throw new TandemError('ENGINE_FAILED', { engine: openai.id, why: failure })
    }
    if (why !== told) onOutput(`waiting for ${name}: ${why}`)
    told = why
    await sleep(LOOK_MS, undefined, { signal })
  }
}
