import { cpus } from 'node:os'
import type { DiscoveredEngine } from '../discovery.ts'
import { packageVersion } from '../package-version.ts'
import { onnxruntime } from './descriptor.ts'

/** ONNX Runtime comes with Tandem, and runs on the CPU; nothing is loaded here. */
export async function discoverOnnxRuntime(): Promise<DiscoveredEngine> {
  const version = packageVersion('onnxruntime-node')
  const rest = { engine: onnxruntime.id, settings: {}, env: {}, warnings: [] }
  if (version === undefined)
    return { ...rest, devices: [], problem: 'the package onnxruntime-node is not installed' }
  const title = cpus()[0]?.model.trim() || 'CPU'
  return { ...rest, version, devices: [{ engine: onnxruntime.id, name: 'cpu', kind: 'cpu', title }] }
}
