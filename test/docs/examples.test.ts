/** The examples: their configurations are read as they stand, and name services that are there. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { type Config, loadConfig } from '../../src/config/index.ts'

const folder = new URL('../../examples/', import.meta.url)
const home = mkdtempSync(join(tmpdir(), 'tandem-examples-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))

const read = (path: string) => readFileSync(new URL(path, folder), 'utf8')

/** As a server with this file reads it. */
function configOf(text: string): Config {
  const file = join(home, 'tandem.yaml')
  writeFileSync(file, text)
  return loadConfig({ home, env: { TANDEM_KEY: 'a key of the examples' }, flags: [], file }).config
}

const Named = z.object({ kind: z.string(), metadata: z.object({ name: z.string() }) })
const ConfigMap = Named.extend({ data: z.record(z.string(), z.string()) })

describe('compose', () => {
  const { services } = z
    .object({ services: z.record(z.string(), z.object({ command: z.array(z.string()).optional() })) })
    .parse(parse(read('compose/compose.yaml')))
  const { servers, models, server } = configOf(read('compose/tandem.yaml'))

  test('the servers are services, and run the models that are chosen', () => {
    expect(servers.map(({ url }) => new URL(url).hostname)).toEqual(['ovms', 'vllm'])
    expect(services['ovms']?.command).toContain(models.embed)
    expect(services['vllm']?.command).toContain(models.chat)
  })

  test('what leaves the machine is said for each server, and clients need the key', () => {
    for (const { tasks } of servers) expect(tasks).toHaveLength(1)
    expect(server.apiKey).toBe('a key of the examples')
  })
})

test('Kubernetes: the servers of the configuration are services of the manifests', () => {
  const documents = ['kubernetes/tandem.yaml', 'kubernetes/engines.yaml'].flatMap((path) =>
    parseAllDocuments(read(path)).map((document) => document.toJS() as unknown),
  )
  const named = documents.map((document) => Named.parse(document))
  const services = named.filter(({ kind }) => kind === 'Service').map(({ metadata }) => metadata.name)
  const deployed = named.filter(({ kind }) => kind === 'Deployment').map(({ metadata }) => metadata.name)
  const maps = documents.flatMap((document) => ConfigMap.safeParse(document).data ?? [])
  const { servers, server } = configOf(maps[0]?.data['tandem.yaml'] ?? '')
  for (const { url } of servers) expect(services).toContain(new URL(url).hostname)
  expect(server.allowedHosts).toContain('tandem')
  expect(deployed.sort()).toEqual(['ovms', 'tandem', 'vllm'])
})
