import { z } from 'zod'
import { MODEL_FORMATS, TASKS, TandemError } from '../domain/index.ts'

/** The manifest's name in a model's folder. */
export const MANIFEST_FILE = 'tandem.model.json'

/** A path inside a model's folder, safe to write on every system. */
export const relativePath = z
  .string()
  .regex(
    /^(?!.*(^|\/)\.{1,2}(\/|$))[^/\\:\0][^\\:\0]*$/,
    'a path inside the model folder with forward slashes, e.g. onnx/model.onnx',
  )

const file = z.strictObject({
  path: relativePath,
  sizeBytes: z.int().min(1),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, '64 lower-case hexadecimal digits'),
})

const text = z.strictObject({
  splitCamelCase: z.boolean(),
  maxWordLength: z.int().min(1).exactOptional(),
  queryPrefix: z.string().default(''),
  passagePrefix: z.string().default(''),
})

const embedding = z.strictObject({
  pooling: z.enum(['mean', 'cls', 'last']),
  normalize: z.boolean(),
  dimensions: z.int().min(1).max(65_536),
  shorterDimensions: z.array(z.int().min(1)).default([]),
  text,
})

const chat = z.strictObject({
  groundedOnly: z.boolean(),
  maxPassageTokens: z.int().min(1).exactOptional(),
  maxPassages: z.int().min(1).exactOptional(),
  minScoreShare: z.number().min(0).max(1).exactOptional(),
  temperature: z.number().min(0).max(2).exactOptional(),
  maxTokens: z.int().min(1).exactOptional(),
})

const shape = z.strictObject({
  id: z
    .string()
    .max(200)
    .regex(/^[A-Za-z0-9][\w.:/-]*$/, 'letters, digits and . _ - : / only, a letter or digit first'),
  title: z.string().min(1),
  revision: z.string().min(1),
  license: z.string().min(1),
  tasks: z.array(z.enum(TASKS)).min(1),
  parameters: z.int().min(1),
  contextTokens: z.int().min(1),
  files: z.partialRecord(z.enum(MODEL_FORMATS), z.array(file).min(1)),
  embedding: embedding.exactOptional(),
  chat: chat.exactOptional(),
  rerank: z.strictObject({ activation: z.enum(['sigmoid', 'none']) }).exactOptional(),
  classify: z
    .strictObject({ labels: z.array(z.string().min(1)).min(1), multiLabel: z.boolean() })
    .exactOptional(),
})

const ENCODER_FORMATS = ['onnx', 'openvino-ir'] as const

/** What a `tandem.model.json` holds; each format lists every file that it needs, its main file first. */
export const Manifest = shape.superRefine((manifest, context) => {
  const wrong = (path: PropertyKey[], message: string): void =>
    context.addIssue({ code: 'custom', path, message })
  if (Object.keys(manifest.files).length === 0)
    wrong(['files'], `at least one of ${MODEL_FORMATS.join(', ')}`)
  for (const task of manifest.tasks) {
    const traits = task === 'embed' ? 'embedding' : task
    if (!manifest[traits]) wrong([traits], `required, because tasks has "${task}"`)
  }
  for (const dimensions of manifest.embedding?.shorterDimensions ?? []) {
    if (dimensions >= (manifest.embedding?.dimensions ?? 0))
      wrong(['embedding', 'shorterDimensions'], 'each less than dimensions')
  }
  const hashes = ENCODER_FORMATS.flatMap((format) => {
    const files = manifest.files[format]
    if (!files) return []
    const tokenizer = files.find((entry) => isTokenizer(entry.path))
    if (!tokenizer) wrong(['files', format], 'must list a tokenizer.json')
    return tokenizer ? [tokenizer.sha256] : []
  })
  if (new Set(hashes).size > 1)
    wrong(['files'], 'every format must use the same tokenizer.json, for their vectors share an index')
})

export type Manifest = z.infer<typeof Manifest>

export function isTokenizer(path: string): boolean {
  return /(^|\/)tokenizer\.json$/.test(path)
}

/**
 * Checks the text of a manifest.
 * @param file named in the error
 * @throws TandemError CONFIG_INVALID with the file, every wrong field and what is allowed there
 */
export function parseManifest(json: string, file: string): Manifest {
  let data: unknown
  try {
    data = JSON.parse(json)
  } catch (error) {
    const what = `not valid JSON: ${error instanceof Error ? error.message : error}`
    throw new TandemError('CONFIG_INVALID', { where: file, what }, { cause: error })
  }
  const parsed = Manifest.safeParse(data)
  if (parsed.success) return parsed.data
  throw new TandemError(
    'CONFIG_INVALID',
    { where: file, what: parsed.error.issues.map(describeIssue).join('; ') },
    { cause: parsed.error },
  )
}

function describeIssue(issue: z.core.$ZodIssue): string {
  const where = issue.path.length > 0 ? `${issue.path.join('.')}: ` : ''
  if (issue.code !== 'unrecognized_keys') return `${where}${issue.message}`
  const allowed = allowedKeys(issue.path)
  return `${where}unknown ${issue.keys.map((key) => `"${key}"`).join(', ')}; allowed: ${allowed.join(', ')}`
}

interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly additionalProperties?: SchemaNode | boolean
  readonly items?: SchemaNode
  readonly propertyNames?: { readonly enum?: readonly string[] }
}

function allowedKeys(path: readonly PropertyKey[]): string[] {
  let node = z.toJSONSchema(shape, { io: 'input' }) as SchemaNode | undefined
  for (const key of path) {
    const other = typeof node?.additionalProperties === 'object' ? node.additionalProperties : undefined
    node = typeof key === 'number' ? node?.items : (node?.properties?.[String(key)] ?? other)
  }
  return [...(node?.propertyNames?.enum ?? Object.keys(node?.properties ?? {}))]
}
