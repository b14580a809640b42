/** Installing release builds of llama.cpp; plain Node, loads nothing native. */
export { BACKENDS, type Backend } from './builds.ts'
export { findsGpu } from './gpu.ts'
export { installLlamaCpp } from './install.ts'
export type { InstallOutcome } from './request.ts'
