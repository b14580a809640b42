export { claimHome } from './claim-home.ts'
export type { CalibrateOptions, RunningServer, ServeOptions } from './host.ts'
export { processIo } from './io.ts'
export { runCommandLine } from './run.ts'
