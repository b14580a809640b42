/**
 * A process of its own that opens an OpenVINO library and tells what it sees, for a driver may crash it:
 * `node probe.js LIBRARY` prints a `ProbeReport`, `node probe.js LIBRARY --functions` `{"missing": [...]}`. Exit code 0.
 */
import { type ProbeReport, probeDevices } from './devices.ts'
import { Core } from './native/core.ts'
import { missingFunctions, openLibrary } from './native/library.ts'

function report(path: string): ProbeReport {
  try {
    const library = openLibrary(path)
    return probeDevices(library, new Core(library))
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return { devices: [], plugins: [], problems: [{ message }] }
  }
}

const [path, mode] = process.argv.slice(2)
if (!path) throw new Error('give the path of libopenvino_c')
const answer = mode === '--functions' ? { missing: missingFunctions(path) } : report(path)
process.stdout.write(`${JSON.stringify(answer)}\n`, () => process.exit(0))
