/** `/health`, `/metrics` and `/tandem/v1/...`: the JSON of the design's section 6. */
import { isAbsolute } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { TandemError } from '../../domain/index.ts'
import type { Projects } from '../../project/contract.ts'
import type { HttpDeps, Timing } from '../deps.ts'
import { contextOf, setServed } from '../served-by.ts'
import { parse, refuse } from '../validate.ts'
import { classifyRoute } from './classify.ts'
import { eventRoute } from './events.ts'
import { metricsRoute } from './metrics.ts'
import { profileRoute } from './profile.ts'
import { ExplainQuery, PlanQuery, ProjectBody, SearchBody } from './schema.ts'
import { statusOf } from './status.ts'

/** @throws TandemError NO_PROJECT where this server has none */
function projectsOf(deps: HttpDeps): Projects {
  if (!deps.projects) throw new TandemError('NO_PROJECT')
  return deps.projects
}

function projectRoutes(app: FastifyInstance, deps: HttpDeps): void {
  app.post('/tandem/v1/search', async (request, reply) => {
    const { query, project, limit, explain } = parse(SearchBody, request.body)
    const answer = await projectsOf(deps).search(
      {
        query,
        ...(project == null ? {} : { project }),
        ...(limit == null ? {} : { limit }),
        ...(explain == null ? {} : { explain }),
      },
      contextOf(request),
    )
    setServed(reply, answer.servedBy)
    return { project: answer.project, results: answer.hits }
  })

  app.get('/tandem/v1/projects', async () => ({ projects: deps.projects?.list() ?? [] }))

  app.post('/tandem/v1/projects', async (request, reply) => {
    const { path, name } = parse(ProjectBody, request.body)
    if (!isAbsolute(path)) refuse('path', `"${path}" is relative; send an absolute one`)
    const { status, created } = await projectsOf(deps).add({ path, ...(name == null ? {} : { name }) })
    return reply.code(created ? 202 : 200).send(status)
  })

  type Named = { Params: { name: string } }
  app.get<Named>('/tandem/v1/projects/:name', async ({ params }) => projectsOf(deps).get(params.name))

  app.delete<Named>('/tandem/v1/projects/:name', async ({ params }, reply) => {
    projectsOf(deps).get(params.name)
    await projectsOf(deps).remove(params.name)
    return reply.code(204).send()
  })

  app.get<Named>('/tandem/v1/projects/:name/explain', async ({ params, query }) => {
    const { path } = parse(ExplainQuery, query)
    projectsOf(deps).get(params.name)
    return projectsOf(deps).explain(params.name, path)
  })
}

/** @returns ends the event streams, which never end by themselves */
export function tandemRoutes(app: FastifyInstance, deps: HttpDeps, timing: Timing): () => void {
  app.get('/health', async (_, reply) =>
    deps.isReady()
      ? { status: 'ok' }
      : reply.code(503).header('retry-after', '1').send({ status: 'starting' }),
  )
  app.get('/tandem/v1/devices', async () => {
    const loads = await deps.load?.()
    return {
      devices: deps.devices().map((device) => {
        const load = loads?.get(device.id)
        return load ? { ...device, load } : device
      }),
    }
  })
  app.get('/tandem/v1/plan', async ({ query }) => {
    const { policy, simulate } = parse(PlanQuery, query)
    if (policy === undefined && simulate === undefined) return deps.plan()
    return deps.planWith({
      ...(policy === undefined ? {} : { policy }),
      ...(simulate === undefined ? {} : { simulate }),
    })
  })
  app.post('/tandem/v1/models/refresh', async () => {
    if (!deps.refreshModels)
      throw new TandemError('NOT_FOUND', { what: 'a look for other models on this server' })
    const changes = await deps.refreshModels()
    return { ...changes, models: deps.models().map(({ id }) => id) }
  })
  app.get('/tandem/v1/status', async () => statusOf(deps))
  metricsRoute(app, deps)
  classifyRoute(app, deps)
  profileRoute(app, deps)
  projectRoutes(app, deps)
  return eventRoute(app, deps, timing)
}
