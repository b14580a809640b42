import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LayerTime, TandemError } from '../../domain/index.ts'
import type { TokenRow } from '../encoder/index.ts'
import type { CompiledModel } from './native/compiled-model.ts'
import type { LayerRecord } from './native/request.ts'
import type { Job, Runner } from './runner.ts'
import type { Slot } from './slot.ts'

/** Runs that are averaged, after one that is not. */
const RUNS = 5
/** HETERO names a layer `subgraph2: /encoder/MatMul`. */
const SUBGRAPH = /^subgraph(\d+): /
/** HETERO puts this much before the first compiled part, at most. */
const HEADER_BYTES = 1 << 20

/**
 * Times every layer of one inference.
 * @returns layers that ran, in their order, with the mean of some runs
 * @throws TandemError INVALID_REQUEST when the model was loaded without the property PERF_COUNT
 */
export async function profileLayers(runner: Runner, job: Job, row: TokenRow): Promise<LayerTime[]> {
  const devices = executionDevices(runner.compiled)
  const parts = devices.length > 1 ? await submodelDevices(runner.compiled) : devices
  return runner.use(async (slot) => {
    const runs: LayerRecord[][] = []
    for (let run = 0; run <= RUNS; run++) {
      await slot.run([row], job.height, job.width)
      runs.push(layersOf(slot))
    }
    const [, ...counted] = runs
    if (!counted[0]!.some((layer) => layer.ran)) throw unprofiled()
    return counted[0]!.flatMap(({ name, type, ran }, index) => {
      if (!ran) return []
      const microseconds = counted.reduce((sum, layers) => sum + (layers[index]?.microseconds ?? 0), 0)
      return [
        {
          name: name.replace(SUBGRAPH, ''),
          type,
          device: deviceOf(name, devices, parts),
          ms: microseconds / RUNS / 1000,
        },
      ]
    })
  })
}

function layersOf(slot: Slot): LayerRecord[] {
  try {
    return slot.layers()
  } catch (error) {
    throw unprofiled(error)
  }
}

function unprofiled(cause?: unknown): TandemError {
  const what = 'this placement was loaded without profiling; load it with the property PERF_COUNT=YES'
  return new TandemError('INVALID_REQUEST', { what }, { cause })
}

/** Where several devices take part and nobody says which one ran a layer, all are named. */
function deviceOf(layer: string, devices: readonly string[], parts: readonly string[]): string {
  const part = Number(SUBGRAPH.exec(layer)?.[1] ?? 0)
  return parts[part] ?? devices.join(' or ')
}

/** Devices that run the model now; an AUTO may change them later. */
function executionDevices(compiled: CompiledModel): string[] {
  return compiled
    .property('EXECUTION_DEVICES')
    .split(/[\s,]+/)
    .map((name) => name.replace(/[()]/g, '')) // AUTO puts a stand-in into brackets
    .filter((name) => name !== '')
}

/**
 * Device of each part that HETERO made. No property tells it, but the file of an exported model starts with it.
 * @returns nothing when it cannot be exported, or is no HETERO
 */
async function submodelDevices(compiled: CompiledModel): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tandem-profile-'))
  try {
    const path = join(folder, 'model.blob')
    compiled.exportTo(path)
    const file = await open(path)
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0)
      return readSubmodelDevices(buffer.toString('latin1', 0, bytesRead))
    } finally {
      await file.close()
    }
  } catch {
    return [] // a device without export: the layers then name every device
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Reads `<compiled_submodel device="GPU.1"/>...` of the header that HETERO writes. */
export function readSubmodelDevices(header: string): string[] {
  const end = header.indexOf('</hetero>')
  if (end < 0) return []
  const found = header.slice(0, end).matchAll(/<compiled_submodel\b[^>]*\bdevice="([^"]+)"/g)
  return [...found].map((match) => match[1]!)
}
