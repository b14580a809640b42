import type { DecoderLoad, DecoderShape, Fit, KvType, MemoryNeed, Trade } from '../../domain/index.ts'
import { type DecoderEngine, decoderNeed, projectorNeed } from './decoder-need.ts'
import { canQuantizeCache } from './kv-cache.ts'
import { doesNotFit, holds, hostBytes, inGib, type Places, shortage } from './words.ts'

/** A chat's window unless the user wants another: more costs memory that few conversations use. */
const DEFAULT_CONTEXT = 16_384
/** Below it a chat with passages of a project has no room. */
const LEAST_CONTEXT = 4096
/** Fewer layers on a GPU than this share are hardly faster than the CPU alone. */
const LEAST_LAYER_SHARE = 0.5

export interface DecoderWish {
  readonly places: Places
  readonly shape: DecoderShape
  readonly engine: DecoderEngine
  readonly trades: readonly Trade[]
  /** The catalogue's limit. */
  readonly mostTokens: number
  /** What the user wants; absent: a sensible window. */
  readonly contextTokens: number | undefined
  readonly slots: number
}

/** The first way to open a model that fits, in the order in which a user would miss what is given up. */
export function fitDecoder(wish: DecoderWish): Fit {
  const full = fullLoad(wish)
  const need = needOf(wish, full)
  if (shortage(wish.places, need) === undefined) return { fits: true, need, load: full, traded: [] }
  let last = leastOnDevice(wish, full)
  if (shortage(wish.places, needOf(wish, last)) === 'device')
    return { fits: false, reason: reason(wish, last) }
  for (const load of ways(wish, full)) {
    const less = needOf(wish, load)
    if (shortage(wish.places, less) === undefined)
      return { fits: true, need: less, load, traded: given(wish, full, load) }
    last = load
  }
  return { fits: false, reason: reason(wish, last) }
}

function fullLoad({ shape, places: { onCpu }, slots, mostTokens, contextTokens }: DecoderWish): DecoderLoad {
  const limit = Math.min(mostTokens, shape.contextTokens || mostTokens)
  return {
    contextTokens: Math.min(contextTokens ?? DEFAULT_CONTEXT, limit),
    slots,
    kvType: 'f16',
    gpuLayers: onCpu ? 0 : shape.layerBytes.length + 1,
    cpuExpertLayers: 0,
  }
}

/** Down from the full wish; each way keeps what the ways before it gave up. */
function* ways(wish: DecoderWish, full: DecoderLoad): Generator<DecoderLoad> {
  const { shape, trades } = wish
  const { onCpu } = wish.places
  const kvType: KvType = canShrinkCache(wish) ? 'q8_0' : 'f16'
  const windows = [full.contextTokens, ...smaller(full.contextTokens)]
  const wanted = wish.contextTokens === undefined ? windows : windows.slice(0, 1)
  for (const contextTokens of wanted) yield { ...full, kvType, contextTokens }
  // a window that the user asked for is given up last
  for (const contextTokens of wish.contextTokens === undefined ? wanted.slice(-1) : windows) {
    const load = { ...full, kvType, contextTokens }
    yield load
    if (onCpu) continue
    const hasExperts = canMoveExperts(wish)
    const layers = shape.layerBytes.length
    const moved = (cpuExpertLayers: number): DecoderLoad => ({ ...load, cpuExpertLayers })
    if (hasExperts) yield moved(fewest(layers, (n) => onDevice(wish, moved(n))))
    if (!trades.includes('gpuLayers')) continue
    const cut = (n: number) => ({ ...moved(hasExperts ? layers : 0), gpuLayers: full.gpuLayers - n })
    yield cut(fewest(full.gpuLayers - leastLayers(full), (n) => onDevice(wish, cut(n))))
  }
}

/** The smallest number from 1 that is enough; `most` where none is. What is given up more helps more. */
function fewest(most: number, isEnough: (n: number) => boolean): number {
  let [low, high] = [1, most]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (isEnough(middle)) high = middle
    else low = middle + 1
  }
  return high
}

