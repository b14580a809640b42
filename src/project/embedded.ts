import type { Projects } from './contract.ts'
import { createProjects, type ProjectsOptions, type Retrieval } from './projects.ts'
import { findPassages, searchProject } from './retrieval/index.ts'
import { openEmbeddedStore } from './store/index.ts'

const retrieval: Retrieval = {
  async search({ project, store, serving, model }, { query, limit, explain }, options) {
    const wanted = {
      ...(limit === undefined ? {} : { limit }),
      ...(explain === undefined ? {} : { explain }),
    }
    const { hits, servedBy } = await searchProject(store, serving, model.id, query, { ...wanted, ...options })
    return { project, hits, servedBy }
  },
  passages: ({ project, store, serving, model }, query) =>
    findPassages(store, serving, model.id, project, query),
}

/** Projects whose indexes are kept in SQLite files under TANDEM_HOME. */
export function createEmbeddedProjects(options: Omit<ProjectsOptions, 'openStore' | 'retrieval'>): Projects {
  const onWarning = (text: string): void => options.log.warn(text)
  return createProjects({
    ...options,
    retrieval,
    openStore: (folder, space) => openEmbeddedStore(folder, space, { onWarning }),
  })
}
