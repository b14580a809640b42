/** OpenVINO for tests: the global setup puts it into the checkout's cache, or says why it could not. */
import { dirname } from 'node:path'
import { describe } from 'vitest'

/** Absolute path of libopenvino_c; undefined where the suite cannot run (never in CI: there the run fails). */
export const openVinoLibrary: string | undefined = process.env['TANDEM_TEST_OPENVINO'] || undefined

/** `openvino.folder` of a server that shall use it. */
export const openVinoFolder = dirname(openVinoLibrary ?? '')

/** Like `describe`; without OpenVINO its tests count as skipped and the name says why. */
export function describeOpenVino(name: string, fn: () => void): void {
  if (openVinoLibrary !== undefined) describe(name, fn)
  else describe.skip(`${name} (without OpenVINO: ${process.env['TANDEM_TEST_OPENVINO_MISSING']})`, fn)
}
