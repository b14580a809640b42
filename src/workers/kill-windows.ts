import { spawn } from 'node:child_process'

/** Windows has no process groups to kill: `taskkill` walks the tree. */
export function killTreeWindows(pid: number): void {
  const taskkill = spawn('taskkill', ['/PID', String(pid), '/T', '/F'], {
    stdio: 'ignore',
    windowsHide: true,
  })
  taskkill.once('error', () => process.kill(pid, 'SIGKILL')) // no taskkill on this system: the process alone
}
