/** `ovms`: the OpenVINO Model Server that Tandem starts itself, and the models that it serves. */
import { z } from 'zod'

const OvmsModel = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][\w.-]{0,63}$/, 'letters, digits and . _ - only, 64 at most')
    .describe('what it is called here'),
  folder: z
    .string()
    .min(1)
    .describe('absolute path of its folder, with the IR of the model and of its tokenizer'),
  task: z.enum(['chat', 'embed', 'rerank']),
  device: z
    .string()
    .regex(/^(CPU|NPU|GPU(\.\d{1,2})?)$/, 'CPU, NPU, GPU or GPU.N')
    .describe("OpenVINO's name of the device"),
  pooling: z.enum(['CLS', 'MEAN', 'LAST']).default('CLS').describe('of an embedding model'),
  cacheGiB: z
    .int()
    .min(1)
    .max(1024)
    .default(2)
    .describe('of a chat model: whole GiB that it keeps for all its chats'),
})

export const Ovms = z.strictObject({
  path: z
    .string()
    .min(1)
    .optional()
    .describe(
      'absolute path of ovms; default: the one below TANDEM_HOME/engines/ovms, else the one in the PATH',
    ),
  args: z
    .array(z.string().min(1).max(4096))
    .max(64)
    .default([])
    .describe('further arguments of ovms, e.g. ["--log_level", "DEBUG"]; as JSON in the variable'),
  models: z
    .array(OvmsModel)
    .max(16)
    .default([])
    .describe(
      'models that an ovms of their own serves, each with name, folder, task, device, and pooling or cacheGiB where needed; as JSON in the variable',
    ),
})

/** Tandem speaks to the server by these, or they name the model. */
const RESERVED: Readonly<Record<string, string>> = {
  rest_port: "the address is Tandem's own",
  rest_bind_address: "the address is Tandem's own",
  port: 'nobody but Tandem asks it',
  api_key_file: 'nobody but Tandem asks it',
  config_path: 'the model is that of ovms.models',
  model_name: 'the model is that of ovms.models',
  model_path: 'the model is that of ovms.models',
}

/** What is wrong with the section as a whole; undefined: nothing. */
export function ovmsProblem(
  { path, args, models }: z.infer<typeof Ovms>,
  isAbsolute: (path: string) => boolean,
  servers: readonly { readonly name: string }[],
): string | undefined {
  if (path !== undefined && !isAbsolute(path)) return `ovms.path: ${path} is not an absolute path`
  for (const arg of args) {
    const flag = /^--?([a-z_]+)(=|$)/.exec(arg)?.[1] ?? ''
    if (Object.hasOwn(RESERVED, flag)) return `ovms.args: ${arg} cannot be given: ${RESERVED[flag]}`
  }
  for (const [at, { name, folder, task, device }] of models.entries()) {
    const where = `ovms.models[${at}]`
    if (!isAbsolute(folder)) return `${where}.folder: ${folder} is not an absolute path`
    if (models.findIndex((each) => each.name === name) !== at) return `${where}.name: ${name} is there twice`
    if (servers.some((each) => each.name === `ovms-${name}`))
      return `${where}.name: ${name} is called ovms-${name} in the plan, as one of servers is`
    if (task === 'chat' && device === 'NPU')
      return `${where}.device: a chat on the NPU is not supported; allowed: CPU, GPU, GPU.N`
  }
  return undefined
}
