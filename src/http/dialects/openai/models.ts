import type { FastifyInstance } from 'fastify'
import type { HttpDeps, ModelEntry } from '../../deps.ts'
import { findModel } from '../../model-names.ts'

export function modelRoutes(app: FastifyInstance, deps: HttpDeps): void {
  const created = Math.floor(Date.now() / 1000)

  const toModel = (entry: ModelEntry, project?: string) => ({
    id: project === undefined ? entry.id : `${entry.id}@${project}`,
    object: 'model',
    created,
    owned_by: 'tandem',
    tandem: {
      title: entry.title,
      tasks: entry.tasks,
      fingerprint: entry.fingerprint,
      contextTokens: entry.contextTokens,
      ...(entry.embedding ? { dimensions: entry.embedding.dimensions } : {}),
      ...(entry.classify ? { labels: entry.classify.labels } : {}),
      ...(project === undefined ? {} : { project }),
    },
  })

  app.get('/v1/models', async () => {
    const entries = deps.models()
    const projects = deps.projects?.list() ?? []
    const chats = entries.filter(({ tasks }) => tasks.includes('chat'))
    const withProjects = chats.flatMap((entry) => projects.map(({ name }) => toModel(entry, name)))
    return { object: 'list', data: [...entries.map((entry) => toModel(entry)), ...withProjects] }
  })

  // A wildcard: ids of model hubs hold slashes.
  app.get<{ Params: { '*': string } }>('/v1/models/*', async (request) => {
    const { model, project } = findModel(deps.models(), request.params['*'])
    if (project !== undefined) deps.projects?.get(project)
    return toModel(model, project)
  })
}
