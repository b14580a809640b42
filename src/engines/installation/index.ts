/** What installing an engine takes, whichever it is: one at a time, unpacked within bounds, in its place at once or not at all. */
export { counted } from './counted.ts'
export { removeLeftovers, takePlace, workFolder } from './leftovers.ts'
export { takeLock } from './lock.ts'
export { checkReceipt, Files, type UnpackedFiles, writeReceipt } from './receipt.ts'
export { ARCHIVE_KINDS, type ArchiveKind, unpackArchive } from './unpack.ts'
export { openZip, type Zip } from './zip.ts'
