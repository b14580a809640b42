export { type FitRequest, fit } from './fit/index.ts'
export { engineDevice, type Pin, parsePin, usesCpu } from './pin.ts'
export { makePlan } from './planner.ts'
export { shareThreads } from './threads.ts'
