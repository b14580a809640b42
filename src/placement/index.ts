export { engineDevice, type Pin, parsePin } from './pin.ts'
export { makePlan } from './planner.ts'
export { shareThreads } from './threads.ts'
