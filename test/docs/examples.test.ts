/** The examples: each file has the form of its kind and nothing beyond it, and what they say of each other agrees. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { type Config, loadConfig } from '../../src/config/index.ts'
import { softwareOf } from '../../src/engines/openai/servers/index.ts'

const folder = new URL('../../examples/', import.meta.url)
const home = mkdtempSync(join(tmpdir(), 'tandem-examples-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))

const read = (path: string) => readFileSync(new URL(path, folder), 'utf8')
const dockerfile = read('Dockerfile')
const KEYS = { TANDEM_KEY: 'what clients send', OVMS_KEY: 'what OVMS wants', VLLM_KEY: 'what vLLM wants' }

/** As a server with this file reads it. */
function configOf(text: string): Config {
  const file = join(home, 'tandem.yaml')
  writeFileSync(file, text)
  return loadConfig({ home, env: KEYS, flags: [], file }).config
}

/** What each engine documents: its image, its flags, the variable of its key. */
const ENGINES = {
  // model_server's docs/parameters.md and docs/docker_container.md; docs/security_considerations.md for the key
  ovms: {
    image: 'openvino/model_server',
    port: 'rest_port',
    flags: ['rest_port', 'source_model', 'model_repository_path', 'task', 'target_device'],
    key: 'API_KEY',
  },
  // vLLM's "Engine Arguments", "OpenAI-Compatible Server" and "Environment Variables"
  vllm: {
    image: 'vllm/vllm-openai',
    port: 'port',
    flags: ['model', 'port', 'max-model-len'],
    key: 'VLLM_API_KEY',
  },
} as const

/** `--flag value` and `--flag=value` as they are given. */
function flagsOf(args: readonly string[]): Record<string, string> {
  const words = args.flatMap((each) => (each.startsWith('--') ? each.split(/=(.*)/, 2) : [each]))
  const flags: Record<string, string> = {}
  for (let at = 0; at < words.length; at += 2) flags[words[at]!.replace(/^--/, '')] = words[at + 1] ?? ''
  return flags
}

interface Engine {
  readonly image: string
  readonly args: readonly string[]
  /** Where the value of its key comes from, by variable. */
  readonly keys: Readonly<Record<string, string>>
}

/** A server of Tandem's configuration, and the engine behind its address. */
function agree(
  server: Config['servers'][number],
  engine: Engine,
  ofTandem: Readonly<Record<string, string>>,
) {
  const known = ENGINES[z.enum(['ovms', 'vllm']).parse(server.kind)]
  const flags = flagsOf(engine.args)
  expect(engine.image.split(':')[0]).toBe(known.image)
  expect(known.flags).toEqual(expect.arrayContaining(Object.keys(flags)))
  expect(flags[known.port]).toBe(new URL(server.url).port)
  expect(server.models).toEqual([flags['source_model'] ?? flags['model']])
  const name = server.apiKey?.replace('env:', '') ?? ''
  expect(ofTandem[name]).toBeDefined()
  expect(engine.keys[known.key]).toBe(ofTandem[name])
}

function checkConfig({ servers, models, server, adopt }: Config): void {
  expect(server.apiKey).toBe(KEYS.TANDEM_KEY)
  expect(servers.map(({ tasks }) => tasks)).toEqual([['embed'], ['chat']])
  expect([models.embed, models.chat]).toEqual(servers.map((each) => each.models?.[0]))
  expect(adopt.discover).toBe(false)
}

describe('the image', () => {
  const [, configFile] = /^CMD \["serve", "--config", "([^"]+)"\]$/m.exec(dockerfile) ?? []

  test('copies what is there, and starts what it copied', () => {
    const root = fileURLToPath(new URL('..', folder))
    const [, first = ''] = /^COPY ((?:\S+ )+)\.\/$/m.exec(dockerfile) ?? []
    for (const path of first.trim().split(' ')) expect(existsSync(join(root, path)), path).toBe(true)
    const kept = [...dockerfile.matchAll(/^COPY --from=build \/src\/(\S+)/gm)].map(([, path]) => path)
    expect(kept.sort()).toEqual(['bin', 'dist', 'models', 'node_modules', 'package.json'])
    for (const line of read('Dockerfile.dockerignore').split('\n'))
      if (line.startsWith('!')) expect(existsSync(join(root, line.slice(1))), line).toBe(true)
    expect(existsSync(join(root, /^ENTRYPOINT \["node", "([^"]+)"\]$/m.exec(dockerfile)?.[1] ?? '-'))).toBe(
      true,
    )
  })

  test('its port, its volume and its health are those of Tandem', () => {
    const { server } = configOf('')
    expect(dockerfile).toContain(`EXPOSE ${server.port}\n`)
    expect(dockerfile).toContain(`http://127.0.0.1:${server.port}/health`)
    const [, kept] = /TANDEM_HOME=(\S+)/.exec(dockerfile) ?? []
    expect(dockerfile).toContain(`\nVOLUME ${kept}\n`)
    expect(compose.services['tandem']?.volumes).toContain(`tandem:${kept}`)
    expect(compose.services['tandem']?.volumes).toContain(`./tandem.yaml:${configFile}:ro`)
  })
})

