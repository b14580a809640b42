/** `llamaServer`: the llama-server that Tandem starts itself, and which of its flags are not the user's. */
import { z } from 'zod'

export const LlamaServer = z.strictObject({
  enabled: z
    .boolean()
    .default(true)
    .describe('start a llama-server where one is found: for a placement that asks for it or measures faster'),
  path: z
    .string()
    .min(1)
    .optional()
    .describe(
      'absolute path of llama-server; default: the newest of `tandem setup llama.cpp`, else the one in the PATH',
    ),
  args: z
    .array(z.string().min(1).max(4096))
    .max(128)
    .default([])
    .describe(
      'further arguments of llama-server, e.g. ["-fa", "on"]; a flag given here takes the place of the one that Tandem derives; as JSON in the variable',
    ),
  draft: z
    .string()
    .min(1)
    .optional()
    .describe('absolute path of a small GGUF that drafts for the chat model (speculative decoding)'),
})

const PLANNED = "the model is the plan's (`models.chat`)"

/** Tandem speaks to the server by these, or they name the model, which is the plan's. */
const RESERVED: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ['--host', '--port', '--reuse-port', '--api-prefix'].map((flag) => [flag, "the address is Tandem's own"]),
  ),
  ...Object.fromEntries(
    ['--api-key', '--api-key-file', '--ssl-key-file', '--ssl-cert-file'].map((flag) => [
      flag,
      'nobody but Tandem asks it',
    ]),
  ),
  ...Object.fromEntries(
    [
      '-m',
      '--model',
      '-mu',
      '--model-url',
      '-hf',
      '-hfr',
      '--hf-repo',
      '-hff',
      '--hf-file',
      '-dr',
      '--docker-repo',
      '--models-dir',
      '--models-preset',
    ].map((flag) => [flag, PLANNED]),
  ),
  ...Object.fromEntries(
    ['--embedding', '--embeddings', '--rerank', '--reranking'].map((flag) => [flag, 'it serves chats']),
  ),
  ...Object.fromEntries(
    [
      '-h',
      '--help',
      '--usage',
      '--version',
      '--list-devices',
      '-cl',
      '--cache-list',
      '--completion-bash',
    ].map((flag) => [flag, 'it would not serve']),
  ),
}

/** Flags that name a model with all that belongs to it. */
const PRESET = /^--.+-default$|^--fim-.+-spec$/

/** By which llama-server would take a reserved flag from its environment. */
export const RESERVED_VARIABLES: readonly string[] = Object.keys(RESERVED)
  .filter((flag) => flag.startsWith('--'))
  .map((flag) => `LLAMA_ARG_${flag.slice(2).replaceAll('-', '_').toUpperCase()}`)

/**
 * The arguments one by one, as llama-server reads them: `--ctx-size=4096` and `-ts 3,1` in one text are two, and `_` is `-` in a
 * flag's name.
 */
export function splitArguments(args: readonly string[]): string[] {
  return args.flatMap((arg) => {
    const [, flag, value] = /^(--?[A-Za-z][\w-]*)(?:[=\s]\s*(.*))?$/s.exec(arg) ?? []
    if (flag === undefined) return [arg]
    const name = flag.startsWith('--') ? flag.replaceAll('_', '-') : flag
    return value === undefined ? [name] : [name, value]
  })
}

/** What is wrong with the section as a whole; undefined: nothing. */
export function llamaServerProblem(
  { path, args, draft }: z.infer<typeof LlamaServer>,
  isAbsolute: (path: string) => boolean,
): string | undefined {
  for (const [key, value] of Object.entries({ path, draft }))
    if (value !== undefined && !isAbsolute(value))
      return `llamaServer.${key}: ${value} is not an absolute path`
  for (const arg of splitArguments(args)) {
    const why = PRESET.test(arg) ? PLANNED : Object.hasOwn(RESERVED, arg) ? RESERVED[arg] : undefined
    if (why !== undefined)
      return `llamaServer.args: ${arg} cannot be given: ${why}; allowed: every other flag of llama-server`
  }
  return undefined
}
