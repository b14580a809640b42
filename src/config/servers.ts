/** Other servers that the user names: their schema, and what no single value shows. */
import { z } from 'zod'
import { SERVER_KINDS, TASKS } from '../domain/index.ts'

const Server = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][\w.-]{0,63}$/, 'letters, digits and . _ - only, 64 at most')
    .describe('what it is called in the plan and before names of its models'),
  url: z
    .string()
    .regex(
      /^https?:\/\/[^\s/?#@]+(\/[^\s?#]*)?$/,
      'an address with http or https, without a password or query',
    )
    .describe('its address, e.g. http://127.0.0.1:8080; a /v1 at its end is not needed'),
  kind: z.enum(SERVER_KINDS).optional().describe('its software; default: it is asked'),
  apiKey: z
    .string()
    .regex(
      /^(env:[A-Za-z_]\w*|keychain:[A-Za-z0-9][\w.-]{0,63})$/,
      "`env:NAME` with the name of a variable, or `keychain:NAME` with that of an entry of the system's keychain; never the key itself",
    )
    .optional()
    .describe(
      "`env:NAME` or `keychain:NAME`: the variable, or the entry of the system's keychain, that holds its API key",
    ),
  tasks: z
    .array(z.enum(TASKS))
    .min(1)
    .max(TASKS.length)
    .optional()
    .describe('tasks that may use it; an address beyond this machine needs them said'),
  models: z
    .array(z.string().min(1).max(300))
    .min(1)
    .max(64)
    .optional()
    .describe('only these of its models, by its own names; also those that it does not list'),
  manage: z
    .boolean()
    .optional()
    .describe(
      'default: false, nothing on it is changed; true: models are loaded there before they are asked, and those that Tandem loaded are unloaded when they rest (LM Studio, Ollama, the router of llama-server)',
    ),
})

export const Servers = z.array(Server).max(64)

/** What is wrong with the list as a whole; undefined: nothing. */
export function serversProblem(
  servers: z.infer<typeof Servers>,
  isLoopback: (host: string) => boolean,
): string | undefined {
  for (const [at, { name, url, tasks }] of servers.entries()) {
    const where = `servers (entry ${at + 1})`
    if (servers.findIndex((each) => each.name === name) < at)
      return `${where}: the name ${name} is given twice; allowed: a name of its own`
    if (!URL.canParse(url)) return `${where}: ${url} is not an address; allowed: e.g. http://127.0.0.1:8080`
    if (tasks === undefined && !isLoopback(new URL(url).hostname))
      return `${where}: what ${url} is asked leaves this machine; say with \`tasks:\` which tasks may, e.g. [chat]`
  }
  return undefined
}
