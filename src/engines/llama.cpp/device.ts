import { getLlama, type Llama, type LlamaGpuType, LlamaLogLevel, NoBinaryFoundError } from 'node-llama-cpp'
import { TandemError } from '../../domain/index.ts'

const GPU_TYPES: readonly Exclude<LlamaGpuType, false>[] = ['vulkan', 'cuda', 'metal']

/**
 * Opens llama.cpp's prebuilt library for a device; never downloads or compiles. Which GPU of several is meant must
 * be set in the environment before the process starts (`GGML_VK_VISIBLE_DEVICES`).
 * @param device `cpu`, or llama.cpp's name of a GPU: `Vulkan0`, `CUDA0`, `Metal`
 * @param threads most compute threads, at least 1
 * @param log receives llama.cpp's lines, warnings and errors only
 * @throws TandemError ENGINE_FAILED when the device is not there: no other device takes its place
 */
export async function openLlama(
  device: string,
  threads: number,
  log: (line: string, isError: boolean) => void,
): Promise<Llama> {
  const gpu = gpuTypeOf(device)
  let llama: Llama
  try {
    llama = await getLlama({
      gpu,
      build: 'never',
      skipDownload: true,
      usePrebuiltBinaries: true,
      progressLogs: false,
      maxThreads: threads,
      logLevel: LlamaLogLevel.warn,
      logger: (level, message) =>
        log(message.trim(), level === LlamaLogLevel.error || level === LlamaLogLevel.fatal),
    })
  } catch (thrown) {
    const noBinary = thrown instanceof NoBinaryFoundError
    throw missing(
      device,
      noBinary ? `no library or driver for ${gpu || 'it'} is installed` : firstSentence(thrown),
      thrown,
    )
  }
  const found = gpu === false ? [] : await llama.getGpuDeviceNames()
  if (llama.gpu !== gpu || (gpu !== false && found.length === 0)) {
    await llama.dispose()
    throw missing(device, 'llama.cpp reports no such device')
  }
  return llama
}

/** The first sentence of whatever was thrown, for a person. */
export function firstSentence(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message : String(thrown)
  return (text.split(/\n|(?<=\.)\s/)[0] ?? '').replace(/\.$/, '').slice(0, 300)
}

export function isCpu(device: string): boolean {
  return device.toLowerCase() === 'cpu'
}

function gpuTypeOf(device: string): LlamaGpuType {
  if (isCpu(device)) return false
  const type = GPU_TYPES.find((name) => new RegExp(`^${name}\\d*$`, 'i').test(device))
  if (type === undefined)
    throw missing(device, `the name is unknown; known are cpu, ${GPU_TYPES.join(', ')} with a number`)
  return type
}

function missing(device: string, why: string, cause?: unknown): TandemError {
  return new TandemError('ENGINE_FAILED', { engine: 'llama.cpp', why: `device ${device}: ${why}` }, { cause })
}
