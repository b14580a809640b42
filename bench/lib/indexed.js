// Waits for a project of a running server.
import { setTimeout as sleep } from 'node:timers/promises'
import { call } from './server.js'

/** Adds `path` and waits until its index is complete. @returns {Promise<{ status: object, seconds: number }>} */
export async function indexProject(url, path, name) {
  const started = performance.now()
  await call(`${url}/tandem/v1/projects`, { path, name })
  for (;;) {
    const status = await call(`${url}/tandem/v1/projects/${name}`)
    if (status.state === 'ready') return { status, seconds: (performance.now() - started) / 1000 }
    if (status.state === 'failed') throw new Error(`indexing failed: ${status.error}`)
    await sleep(50)
  }
}
