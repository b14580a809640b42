export { claimHome } from './claim-home.ts'
export type { CommandHost, RunningServer, ServeOptions } from './host.ts'
export { type Io, processIo } from './io.ts'
export { runCommandLine } from './run.ts'
