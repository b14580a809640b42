import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import type { WorkerStatus } from '../../../domain/index.ts'
import type { HttpDeps, ModelEntry } from '../../deps.ts'
import { findModel } from '../../model-names.ts'
import { parse } from '../../validate.ts'
import { largestFile, listed, servedFiles, shown } from './describe.ts'
import { withoutLatest } from './names.ts'
import { ShowBody } from './schema.ts'

/** The version of Ollama whose interface these routes have: clients ask for a least one. */
const SPOKEN_VERSION = '0.12.6'

/** A worker stays as long as the plan has it, where no client wished otherwise. */
const STAYS_MS = 100 * 365 * 24 * 3_600_000

/** `/api/version`, `/api/tags`, `/api/ps`, `/api/show`. */
export function modelRoutes(app: FastifyInstance, deps: HttpDeps): void {
  const startedAt = new Date().toISOString()

  /** When the weights came; the start of the server where they are not known. */
  async function modifiedAt(entry: ModelEntry): Promise<string> {
    const file = largestFile(servedFiles(entry, deps.plan()).files)
    if (!file || entry.folder === undefined) return startedAt
    const found = await stat(join(entry.folder, file.path)).catch(() => undefined) // told elsewhere
    return found?.mtime.toISOString() ?? startedAt
  }

  const entryOf = (name: string) => findModel(deps, withoutLatest(name))

  app.get('/api/version', async () => ({ version: SPOKEN_VERSION, tandem: deps.version }))

  app.get('/api/tags', async () => {
    const plan = deps.plan()
    const projects = deps.projects?.list() ?? []
    const models = await Promise.all(
      deps.models().map(async (entry) => {
        const at = await modifiedAt(entry)
        const inProjects = entry.tasks.includes('chat') ? projects : []
        const names = [entry.id, ...inProjects.map(({ name }) => `${entry.id}@${name}`)]
        return names.map((name) => listed(name, entry, plan, at))
      }),
    )
    return { models: models.flat() }
  })

  function running({ model, engine, device, state, simulated }: WorkerStatus) {
    const entry = deps.models().find(({ id }) => id === model)
    if (!entry || (state !== 'ready' && state !== 'busy')) return []
    const plan = deps.plan()
    const { kind = 'cpu' } = deps.devices().find(({ id }) => id === device) ?? {}
    const { modified_at: _, capabilities: __, ...known } = listed(model, entry, plan, startedAt)
    return [
      {
        ...known,
        expires_at: new Date(Date.now() + staysMs(model)).toISOString(),
        size_vram: kind === 'cpu' ? 0 : known.size,
        context_length: contextOf(entry),
        tandem: { engine, device, state, simulated },
      },
    ]
  }

  const staysMs = (model: string): number => Math.min(STAYS_MS, deps.residency?.heldMs(model) || STAYS_MS)

  const contextOf = ({ id, tasks, contextTokens }: ModelEntry): number =>
    tasks.includes('chat') ? deps.serving.contextTokens(id) : contextTokens

  app.get('/api/ps', async () => ({ models: deps.serving.workers().flatMap(running) }))

  app.post('/api/show', async (request) => {
    const { model, project } = entryOf(parse(ShowBody, request.body))
    if (project !== undefined) deps.projects?.get(project)
    return shown(model, deps.plan(), await modifiedAt(model), contextOf(model))
  })
}
