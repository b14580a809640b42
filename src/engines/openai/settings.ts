import { z } from 'zod'
import { type AdoptedServer, SERVER_KINDS, TandemError } from '../../domain/index.ts'

const Settings = z.strictObject({
  server: z.strictObject({
    name: z.string().min(1),
    kind: z.enum(SERVER_KINDS),
    url: z.url(),
    version: z.string().optional(),
    local: z.boolean(),
    apiKeyEnv: z.string().optional(),
    apiKeyKeychain: z.string().optional(),
    launch: z.record(z.string(), z.unknown()).optional(),
    manage: z.boolean().optional(),
  }),
  as: z.string().min(1),
  contextWish: z.number().optional(),
})

/** What a worker must know of the server that it asks. */
export interface ServerSettings {
  readonly server: AdoptedServer
  /** The server's own name of the model. */
  readonly as: string
  /** The window that the user wants of chat models that Tandem loads there. */
  readonly contextWish?: number | undefined
}

/** `LoadSpec.settings` of a model of a server. The key itself is not among them: settings are logged and kept. */
export function serverSettings(
  server: AdoptedServer,
  as: string,
  contextWish?: number,
): Readonly<Record<string, unknown>> {
  const { name, kind, url, version, local, apiKeyEnv, apiKeyKeychain, manage, launch } = server
  return {
    server: {
      name,
      kind,
      url,
      local,
      ...(version === undefined ? {} : { version }),
      ...(apiKeyEnv === undefined ? {} : { apiKeyEnv }),
      ...(apiKeyKeychain === undefined ? {} : { apiKeyKeychain }),
      ...(launch === undefined ? {} : { launch }),
      ...(manage ? { manage } : {}),
    },
    as,
    ...(contextWish === undefined ? {} : { contextWish }),
  }
}

/** @throws TandemError ENGINE_FAILED */
export function readSettings(given: unknown): ServerSettings {
  const parsed = Settings.safeParse(given)
  if (parsed.success) return parsed.data as ServerSettings
  const why = `its settings do not fit: ${z.prettifyError(parsed.error)}`
  throw new TandemError('ENGINE_FAILED', { engine: 'openai', why })
}
