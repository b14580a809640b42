import type { ServiceHome } from './service.ts'

/** Of a service that has its process, or its thread, for itself: that ends with it. */
export const ownHome: ServiceHome = {
  output: (line) => process.stderr.write(`${line}\n`),
  stopped: () => process.exit(0),
  // to those who wait for the worker it is lost, as one whose process crashed
  lost: (why, killed) => {
    ownHome.output(why)
    // the parent can tell a person from a lack of memory by it
    if (killed) process.kill(process.pid, 'SIGKILL')
    process.exit(1)
  },
}
