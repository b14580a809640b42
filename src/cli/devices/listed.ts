import type { DevicesDocument } from '../client/documents.ts'

/** A device as the server lists it. */
export type ListedDevice = DevicesDocument['devices'][number]
