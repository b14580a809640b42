import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installOpenVino } from '../src/engines/openvino/installation/index.ts'

/** The pinned OpenVINO is kept there, below `openvino/`; git does not see it. */
const CACHE = join(dirname(dirname(fileURLToPath(import.meta.url))), '.cache')

/**
 * The library that TANDEM_TEST_OPENVINO names; else OpenVINO is installed where it is absent, by what
 * `tandem setup openvino` runs. Runs at the same time wait for each other: one downloads.
 * @returns absolute path of libopenvino_c
 * @throws Error when that file is absent, TandemError when it cannot be installed
 */
export async function openVinoForTests(): Promise<string> {
  const given = process.env['TANDEM_TEST_OPENVINO']
  if (given) {
    if (!existsSync(given)) throw new Error(`TANDEM_TEST_OPENVINO names ${given}, which does not exist`)
    return given
  }
  let said = ''
  const { library } = await installOpenVino({
    home: CACHE,
    env: process.env,
    signal: new AbortController().signal, // Ctrl-C ends the run and pip with it
    onProgress: ({ phase }) => {
      if (phase !== said) console.error(`OpenVINO for the tests: ${phase} ...`)
      said = phase
    },
  })
  return library
}
