/** Entry of a worker thread: what the process of another worker does, for an engine without native code. */
import { parentPort } from 'node:worker_threads'
import type { ToChild } from '../wire.ts'
import { ownHome } from './own-home.ts'
import { Service } from './service.ts'

const port = parentPort! // this module runs in a thread
const service = new Service((message) => port.postMessage(message), ownHome)
port.on('message', (message: ToChild) => service.heard(message))
