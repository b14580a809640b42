/** Bodies and queries of Tandem's own routes. */
import { z } from 'zod'
import { modelName } from '../fields.ts'

const MAX_QUERY_CHARACTERS = 32_768
const MAX_PATH_CHARACTERS = 4_096
/** As many as a search gives. */
const MAX_RESULTS = 100

const noNul = (text: string) => !text.includes('\0')
const path = z
  .string()
  .min(1, 'must not be empty')
  .max(MAX_PATH_CHARACTERS, `has more than ${MAX_PATH_CHARACTERS} characters`)
  .refine(noNul, 'must not hold a NUL character')

const projectName = z.string().min(1, 'must not be empty').max(300, 'has more than 300 characters')

export const SearchBody = z.object({
  query: z
    .string()
    .max(MAX_QUERY_CHARACTERS, `has more than ${MAX_QUERY_CHARACTERS} characters`)
    .refine((text) => text.trim() !== '', 'must not be empty'),
  project: projectName.nullish(),
  limit: z.int().min(1).max(MAX_RESULTS).nullish(),
  explain: z.boolean().nullish(),
})

export const ProjectBody = z.object({
  path,
  name: projectName.nullish(),
})

export const ClassifyBody = z.object({
  model: modelName.nullish(),
  /** Checked by hand in `textInputs`: how many there may be is a setting. */
  input: z.unknown().optional(),
  top_k: z.int().min(1).nullish(),
})

export const ProfileBody = z.object({
  model: modelName.nullish(),
  text: z
    .string()
    .min(1, 'must not be empty')
    .max(MAX_QUERY_CHARACTERS, `has more than ${MAX_QUERY_CHARACTERS} characters`)
    .nullish(),
})

export const ExplainQuery = z.object({ path })

const planName = z.string().min(1, 'must not be empty').max(100, 'has more than 100 characters').optional()

export const PlanQuery = z.object({ policy: planName, simulate: planName })
