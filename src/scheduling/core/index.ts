export { positionOf } from './admission.ts'
export {
  type Batch,
  type Effect,
  type Ending,
  type Event,
  type Fault,
  initialState,
  type LaneSpec,
  type Limits,
  type State,
} from './state.ts'
export { step } from './step.ts'
