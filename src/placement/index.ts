export { makePlan, type PlannerInput } from './planner.ts'
export { shareThreads, type ThreadBudget } from './threads.ts'
