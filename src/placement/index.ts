export { makePlan } from './planner.ts'
export { shareThreads } from './threads.ts'
