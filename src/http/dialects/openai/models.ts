import type { FastifyInstance } from 'fastify'
import { plainAliases } from '../../../config/index.ts'
import type { Device } from '../../../domain/index.ts'
import type { HttpDeps, ModelEntry } from '../../deps.ts'
import { findModel } from '../../model-names.ts'

/** What a listed name adds to its model. */
interface Named {
  readonly project?: string
  /** Set where the name is one of `models.aliases`. */
  readonly aliasOf?: string
}

/** Adopted servers that have a model, and whether they have it in memory. */
function serversOf(id: string, devices: readonly Device[]) {
  const servers = devices.flatMap(({ server }) => {
    const served = server?.models.find(({ model }) => model === id)
    if (!server || !served) return []
    return [{ name: server.name, ...(served.loaded === undefined ? {} : { loaded: served.loaded }) }]
  })
  return servers.length > 0 ? { servers } : {}
}

export function modelRoutes(app: FastifyInstance, deps: HttpDeps): void {
  const startedMs = Date.now()

  const toModel = (id: string, entry: ModelEntry, named: Named = {}) => ({
    id,
    object: 'model',
    created: Math.floor(startedMs / 1000),
    owned_by: 'tandem',
    // Anthropic's clients list models by the same route
    type: 'model',
    display_name: entry.title,
    created_at: new Date(startedMs).toISOString(),
    tandem: {
      title: entry.title,
      tasks: entry.tasks,
      fingerprint: entry.fingerprint,
      contextTokens: entry.contextTokens,
      ...(entry.embedding ? { dimensions: entry.embedding.dimensions } : {}),
      ...(entry.classify ? { labels: entry.classify.labels } : {}),
      ...serversOf(entry.id, deps.devices()),
      // a server that does not tell may read them
      ...(entry.chat && entry.chat.images !== 'untold' ? { images: entry.chat.images === 'yes' } : {}),
      ...named,
    },
  })

  /** Names of `models.aliases` that lead to a model; a model that is here keeps its own name. */
  function aliases(entries: readonly ModelEntry[]) {
    const { aliases: map } = deps.config.models
    return plainAliases(map).flatMap((name) => {
      const entry = entries.find(({ id }) => id === map[name])
      return entry && !entries.some(({ id }) => id === name)
        ? [toModel(name, entry, { aliasOf: entry.id })]
        : []
    })
  }

  app.get('/v1/models', async () => {
    const entries = deps.models()
    const projects = deps.projects?.list() ?? []
    const chats = entries.filter(({ tasks }) => tasks.includes('chat'))
    const data = [
      ...entries.map((entry) => toModel(entry.id, entry)),
      ...aliases(entries),
      ...chats.flatMap((entry) =>
        projects.map(({ name }) => toModel(`${entry.id}@${name}`, entry, { project: name })),
      ),
    ]
    return {
      object: 'list',
      data,
      has_more: false,
      first_id: data[0]?.id ?? null,
      last_id: data.at(-1)?.id ?? null,
    }
  })

  // A wildcard: ids of model hubs hold slashes.
  app.get<{ Params: { '*': string } }>('/v1/models/*', async (request) => {
    const name = request.params['*']
    const { model, project } = findModel(deps, name)
    if (project !== undefined) deps.projects?.get(project)
    const own = project === undefined ? model.id : `${model.id}@${project}`
    return toModel(name, model, {
      ...(project === undefined ? {} : { project }),
      ...(name === own ? {} : { aliasOf: model.id }),
    })
  })
}
