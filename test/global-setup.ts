import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Worker processes and threads are started from the build, so tests build first. */
export default function setup(): void {
  execFileSync(process.execPath, [fileURLToPath(new URL('../bin/build.js', import.meta.url))], {
    stdio: 'inherit',
  })
}
