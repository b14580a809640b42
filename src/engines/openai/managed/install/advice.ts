import { join } from 'node:path'
import { TandemError } from '../../../../domain/index.ts'
import { buildsFolder } from '../builds-folder.ts'
import { type Backend, type Machine, readBuild, usualName } from './builds.ts'

const PAGE = 'https://github.com/ggml-org/llama.cpp/releases'

export function setupError(why: string, todo: string, cause?: unknown): TandemError {
  return new TandemError('ENGINE_SETUP', { engine: 'llama.cpp', why, todo }, { cause })
}

export function invalid(what: string): TandemError {
  return new TandemError('INVALID_REQUEST', { what })
}

/** How a build comes here without Tandem: which file, from which page, into which folder. */
export function byHand(
  home: string,
  machine: Machine,
  backend: Backend,
  { name, tag = 'TAG' }: { readonly name?: string; readonly tag?: string | undefined },
): string {
  const file = name ?? usualName(tag, machine, backend)
  const folder = join(buildsFolder(home), `${(name && readBuild(name)?.tag) ?? tag}-${backend}`)
  const which = name === undefined && tag === 'TAG' ? ' (TAG is that of the release)' : ''
  return `by hand: fetch ${file}${which} from ${PAGE}, then \`tandem setup llama.cpp --archive FILE\`, or unpack it into ${folder}`
}

/** What a build needs of the system, said when it does not run or sees no device. */
const NEEDS: Readonly<Record<Backend, (version: string) => string>> = {
  cpu: () => 'another release may run: --release TAG',
  metal: () => 'it needs macOS on Apple silicon; another release may run: --release TAG',
  vulkan: () =>
    "it needs the Vulkan loader (Debian: libvulkan1) and the GPU's driver with Vulkan; `--backend cpu` needs neither",
  sycl: () =>
    "it needs the GPU's driver with Level Zero and, on Linux, Intel's oneAPI runtime in the version that it was built with: run its setvars.sh first",
  openvino: (version) =>
    `it needs the libraries of OpenVINO ${version || 'in the version that it was built with'}: run the setupvars script of that archive first`,
}

/** @param archive its name may tell the version of a library */
export function needsOf(backend: Backend, archive = ''): string {
  return NEEDS[backend](readBuild(archive)?.variant ?? '')
}
