import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { TandemError } from '../../../../domain/index.ts'
import type { LoadSpec } from '../../../contract.ts'
import { ask, textOf } from '../../http/transport.ts'
import { OvmsStatus } from '../../servers/ovms.ts'
import type { ServerSettings } from '../../settings.ts'
import { LogFile } from '../log-file.ts'
import { onFreePort, type RunningProcess, type ServerState, StartFailure, startProcess } from '../process.ts'
import { ovmsFailureOf } from './failure.ts'
import { configOf, graphOf, type OvmsModel, ovmsArguments } from './graph.ts'
import { type OvmsLaunch, readLaunch } from './settings.ts'

const HEAD_MS = 5_000
const MAX_BYTES = 1024 * 1024

export interface StartedOvms {
  /** Those of the placement, with the address that it has now. */
  readonly settings: ServerSettings
  readonly running: RunningProcess
  /** Asked for by its models' API of everybody but us. */
  readonly key: string
}

/**
 * Starts an ovms for a placement and waits until its model is loaded.
 * @throws TandemError ENGINE_FAILED, DEVICE_OUT_OF_MEMORY, DEVICE_NOT_FOUND
 */
export async function startOvms(spec: LoadSpec, { server, as }: ServerSettings): Promise<StartedOvms> {
  const launch = readLaunch(server.launch ?? {})
  const { binary, work, args } = launch
  const model = modelOf(spec, as, launch)
  await mkdir(work, { recursive: true })
  await writeFile(join(work, 'graph.pbtxt'), graphOf(model))
  const config = join(work, 'config.json')
  await writeFile(config, `${JSON.stringify(configOf(model, work), null, 2)}\n`)
  const key = randomBytes(24).toString('base64url')
  const log = new LogFile(join(launch.logs, `${server.name}.log`))
  try {
    return await onFreePort(async (port) => {
      const url = `http://127.0.0.1:${port}`
      const running = await startProcess({
        binary,
        args: ovmsArguments(port, config, args),
        // docs/security_considerations.md: as --api_key_file, which older ones refuse to know
        env: { ...packageEnvironment(binary, process.env), API_KEY: key },
        log,
        look: () => look(url, as),
        explain: ovmsFailureOf,
      })
      void running.ended.then(() => log.close())
      const { launch: _, ...rest } = server
      return { running, settings: { server: { ...rest, url }, as }, key }
    })
  } catch (thrown) {
    log.close()
    throw thrown instanceof StartFailure ? asError(thrown, model, log) : thrown
  }
}

function modelOf({ task }: LoadSpec, name: string, launch: OvmsLaunch): OvmsModel {
  if (task === 'classify')
    throw new TandemError('ENGINE_FAILED', { engine: 'ovms', why: 'it serves no classify' })
  const { folder, device, pooling, cacheGiB } = launch
  return { name, folder, task, device, pooling, cacheGiB }
}

/** Its health says that the server lives, also where its only model did not load: the state of the model counts. */
async function look(url: string, name: string): Promise<ServerState> {
  const { signal } = new AbortController()
  try {
    const answer = await ask({ url }, { path: '/v1/config', signal, headMs: HEAD_MS })
    const text = await textOf(answer, MAX_BYTES)
    if (answer.statusCode !== 200) return 'starting'
    const states = OvmsStatus.parse(JSON.parse(text))[name]?.model_version_status ?? []
    if (states.some(({ state }) => state.startsWith('LOADING_PRECONDITION_FAILED'))) return 'failed'
    if (!states.some(({ state }) => state === 'AVAILABLE')) return 'starting'
    const ready = await ask({ url }, { path: '/v2/health/ready', signal, headMs: HEAD_MS })
    ready.resume()
    return ready.statusCode === 200 ? 'up' : 'starting'
  } catch {
    return 'starting' // it does not listen yet
  }
}

/** What its package wants set before it starts (docs/deploying_server_baremetal.md), where it is one. */
export function packageEnvironment(binary: string, env: NodeJS.ProcessEnv): Record<string, string> {
  const folder = dirname(binary)
  if (process.platform === 'win32') {
    const python = join(folder, 'python')
    const path = [folder, ...(existsSync(python) ? [python] : []), env['PATH'] ?? env['Path'] ?? ''].join(';')
    return { PATH: path, ...(existsSync(python) ? { PYTHONHOME: python } : {}) }
  }
  const libraries = join(dirname(folder), 'lib')
  if (!existsSync(join(libraries, 'libopenvino.so')) && !existsSync(join(libraries, 'python'))) return {}
  const python = join(libraries, 'python')
  return {
    LD_LIBRARY_PATH: [libraries, env['LD_LIBRARY_PATH']].filter(Boolean).join(':'),
    ...(existsSync(python) ? { PYTHONPATH: python } : {}),
  }
}

function asError(
  { failure: { kind, why } }: StartFailure,
  { device, name }: OvmsModel,
  log: LogFile,
): TandemError {
  if (kind === 'memory') return new TandemError('DEVICE_OUT_OF_MEMORY', { device, model: name, why })
  if (kind === 'device') return new TandemError('DEVICE_NOT_FOUND', { engine: 'ovms', device })
  return new TandemError('ENGINE_FAILED', { engine: 'ovms', why: `${why}; its log is ${log.path}` })
}
