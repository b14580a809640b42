export {
  type Batch,
  type Effect,
  type Ending,
  type Event,
  type Fault,
  initialState,
  type Limits,
  type State,
} from './state.ts'
export { step } from './step.ts'
