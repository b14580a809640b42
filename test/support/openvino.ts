/** OpenVINO for tests: the global setup puts it into the checkout's cache, or says why it could not. */
import { dirname } from 'node:path'
import { describeWith, foundForTests } from './needs.ts'

/** Absolute path of libopenvino_c; undefined where the suite cannot run. */
export const openVinoLibrary = foundForTests('OPENVINO')

/** `openvino.folder` of a server that shall use it. */
export const openVinoFolder = dirname(openVinoLibrary ?? '')

export const describeOpenVino = describeWith('OPENVINO', 'OpenVINO')
