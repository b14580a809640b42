/** The server's documents as far as the command line reads them; loose, so that a newer server may add fields. */
import { z } from 'zod'

export const ErrorDocument = z.looseObject({
  error: z.looseObject({ message: z.string(), code: z.string().nullish() }),
})

const Progress = z.looseObject({
  phase: z.enum(['scanning', 'embedding', 'done']),
  filesTotal: z.number(),
  filesDone: z.number(),
  filesSkipped: z.number(),
  chunksPending: z.number(),
  chunksEmbedded: z.number(),
  chunksPerSecond: z.number(),
  remainingS: z.number().optional(),
})

export const ProjectDocument = z.looseObject({
  name: z.string(),
  path: z.string(),
  files: z.number(),
  chunks: z.number(),
  embedded: z.number(),
  state: z.enum(['indexing', 'ready', 'failed', 'missing']),
  error: z.string().optional(),
  progress: Progress.optional(),
})
export type ProjectDocument = z.infer<typeof ProjectDocument>

const Place = z.looseObject({ engine: z.string(), device: z.string() })

const EventDocument = z.looseObject({
  at: z.string(),
  type: z.string(),
  simulated: z.boolean().default(false),
  task: z.string().optional(),
  model: z.string().optional(),
  engine: z.string().optional(),
  device: z.string().optional(),
  state: z.string().optional(),
  error: z.string().optional(),
  retryInMs: z.number().optional(),
  phase: z.string().optional(),
  ms: z.number().optional(),
  expectedMs: z.number().optional(),
  progress: z.number().optional(),
  from: Place.optional(),
  to: Place.optional(),
  why: z.string().optional(),
  count: z.number().optional(),
  atToken: z.number().optional(),
})
export type EventDocument = z.infer<typeof EventDocument>

export const StatusDocument = z.looseObject({
  workers: z.array(
    z.looseObject({
      id: z.string(),
      task: z.string(),
      model: z.string(),
      engine: z.string(),
      device: z.string(),
      simulated: z.boolean().default(false),
      pid: z.number().optional(),
      state: z.string(),
      loading: z.looseObject({ ms: z.number(), progress: z.number().optional() }).optional(),
      queued: z.number(),
      running: z.number(),
      error: z.string().optional(),
      threads: z.number().optional(),
      loaded: z.boolean().optional(),
      restarts: z.number().default(0),
      retryInMs: z.number().optional(),
      lastError: z.looseObject({ message: z.string(), at: z.string() }).optional(),
    }),
  ),
  projects: z.array(ProjectDocument),
  events: z.array(EventDocument).optional(),
})
export type StatusDocument = z.infer<typeof StatusDocument>

export const RefreshDocument = z.looseObject({
  added: z.array(z.string()),
  removed: z.array(z.string()),
  /** Ids of all that are served. */
  models: z.array(z.string()),
})

export const ProfileDocument = z.looseObject({
  model: z.string(),
  engine: z.string(),
  device: z.string(),
  ms: z.number(),
  devices: z.array(
    z.looseObject({ device: z.string(), layers: z.number(), ms: z.number(), share: z.number() }),
  ),
  layers: z.array(
    z.looseObject({
      name: z.string(),
      type: z.string(),
      device: z.string(),
      ms: z.number(),
      share: z.number(),
    }),
  ),
})
export type ProfileDocument = z.infer<typeof ProfileDocument>

export const DevicesDocument = z.looseObject({
  devices: z.array(
    z.looseObject({
      id: z.string(),
      kind: z.string(),
      name: z.string(),
      memoryBytes: z.number().optional(),
      engines: z.record(z.string(), z.string()),
      simulated: z.boolean(),
      freeBytes: z.number().optional(),
      sharedMemory: z.boolean().optional(),
      driver: z.string().optional(),
      software: z.boolean().optional(),
      problems: z.array(z.string()).optional(),
      load: z
        .looseObject({
          busy: z.number().optional(),
          usedBytes: z.number().optional(),
          mhz: z.number().optional(),
          watts: z.number().optional(),
        })
        .optional(),
    }),
  ),
})
export type DevicesDocument = z.infer<typeof DevicesDocument>

