export { commonBeginning, SlotPool } from './slots.ts'
