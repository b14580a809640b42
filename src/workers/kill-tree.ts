import { killTreePosix } from './kill-posix.ts'
import { killTreeWindows } from './kill-windows.ts'

/** Ends a worker process and all that it started; fine when they are gone already. */
export const killTree: (pid: number) => void = process.platform === 'win32' ? killTreeWindows : killTreePosix