const Planned = z.looseObject({
  model: z.string(),
  engine: z.string(),
  device: z.string(),
  role: z.string(),
  use: z.string().optional(),
  threads: z.number().optional(),
  reasons: z.array(z.string()),
  swapsWith: z.array(z.string()).optional(),
  insteadOf: z.looseObject({ engine: z.string(), device: z.string(), reason: z.string() }).optional(),
})

export const PlanDocument = z.looseObject({
  policy: z.string(),
  simulated: z.boolean(),
  tasks: z.record(z.string(), z.array(Planned)),
  rejected: z.array(
    z.looseObject({
      task: z.string(),
      model: z.string(),
      engine: z.string(),
      device: z.string(),
      reason: z.string(),
    }),
  ),
})
export type PlanDocument = z.infer<typeof PlanDocument>

/** OpenAI's list; what Tandem knows of a model besides stands under `tandem`. */
export const ModelsDocument = z.looseObject({
  data: z.array(
    z.looseObject({
      id: z.string(),
      tandem: z
        .looseObject({
          title: z.string().optional(),
          tasks: z.array(z.string()).optional(),
          contextTokens: z.number().optional(),
          dimensions: z.number().optional(),
          project: z.string().optional(),
          servers: z.array(z.looseObject({ name: z.string(), loaded: z.boolean().optional() })).optional(),
        })
        .optional(),
    }),
  ),
})
export type ModelsDocument = z.infer<typeof ModelsDocument>

const Arms = z.looseObject({
  vector: z.number().optional(),
  lexical: z.number().optional(),
  trigram: z.number().optional(),
  adjustments: z.array(z.looseObject({ name: z.string(), value: z.number() })).default([]),
})

export const SearchDocument = z.looseObject({
  results: z.array(
    z.looseObject({
      path: z.string(),
      startLine: z.number(),
      endLine: z.number(),
      score: z.number(),
      symbol: z.string().optional(),
      language: z.string(),
      text: z.string(),
      arms: Arms.optional(),
    }),
  ),
})
export type SearchResult = z.infer<typeof SearchDocument>['results'][number]

export const ExplanationDocument = z.looseObject({
  path: z.string(),
  indexed: z.boolean(),
  reason: z.string(),
  chunks: z.number().optional(),
})

export const EmbeddingsDocument = z.looseObject({
  model: z.string(),
  data: z.array(z.looseObject({ index: z.number(), embedding: z.array(z.number()) })),
  tandem: z
    .looseObject({ fingerprint: z.string().optional(), truncated_inputs: z.array(z.number()).optional() })
    .optional(),
})

export const RerankDocument = z.looseObject({
  model: z.string(),
  results: z.array(z.looseObject({ index: z.number(), relevance_score: z.number() })),
  tandem: z.looseObject({ truncated_documents: z.array(z.number()).optional() }).optional(),
})

export const ClassifyDocument = z.looseObject({
  model: z.string(),
  results: z.array(
    z.looseObject({
      index: z.number(),
      labels: z.array(z.looseObject({ label: z.string(), score: z.number() })),
    }),
  ),
  truncated_inputs: z.array(z.number()).default([]),
})

const Citation = z.looseObject({
  path: z.string(),
  startLine: z.number(),
  endLine: z.number(),
  score: z.number(),
})
export type Citation = z.infer<typeof Citation>

export const ChatChunk = z.looseObject({
  choices: z
    .array(
      z.looseObject({
        delta: z.looseObject({ content: z.string().nullish() }).optional(),
        finish_reason: z.string().nullish(),
      }),
    )
    .default([]),
  tandem: z.looseObject({ citations: z.array(Citation).optional() }).optional(),
  error: z.looseObject({ message: z.string(), code: z.string().nullish() }).optional(),
})
export type ChatChunk = z.infer<typeof ChatChunk>