const Service = z.strictObject({
  build: z.strictObject({ context: z.string(), dockerfile: z.string() }).optional(),
  image: z.string(),
  init: z.boolean().optional(),
  ports: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()),
  command: z.array(z.string()).optional(),
  user: z.string().optional(),
  devices: z.array(z.string().regex(/^(\/dev\/\w+):\1$/)).optional(),
  ipc: z.literal('host').optional(),
  deploy: z
    .strictObject({
      resources: z.strictObject({
        reservations: z.strictObject({
          devices: z.array(
            z.strictObject({ driver: z.string(), count: z.int(), capabilities: z.array(z.string()) }),
          ),
        }),
      }),
    })
    .optional(),
  volumes: z.array(z.string().regex(/^[.\w/-]+:\/[\w./-]+(:ro)?$/)),
  restart: z.literal('unless-stopped'),
})
const compose = z
  .strictObject({ services: z.record(z.string(), Service), volumes: z.record(z.string(), z.null()) })
  .parse(parse(read('compose/compose.yaml')))

describe('compose', () => {
  const config = configOf(read('compose/tandem.yaml'))
  const { tandem } = compose.services
  /** `${NAME:?text}` and `${NAME}` are one value. */
  const sourceOf = (environment: Readonly<Record<string, string>>) =>
    Object.fromEntries(
      Object.entries(environment).map(([name, value]) => [name, value.replace(/:\?[^}]*/, '')]),
    )

  test('the configuration: each engine has its task, clients need a key', () => checkConfig(config))

  test('each server is a service with its image, port, model and key', () => {
    for (const server of config.servers) {
      const service = compose.services[new URL(server.url).hostname]!
      const engine = {
        image: service.image,
        args: service.command ?? [],
        keys: sourceOf(service.environment),
      }
      agree(server, engine, sourceOf(tandem!.environment))
    }
  })

  test('only Tandem has a port here, on loopback; volumes and files are there', () => {
    expect(tandem?.ports).toEqual([`127.0.0.1:${config.server.port}:${config.server.port}`])
    for (const [name, service] of Object.entries(compose.services)) {
      if (name !== 'tandem') expect(service.ports).toBeUndefined()
      for (const volume of service.volumes) {
        const [source = ''] = volume.split(':')
        if (source.startsWith('.')) expect(existsSync(new URL(`compose/${source}`, folder))).toBe(true)
        else expect(Object.keys(compose.volumes)).toContain(source)
      }
    }
    expect(
      existsSync(new URL(`compose/${tandem?.build?.context}/${tandem?.build?.dockerfile}`, folder)),
    ).toBe(true)
  })

  test('its page sets every variable that has to be given', () => {
    const asked = [...read('compose/compose.yaml').matchAll(/\$\{(\w+):\?/g)].map(([, name]) => name)
    for (const name of asked) expect(read('compose/README.md')).toContain(`${name}=`)
  })
})

const Name = z.string().regex(/^[a-z][a-z0-9-]*$/)
const Labels = z.strictObject({ app: Name })
const Quantity = z.union([z.string().regex(/^\d+(Mi|Gi)?$/), z.int()])
const Probe = z.strictObject({
  httpGet: z.strictObject({ path: z.string().startsWith('/'), port: z.int() }),
  periodSeconds: z.int().optional(),
  failureThreshold: z.int().optional(),
})
const Container = z.strictObject({
  name: Name,
  image: z.string(),
  args: z.array(z.string()).optional(),
  ports: z.array(z.strictObject({ containerPort: z.int() })).length(1),
  env: z.array(
    z.strictObject({
      name: z.string(),
      valueFrom: z.strictObject({ secretKeyRef: z.strictObject({ name: Name, key: Name }) }),
    }),
  ),
  startupProbe: Probe,
  readinessProbe: Probe,
  resources: z.strictObject({
    requests: z.record(z.string(), Quantity),
    limits: z.record(z.string(), Quantity),
  }),
  volumeMounts: z.array(z.strictObject({ name: Name, mountPath: z.string().startsWith('/') })),
})
const Volume = z.union([
  z.strictObject({ name: Name, persistentVolumeClaim: z.strictObject({ claimName: Name }) }),
  z.strictObject({ name: Name, configMap: z.strictObject({ name: Name }) }),
  z.strictObject({
    name: Name,
    emptyDir: z.strictObject({ medium: z.literal('Memory'), sizeLimit: Quantity }),
  }),
])
const metadata = z.strictObject({ name: Name })
const Deployment = z.strictObject({
  apiVersion: z.literal('apps/v1'),
  kind: z.literal('Deployment'),
  metadata,
  spec: z.strictObject({
    replicas: z.int().optional(),
    strategy: z.strictObject({ type: z.literal('Recreate') }).optional(),
    selector: z.strictObject({ matchLabels: Labels }),
    template: z.strictObject({
      metadata: z.strictObject({ labels: Labels }),
      spec: z.strictObject({
        enableServiceLinks: z.literal(false),
        securityContext: z
          .strictObject({
            runAsUser: z.int().optional(),
            runAsNonRoot: z.literal(true).optional(),
            fsGroup: z.int(),
          })
          .optional(),
        containers: z.array(Container).length(1),
        volumes: z.array(Volume),
      }),
    }),
  }),
})
const KubeService = z.strictObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('Service'),
  metadata,
  spec: z.strictObject({ selector: Labels, ports: z.array(z.strictObject({ port: z.int() })).length(1) }),
})
const Claim = z.strictObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('PersistentVolumeClaim'),
  metadata,
  spec: z.strictObject({
    accessModes: z.tuple([z.literal('ReadWriteOnce')]),
    resources: z.strictObject({ requests: z.strictObject({ storage: Quantity }) }),
  }),
})
const ConfigMap = z.strictObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('ConfigMap'),
  metadata,
  data: z.strictObject({ 'tandem.yaml': z.string() }),
})
const Manifest = z.discriminatedUnion('kind', [Deployment, KubeService, Claim, ConfigMap])

