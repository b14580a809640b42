/** Fields that the bodies of several dialects have. */
import { z } from 'zod'

export const modelName = z.string().min(1, 'must not be empty').max(300, 'has more than 300 characters')

/** Of a tool that a model may call. */
export const toolName = z
  .string()
  .regex(/^[\w.-]{1,128}$/, 'expected letters, digits, `_`, `.` or `-`, at most 128')

export const jsonObject = z.record(z.string(), z.unknown())

/** What clients of every dialect may say to Tandem itself. */
export const tandemField = z.object({ project: z.string().min(1).max(300).nullish() }).nullish()
