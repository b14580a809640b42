export {
  asSimulated,
  keepReferences,
  openSimulation,
  type Simulation,
  simulatedCatalogue,
  simulatedShape,
  simulatedWorker,
} from './simulation.ts'