describe('Kubernetes', () => {
  const manifests = ['kubernetes/tandem.yaml', 'kubernetes/engines.yaml'].flatMap((path) =>
    parseAllDocuments(read(path)).map((document) => Manifest.parse(document.toJS())),
  )
  const ofKind = <K extends z.infer<typeof Manifest>['kind']>(kind: K) =>
    manifests.filter((each): each is Extract<z.infer<typeof Manifest>, { kind: K }> => each.kind === kind)
  const deployments = ofKind('Deployment')
  const services = ofKind('Service')
  const config = configOf(ofKind('ConfigMap')[0]!.data['tandem.yaml'])
  const behind = (service: string) => {
    const found = services.find((each) => each.metadata.name === service)
    const deployed = deployments.find(
      ({ spec }) => spec.template.metadata.labels.app === found?.spec.selector.app,
    )
    const container = deployed?.spec.template.spec.containers[0]
    expect(container?.ports[0]?.containerPort, service).toBe(found?.spec.ports[0]?.port)
    return { container: container!, port: found!.spec.ports[0]!.port }
  }
  const keysOf = ({ env }: z.infer<typeof Container>) =>
    Object.fromEntries(
      env.map(({ name, valueFrom: { secretKeyRef: from } }) => [name, `${from.name}/${from.key}`]),
    )

  test('the configuration: each engine has its task, clients need a key', () => {
    checkConfig(config)
    expect(config.server.allowedHosts).toContain('tandem')
  })

  test('each server is a service with its image, port, model and key', () => {
    const { container: tandem, port } = behind('tandem')
    expect(port).toBe(config.server.port)
    expect(Object.keys(keysOf(tandem))).toContain('TANDEM_KEY')
    for (const server of config.servers) {
      const { container, port: theirs } = behind(new URL(server.url).hostname)
      expect(new URL(server.url).port).toBe(String(theirs))
      agree(server, { ...container, args: container.args ?? [], keys: keysOf(container) }, keysOf(tandem))
      const { health } = softwareOf(server.kind!)
      for (const probe of [container.startupProbe, container.readinessProbe])
        expect(probe.httpGet).toEqual({ path: health, port: theirs })
    }
    for (const probe of [tandem.startupProbe, tandem.readinessProbe])
      expect(probe.httpGet).toEqual({ path: '/health', port })
  })

  test('labels, volumes, claims and secrets lead somewhere', () => {
    const claims = ofKind('PersistentVolumeClaim').map((each) => each.metadata.name)
    const maps = ofKind('ConfigMap').map((each) => each.metadata.name)
    for (const { spec } of deployments) {
      expect(spec.template.metadata.labels).toEqual(spec.selector.matchLabels)
      const { containers, volumes } = spec.template.spec
      for (const { volumeMounts, env } of containers) {
        expect(volumeMounts.map(({ name }) => name).sort()).toEqual(volumes.map(({ name }) => name).sort())
        for (const { secretKeyRef } of env.map(({ valueFrom }) => valueFrom)) {
          expect(read('kubernetes/README.md')).toContain(`secret generic ${secretKeyRef.name} `)
          expect(read('kubernetes/README.md')).toContain(`--from-literal=${secretKeyRef.key}=`)
        }
      }
      for (const volume of volumes) {
        if ('persistentVolumeClaim' in volume)
          expect(claims).toContain(volume.persistentVolumeClaim.claimName)
        if ('configMap' in volume) expect(maps).toContain(volume.configMap.name)
      }
    }
    const { container } = behind('tandem')
    expect(container.volumeMounts.map(({ mountPath }) => mountPath)).toEqual(['/etc/tandem', '/data'])
    expect(dockerfile).toMatch(/TANDEM_HOME=\/data[\s\S]*"\/etc\/tandem\/tandem.yaml"/)
  })

  test('no service has a name whose variables an engine or Tandem reads', () => {
    for (const { metadata: each } of services) expect(each.name).not.toMatch(/^(vllm|ovms|tandem-\w+)$/)
  })
})
