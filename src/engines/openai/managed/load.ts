import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { TandemError } from '../../../domain/index.ts'
import type { LoadedDecoder, LoadSpec, OnLoadProgress } from '../../contract.ts'
import { findGguf } from '../../llama.cpp/model-file.ts'
import { openClient } from '../client.ts'
import { LlamaServerDecoder } from '../llama-server-decoder.ts'
import { llamaServer } from '../servers/llama-server.ts'
import type { ServerSettings } from '../settings.ts'
import { Props } from '../wire.ts'
import { serverArguments } from './arguments.ts'
import type { Failure } from './failure.ts'
import { LogFile } from './log-file.ts'
import { type OnGone, owned, watchOwned } from './owned.ts'
import { onFreePort, type RunningProcess, StartFailure, type StartOptions, startServer } from './process.ts'
import { projectorOf } from './projector.ts'
import type { ManagedSettings } from './settings.ts'

/** Of this process: the key is made anew for each server, and told to nobody else. */
const KEY_VARIABLE = 'TANDEM_MANAGED_SERVER_KEY'
const HEAD_MS = 30_000

/**
 * Starts a llama-server for a placement and opens its model there.
 * @param onGone called once when it has ended by itself
 * @param onProgress hears the share that is loaded, of a build that tells it
 * @throws TandemError ENGINE_FAILED, DEVICE_OUT_OF_MEMORY, MODEL_FILE_BAD, MODEL_UNSUPPORTED
 */
export async function loadManaged(
  spec: LoadSpec,
  managed: ManagedSettings,
  onGone: OnGone,
  onProgress?: OnLoadProgress,
): Promise<LoadedDecoder> {
  const { model, task } = spec
  if (task !== 'chat') throw failed(`it does not serve ${task}`)
  const path = await findGguf(model)
  const log = new LogFile(join(managed.logs, logName(spec)))
  const { running, settings } = await start(spec, managed, {
    path,
    log,
    onProgress: managed.tellsState ? onProgress : undefined,
  })
  void running.ended.then(() => log.close())
  const client = await openClient(settings, process.env, new AbortController().signal)
  try {
    const { signal } = new AbortController()
    const props = await client.json('/props', Props, { signal, headMs: HEAD_MS })
    const { contextTokens = model.contextTokens } = spec
    const options = {
      client,
      settings,
      model,
      api: llamaServer.api,
      // the user may have asked for others
      contextTokens: Math.min(model.contextTokens, props.default_generation_settings.n_ctx ?? contextTokens),
      slots: props.total_slots,
      images: props.modalities?.vision,
    }
    const { chat_template: template, bos_token: bosToken, eos_token: eosToken } = props
    const decoder = await LlamaServerDecoder.open(options, { template, bosToken, eosToken })
    watchOwned(running, settings.server.url, llamaServer.health, onGone)
    const version = `llama-server ${props.build_info ?? ''}`.trim()
    return Object.assign(owned(decoder, running, 'llama-server'), { version })
  } catch (thrown) {
    await running.stop()
    throw thrown
  }
}

async function start(
  spec: LoadSpec,
  { binary, args, draft }: ManagedSettings,
  { path, log, onProgress }: Pick<StartOptions, 'log' | 'onProgress'> & { readonly path: string },
): Promise<{ running: RunningProcess; settings: ServerSettings }> {
  const { model, device, threads, contextTokens = model.contextTokens, slots = 1 } = spec
  const mmproj = await projectorOf(model)
  const drafts = draft && join(draft.folder, draft.name)
  const apiKey = randomBytes(24).toString('base64url')
  const { gpuLayers, cpuExpertLayers, kvType } = spec
  const wish = {
    device,
    threads,
    contextTokens,
    slots,
    gpuLayers,
    cpuExpertLayers,
    kvType,
    mmproj,
    draft: drafts,
    model: path,
    alias: model.id,
  }
  try {
    return await onFreePort(async (port) => {
      const argv = serverArguments({ ...wish, port }, args)
      const running = await startServer({ binary, args: argv, port, apiKey, log, onProgress })
      process.env[KEY_VARIABLE] = apiKey
      const server = {
        name: 'llama-server',
        kind: llamaServer.kind,
        url: `http://127.0.0.1:${port}`,
        local: true,
        apiKeyEnv: KEY_VARIABLE,
      }
      return { running, settings: { server, as: model.id } }
    })
  } catch (thrown) {
    log.close()
    throw thrown instanceof StartFailure ? asError(thrown.failure, spec, path, log) : thrown
  }
}

function asError(
  { kind, why }: Failure,
  { model, device }: LoadSpec,
  path: string,
  log: LogFile,
): TandemError {
  switch (kind) {
    case 'memory':
      return new TandemError('DEVICE_OUT_OF_MEMORY', { device, model: model.id, why })
    case 'architecture':
      return new TandemError('MODEL_UNSUPPORTED', { engine: 'llama-server', model: model.id, device, why })
    case 'file':
      return new TandemError('MODEL_FILE_BAD', { file: path, why })
    default:
      return failed(`${why}; its log is ${log.path}`)
  }
}

/** One for each placement; a benchmark of it writes there too. */
function logName({ model, device }: LoadSpec): string {
  return `llama-server-${model.id}-${device}.log`.replace(/[^\w.-]+/g, '-')
}

function failed(why: string): TandemError {
  return new TandemError('ENGINE_FAILED', { engine: 'llama-server', why })
}
