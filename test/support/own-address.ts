import { networkInterfaces } from 'node:os'

/** An address of this machine that is not loopback: what is sent there counts as leaving it; undefined: it has none. */
export const ownAddress = Object.values(networkInterfaces())
  .flat()
  .find((each) => each && !each.internal && each.family === 'IPv4')?.address
