/** The seed's `context` field of a chat: what `/embed` returned for the question. */
import type { HttpDeps } from './deps.ts'
import { modelForTask } from './model-names.ts'
import { refuse } from './validate.ts'

const FIELD = 'context'
const FORMS = 'expected what /embed returns for one text: [[0.1, ...]], or the vector alone'

/**
 * @param value `[[...]]` with one vector, or the vector itself
 * @returns the vector, unit length
 * @throws TandemError INVALID_REQUEST naming the element, or the dimensions that are expected; NO_MODEL_FOR_TASK
 */
export function contextVector(
  deps: Pick<HttpDeps, 'models' | 'config' | 'plan'>,
  value: unknown,
): Float32Array {
  const { numbers, param } = onlyRow(value)
  const expected = modelForTask(deps, 'embed').embedding?.dimensions
  if (expected !== undefined && numbers.length !== expected)
    refuse(
      param,
      `has ${numbers.length} dimensions; the index's vectors have ${expected}, as those of /embed have`,
    )
  const wrong = numbers.findIndex((each) => typeof each !== 'number' || !Number.isFinite(each))
  if (wrong !== -1) refuse(`${param}.${wrong}`, 'expected a finite number')
  return unitLength(numbers as readonly number[], param)
}

function onlyRow(value: unknown): { numbers: readonly unknown[]; param: string } {
  if (!Array.isArray(value) || value.length === 0) refuse(FIELD, FORMS)
  const rows = value as readonly unknown[]
  if (!Array.isArray(rows[0])) return { numbers: rows, param: FIELD }
  if (rows.length > 1) refuse(FIELD, `holds ${rows.length} vectors; ${FORMS}`)
  return { numbers: rows[0] as readonly unknown[], param: `${FIELD}.0` }
}

function unitLength(numbers: readonly number[], param: string): Float32Array {
  const norm = Math.hypot(...numbers)
  if (norm === 0) refuse(param, 'holds only zeros, which are near to nothing')
  if (!Number.isFinite(norm)) refuse(param, 'holds numbers that are too large')
  return Float32Array.from(numbers, (each) => each / norm)
}
