export { claimHome } from './claim-home.ts'
export type { RunningServer, ServeOptions } from './host.ts'
export { processIo } from './io.ts'
export { runCommandLine } from './run.ts'