function onDevice(wish: DecoderWish, load: DecoderLoad): boolean {
  return holds(wish.places.device, needOf(wish, load).deviceBytes)
}

/** Halves, and what lies between them, down to the least useful window. */
function smaller(contextTokens: number): number[] {
  const steps: number[] = []
  for (let power = 1 << 20; power >= LEAST_CONTEXT; power /= 2) steps.push(power * 1.5, power)
  return steps.filter((step) => step < contextTokens)
}

function leastLayers({ gpuLayers }: DecoderLoad): number {
  return Math.ceil(gpuLayers * LEAST_LAYER_SHARE)
}

function canShrinkCache({ trades, shape }: DecoderWish): boolean {
  return trades.includes('kvType') && canQuantizeCache(shape)
}

function canMoveExperts({ trades, shape }: DecoderWish): boolean {
  return trades.includes('cpuExperts') && shape.expertBytes.some((bytes) => bytes > 0)
}

/** When all is given up that may be: no way takes less of the device. */
function leastOnDevice(wish: DecoderWish, full: DecoderLoad): DecoderLoad {
  const { contextTokens } = full
  return {
    ...full,
    kvType: canShrinkCache(wish) ? 'q8_0' : 'f16',
    contextTokens: Math.min(contextTokens, LEAST_CONTEXT),
    cpuExpertLayers: !wish.places.onCpu && canMoveExperts(wish) ? wish.shape.layerBytes.length : 0,
    gpuLayers: wish.trades.includes('gpuLayers') ? leastLayers(full) : full.gpuLayers,
  }
}

function needOf({ shape, engine, places }: DecoderWish, load: DecoderLoad): MemoryNeed {
  return decoderNeed(shape, load, engine, places.onCpu)
}

function reason(wish: DecoderWish, load: DecoderLoad): string {
  const { places, engine } = wish
  const need = needOf(wish, load)
  const { contextTokens, slots } = load
  const each = slots > 1 ? `${slots} chats of ` : ''
  const parts = [
    `${inGib(need.weightBytes)} weights`,
    `${inGib(need.kvBytes)} KV cache for ${each}${contextTokens} tokens`,
    `${inGib(need.computeBytes)} buffers`,
    ...(need.draftBytes === undefined ? [] : [`${inGib(need.draftBytes)} draft model`]),
    ...(engine.projectorBytes ? [`${inGib(projectorNeed(engine))} projector of images`] : []),
  ]
  if (shortage(places, need) === 'device') return doesNotFit(need.deviceBytes, parts, places.device)
  if (places.onCpu)
    return doesNotFit(need.hostBytes, [...parts, `${inGib(engine.processBytes)} process`], places.host)
  const share = places.shared
    ? [`${inGib(need.deviceBytes)} for the device`, `${inGib(need.hostBytes)} beside it`]
    : ['what stays beside the device']
  return doesNotFit(hostBytes(places, need), share, places.host, " of the system's memory")
}

/** What was given up, one sentence each. */
function given({ shape, contextTokens }: DecoderWish, full: DecoderLoad, load: DecoderLoad): string[] {
  const traded: string[] = []
  if (load.kvType !== full.kvType) traded.push(`KV cache in ${load.kvType} instead of ${full.kvType}`)
  if (load.contextTokens < full.contextTokens)
    traded.push(
      `context ${load.contextTokens} instead of ${contextTokens === undefined ? '' : 'the wanted '}${full.contextTokens} tokens`,
    )
  if (load.cpuExpertLayers > 0)
    traded.push(
      `experts of ${load.cpuExpertLayers} of ${shape.layerBytes.length} layers in the system's memory`,
    )
  if (load.gpuLayers < full.gpuLayers)
    traded.push(`${load.gpuLayers} of ${full.gpuLayers} layers on the device, the rest on the CPU`)
  return traded
}
