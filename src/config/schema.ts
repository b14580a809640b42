import { z } from 'zod'
import { ENGINE_IDS, SIMULATED_MACHINES, type Task } from '../domain/index.ts'
import { Aliases } from './aliases.ts'
import { LlamaServer } from './llama-server.ts'
import { Ovms } from './ovms.ts'
import { PolicyOverrides } from './policies.ts'
import { Servers } from './servers.ts'

const port = z.int().min(0).max(65_535)

const ENGINE = `(${ENGINE_IDS.map((id) => id.replace('.', '\\.')).join('|')})`
/** A device's id, or an engine's name for it: `npu0`, `GPU.1`, `Vulkan0`, `HETERO:NPU,CPU`. */
const DEVICE =
  '([Nn][Pp][Uu]|[Cc][Pp][Uu]|[IiDd]?[Gg][Pp][Uu]|[Vv]ulkan|CUDA|SYCL|ROCm|[Mm]etal|MTL|HETERO:\\S+|AUTO|AUTO:\\S+|BATCH:\\S+)(\\.?\\d{1,2})?'
const PIN = new RegExp(`^(${ENGINE}(@\\S+)?|${DEVICE})$`)

const pin = (task: Task, example: string) =>
  z
    .string()
    .regex(PIN)
    .optional()
    .describe(
      `where ${task} runs: DEVICE, ENGINE or ENGINE@DEVICE, e.g. ${example}; an error where that cannot be; default: the plan decides`,
    )

