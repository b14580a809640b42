// The pinned OpenVINO in the checkout's cache, put there by the product's own setup.
import { dirname, join } from 'node:path'
import { PACKAGE_ROOT } from '../../dist/config/index.js'
import { installOpenVino } from '../../dist/engines/openvino/installation/index.js'

let installing

async function install() {
  installing ??= installOpenVino({
    home: join(PACKAGE_ROOT, '.cache'),
    env: process.env,
    signal: new AbortController().signal,
    onProgress: () => {},
  })
  return (await installing).library
}

/** Absolute path of libopenvino_c. */
export const openVinoLibrary = install

/** The folder that holds it, as `openvino.folder` takes it. */
export async function openVinoFolder() {
  return dirname(await install())
}
