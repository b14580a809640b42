// Writes measurements, a line on stdout for each; started as a process by the tests.
import { MeasurementStore } from '../../../dist/calibration/index.js'

const { home, candidate, context, figure, rows } = JSON.parse(process.argv[2])
const store = new MeasurementStore(home, { onWarning: (sentence) => process.stdout.write(`${sentence}\n`) })
for (let row = 1; row <= rows; row++) {
  store.put(candidate, { ...context, powerProfile: `${process.pid} ${row}` }, figure)
  process.stdout.write(`${row}\n`)
}
store.close()