/** Every setting, its limits, its default and what it is for; feeds loading, `tandem config schema` and the docs. */
export const Config = z.strictObject({
  server: z
    .strictObject({
      host: z
        .string()
        .min(1)
        .default('127.0.0.1')
        .describe('address to listen on; another than loopback needs apiKey'),
      port: port.default(8420).describe('0 takes any free port'),
      alsoListen: z
        .array(port)
        .max(16)
        .default([])
        .describe(
          'further ports of the same host, e.g. 1234,11434 in the place of LM Studio and Ollama; one that is taken is told and left out',
        ),
      compat: z
        .strictObject({ embedPort: port.optional() })
        .default({})
        .describe(
          '`embedPort`: a further port on 127.0.0.1 for programs that embed at one of their own, e.g. 8001; as JSON in the variable',
        ),
      apiKey: z
        .string()
        .min(8)
        .optional()
        .describe('clients send it as a bearer token; `env:NAME` reads a variable')
        .meta({ writeOnly: true }), // marks a secret: never printed
      allowedHosts: z.array(z.string()).default([]).describe('further Host headers to accept'),
      allowedOrigins: z.array(z.string()).default([]).describe('web origins that may call the server'),
      maxBodyBytes: z
        .int()
        .min(1024)
        .max(256 * 1024 * 1024)
        .default(16 * 1024 * 1024)
        .describe('larger bodies get 413'),
      maxInputs: z
        .int()
        .min(1)
        .max(100_000)
        .default(2048)
        .describe('inputs of one embeddings, rerank or classify request; more get 413'),
    })
    .prefault({}),
  queue: z
    .strictObject({
      maxWaiting: z.int().min(1).max(10_000).default(256).describe('requests waiting per worker; then 429'),
      maxWaitMs: z
        .int()
        .min(100)
        .max(3_600_000)
        .default(60_000)
        .describe('milliseconds until the first byte; then 504'),
    })
    .prefault({}),
  cpu: z
    .strictObject({
      reserveCores: z
        .int()
        .min(0)
        .max(1024)
        .default(1)
        .describe('logical processors that model threads leave free'),
      giveWay: z
        .boolean()
        .default(true)
        .describe(
          'indexing slows down while other programs need the processors, where the policy works in the background',
        ),
    })
    .prefault({}),
  models: z
    .strictObject({
      folders: z
        .array(z.string())
        .default([])
        .describe('further folders of models with a tandem.model.json each'),
      chat: z
        .string()
        .optional()
        .describe('id of the chat model, or the absolute path of a GGUF file; default: the shipped one'),
      embed: z
        .string()
        .optional()
        .describe('id of the embedding model, or the absolute path of its folder; default: the shipped one'),
      rerank: z
        .string()
        .optional()
        .describe('id of the model that reranks documents; default: the first that does it, none ships'),
      classify: z
        .string()
        .optional()
        .describe('id of the model that classifies texts; default: the first that does it, none ships'),
      autocomplete: z
        .string()
        .optional()
        .describe('id of a chat model beside the first, for completions while one types; default: none'),
      apply: z
        .string()
        .optional()
        .describe('id of a chat model beside the first, that writes edits into files; default: none'),
      aliases: Aliases.default({}).describe(
        'names that clients may send for a model, each with the id of that model: `gpt-4o: tandem-tiny-chat`; one `*` in a name stands for any text (`claude-*`)',
      ),
    })
    .prefault({}),
  hub: z
    .strictObject({
      url: z
        .string()
        .regex(/^https?:\/\/[^\s]+$/)
        .default('https://huggingface.co')
        .describe('base address of the model hub that `tandem pull` reads, e.g. https://huggingface.co'),
      token: z
        .string()
        .min(1)
        .optional()
        .describe('token for gated and private models; `env:NAME` reads a variable; default: HF_TOKEN')
        .meta({ writeOnly: true }),
    })
    .prefault({}),
  setup: z
    .strictObject({
      llamaCppReleases: z
        .string()
        .regex(/^https?:\/\/[^\s?]+$/)
        .default('https://api.github.com/repos/ggml-org/llama.cpp/releases')
        .describe(
          "list of llama.cpp's releases that `tandem setup llama.cpp` reads: this address, or a mirror with JSON of the same form",
        ),
    })
    .prefault({}),
  chat: z
    .strictObject({
      contextTokens: z
        .int()
        .min(256)
        .max(1_048_576)
        .optional()
        .describe("window to open; default: the model's"),
      slots: z.int().min(1).max(64).default(2).describe('chats that decode at once; the rest queue'),
    })
    .prefault({}),
  placement: z
    .strictObject({
      policy: z
        .string()
        .default('development')
        .describe('what to optimise for: performance, development, economy, or one of placement.policies'),
      policies: PolicyOverrides.default({}).describe(
        'changes of policies by name, or new ones with the `base` that they change; as JSON in the variable',
      ),
      never: z
        .array(z.string().regex(/^\S+$/, 'a name without spaces'))
        .max(64)
        .default([])
        .describe("devices that are not used: ids (gpu0), engines' names (GPU.1) or kinds (igpu)"),
      memory: z
        .record(
          z.string().regex(/^[a-z]+\d*$/, 'the id of a device'),
          z.coerce.number<number | string>().min(0).max(1_000_000),
        )
        .default({})
        .describe(
          "GiB of a device's memory that models may take at most, by its id, e.g. `gpu0: 8` (cpu: of the system's); default: what is free",
        ),
      chat: pin('chat', 'gpu0'),
      embed: pin('embed', 'npu0 or openvino@NPU'),
      rerank: pin('rerank', 'openvino@GPU.1'),
      classify: pin('classify', 'openvino@HETERO:NPU,CPU'),
    })
    .prefault({}),
  servers: Servers.default([]).describe(
    'other servers whose models are placements of the plan, each with name, url, and kind, apiKey, tasks, models, manage where needed; as JSON in the variable',
  ),
  adopt: z
    .strictObject({
      discover: z
        .boolean()
        .default(true)
        .describe(
          'look on this machine for servers that run models: LM Studio, Ollama, llama-server and others',
        ),
    })
    .prefault({}),
  llamaServer: LlamaServer.prefault({}),
  ovms: Ovms.prefault({}),
  calibration: z
    .strictObject({
      whenIdle: z.boolean().default(true).describe('measure placements while nobody waits'),
      idleAfterS: z
        .int()
        .min(0)
        .max(86_400)
        .default(60)
        .describe('seconds without a request after which a measurement may begin'),
      maxCpuBusy: z
        .number()
        .min(0)
        .max(1)
        .default(0.25)
        .describe('share of the processor, 0 to 1, that other programs may use while a measurement begins'),
      budgetMs: z
        .int()
        .min(200)
        .max(60_000)
        .default(3000)
        .describe(
          'milliseconds of the benchmark of one placement, loading apart; a slow device takes up to twice as long',
        ),
    })
    .prefault({}),
  openvino: z
    .strictObject({
      folder: z
        .string()
        .min(1)
        .optional()
        .describe(
          'folder of the OpenVINO to use, and of no other; default: found by `tandem setup openvino`',
        ),
      hetero: z
        .union([z.string().min(1), z.record(z.string(), z.unknown())])
        .optional()
        .describe(
          'devices of the encoders in order: device_priorities, performance_hint, enable_profiling, mode; or the path of a hetero_config.json that holds them',
        ),
      shapes: z
        .enum(['auto', 'static', 'dynamic'])
        .default('auto')
        .describe('static: one compiled model per bucket, which an NPU needs; auto: as the device wants it'),
      buckets: z
        .array(z.int().min(8).max(32_768))
        .default([128, 256, 512])
        .describe('lengths in tokens that models are compiled for with static shapes'),
      batch: z
        .int()
        .min(1)
        .max(64)
        .optional()
        .describe('texts of one inference with static shapes; default: 1'),
      requests: z
        .int()
        .min(1)
        .max(64)
        .optional()
        .describe('inferences in flight; default: what the device calls optimal'),
      precision: z
        .enum(['auto', 'f32', 'f16', 'bf16'])
        .default('auto')
        .describe(
          "precision of the computation; auto: f32 for what an int8 model leaves to the CPU, else the device's own choice",
        ),
      profiling: z
        .boolean()
        .default(false)
        .describe('measure each layer (`tandem profile`); costs a little speed'),
    })
    .prefault({}),
  index: z
    .strictObject({
      maxFileBytes: z
        .int()
        .min(1024)
        .max(64 * 1024 * 1024)
        .default(1024 * 1024)
        .describe('larger files are left out'),
      watch: z.boolean().default(true).describe('bring saved files into the index at once'),
    })
    .prefault({}),
  simulate: z
    .strictObject({
      machine: z
        .enum(SIMULATED_MACHINES)
        .optional()
        .describe(
          'run on a simulated machine instead of this one: its devices take the time that they would take, and answer nothing real; data is kept apart',
        ),
      faults: z
        .record(z.string(), z.string())
        .default({})
        .describe(
          'what goes wrong with simulated devices, e.g. `npu0: crash:20`: crash:N, hang:N, lost:N (after N answers), slow:FACTOR, memory (at load), vectors (wrong ones)',
        ),
      speedUp: z
        .number()
        .min(1)
        .max(1000)
        .default(1)
        .describe('simulated times are divided by it; 1: as long as they would take'),
    })
    .prefault({}),
  log: z
    .strictObject({
      level: z
        .enum(['silent', 'error', 'warn', 'info', 'debug'])
        .default('warn')
        .describe('what goes to stderr'),
    })
    .prefault({}),
})

export type Config = z.infer<typeof Config>
