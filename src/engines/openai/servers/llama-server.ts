import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { type ServerModel, TandemError, type Task } from '../../../domain/index.ts'
import { Props } from '../wire.ts'
import { type ModelKeeper, type ServerSoftware, tasksByName } from './contract.ts'

const Meta = z
  .object({
    vocab_type: z.number().optional(),
    n_ctx: z.number().optional(),
    n_embd: z.number().optional(),
    n_params: z.number().optional(),
  })
  .nullish()
/** `status` and `context_length` are told by a router alone. */
const Models = z.object({
  data: z.array(
    z.object({
      id: z.string(),
      owned_by: z.literal('llamacpp'),
      meta: Meta,
      status: z.object({ value: z.string(), args: z.array(z.string()).default([]) }).optional(),
      context_length: z.number().optional(),
    }),
  ),
})
type Listed = z.infer<typeof Models>['data'][number]

/** WordPiece and Unigram (llama.cpp include/llama.h, `llama_vocab_type`): vocabularies of encoders. */
const ENCODER_VOCABULARIES = [3, 4]
const LOOK_MS = 250

/** One that sleeps wakes when it is asked. */
const LOADED = ['loaded', 'sleeping']
const NOT_LOADED = ['unloaded', 'downloaded']

const RouterModels = z.object({
  data: z.array(
    z.object({
      id: z.string(),
      /** Absent: no router, and its one model is loaded. */
      status: z.object({ value: z.string(), failed: z.boolean().optional() }).optional(),
    }),
  ),
})
const Success = z.object({ success: z.literal(true) })

/** llama.cpp tools/server/README.md, "Using multiple models": "GET /models", "POST /models/load", "POST /models/unload". */
const keeper: ModelKeeper = {
  async load(order, name) {
    const failed = (what: string) =>
      new TandemError('ENGINE_FAILED', { engine: 'openai', why: `the router of llama-server ${what}` })
    for (let isOwn = false; ; await sleep(LOOK_MS)) {
      const { data } = await order.get('/models', RouterModels)
      const listed = data.find(({ id }) => id === name)
      if (!listed) throw failed(`has no ${name}`)
      const { value = 'loaded', failed: hasFailed } = listed.status ?? {}
      if (LOADED.includes(value)) return isOwn ? name : undefined
      if (NOT_LOADED.includes(value) && !isOwn) {
        await order.post('/models/load', { model: name }, Success)
        isOwn = true // else somebody else has just asked for it
      } else if (hasFailed) throw failed(`failed to load ${name}; its output says why`)
      if (performance.now() + LOOK_MS >= order.endsMs)
        throw failed(`has not loaded ${name} in time: it is still ${value}`)
    }
  },
  async unload(order, loadedAs) {
    await order.post('/models/unload', { model: loadedAs }, Success)
  },
}

/** llama.cpp tools/server/README.md: "GET /v1/models", "GET /props", "GET /health". It does not tell on which device it runs. */
export const llamaServer: ServerSoftware = {
  kind: 'llama-server',
  title: 'llama-server',
  ports: [8080],
  api: '/v1',
  health: '/health',
  async look(get) {
    const models = Models.safeParse(await get('/v1/models'))
    if (!models.success) return undefined
    const props = Props.safeParse(await get('/props')).data
    const { data } = models.data
    const isRouter = props?.role === 'router'
    if (data.length === 0 && !isRouter) return undefined
    return {
      ...(props?.build_info === undefined ? {} : { version: props.build_info }),
      models: data.map((each) => (isRouter ? ofRouter(each) : alone(each, data[0], props))),
    }
  },
  /** Of a router: it asks a process of its own for each model, which `/props` does not wake (its README, "Sleeping on Idle"). */
  async sizes(get, name) {
    const told = Models.safeParse(await get('/v1/models')).data?.data.find(({ id }) => id === name)
    if (!told || !isInMemory(told)) return {}
    const props = Props.safeParse(await get(`/props?model=${encodeURIComponent(name)}`)).data
    return {
      ...(told.meta?.n_ctx === undefined ? {} : { contextTokens: told.meta.n_ctx }),
      ...(props === undefined ? {} : { parallel: props.total_slots }),
    }
  },
  /** Of a router, until it notices that the process of a model died; after that it starts another. */
  passing: { status: 500, words: /proxy error: Could not establish connection/, lastsMs: 5_000 },
  keeper,
}

function alone({ id, meta }: Listed, only: Listed | undefined, props: z.infer<typeof Props> | undefined) {
  const file = only?.id === id ? props?.model_path : undefined
  const contextTokens = props?.default_generation_settings.n_ctx
  const images = props?.modalities?.vision
  return {
    name: id,
    tasks: tasksOf(id, meta?.vocab_type),
    loaded: true,
    ...(contextTokens === undefined ? {} : { contextTokens }),
    ...(meta?.n_embd === undefined ? {} : { dimensions: meta.n_embd }),
    ...(meta?.n_params === undefined ? {} : { parameters: meta.n_params }),
    ...(images === undefined ? {} : { images }),
    ...(file ? { file } : {}),
    ...(props?.total_slots === undefined ? {} : { parallel: props.total_slots }),
  }
}

/** A router must not be asked more of a model than it lists: it would load it to answer. Its file is among the arguments. */
function ofRouter({ id, meta, status, context_length }: Listed): ServerModel {
  const args = status?.args ?? []
  const contextTokens = meta?.n_ctx ?? context_length
  const file = argumentOf(args, ['--model', '-m'])
  return {
    name: id,
    tasks: tasksOfArguments(args) ?? tasksOf(id, meta?.vocab_type),
    loaded: isInMemory({ status }),
    byName: true,
    ...(file === undefined ? {} : { file }),
    ...(contextTokens === undefined ? {} : { contextTokens }),
    ...(meta?.n_embd === undefined ? {} : { dimensions: meta.n_embd }),
    ...(meta?.n_params === undefined ? {} : { parameters: meta.n_params }),
  }
}

function isInMemory({ status }: Pick<Listed, 'status'>): boolean {
  return status !== undefined && LOADED.includes(status.value)
}

function argumentOf(args: readonly string[], names: readonly string[]): string | undefined {
  const at = args.findIndex((each) => names.includes(each))
  return at < 0 ? undefined : args[at + 1]
}

function tasksOfArguments(args: readonly string[]): Task[] | undefined {
  if (args.includes('--rerank') || args.includes('--reranking')) return ['rerank']
  return args.includes('--embeddings') || args.includes('--embedding') ? ['embed'] : undefined
}

function tasksOf(name: string, vocabulary: number | undefined): Task[] {
  const [byName] = tasksByName(name)
  if (byName !== 'chat' || vocabulary === undefined) return tasksByName(name)
  return ENCODER_VOCABULARIES.includes(vocabulary) ? ['embed'] : ['chat']
}
