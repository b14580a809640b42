import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installOpenVino } from '../src/engines/openvino/installation/index.ts'

/** The pinned OpenVINO is kept there, below `openvino/`; git does not see it. */
const CACHE = join(dirname(dirname(fileURLToPath(import.meta.url))), '.cache')

/**
 * Installs OpenVINO for the tests where it is absent, by what `tandem setup openvino` runs.
 * @returns absolute path of libopenvino_c
 */
export async function openVinoForTests(): Promise<string> {
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
