/** Every error that a person or client can meet: one table for HTTP, command line and docs. */

interface ErrorRow {
  /** HTTP status. */
  readonly status: number
  /** OpenAI's `error.type`. */
  readonly type: string
  /** What happened and what is allowed or to be done, one or two sentences. `d` holds the details. */
  readonly say: (d: Details) => string
}

export type Details = Readonly<Record<string, string | number>>

const invalid = 'invalid_request_error'
const server = 'server_error'

export const ERRORS = {
  INVALID_REQUEST: { status: 400, type: invalid, say: (d) => `${d.what}` },
  INVALID_JSON: { status: 400, type: invalid, say: (d) => `the body is not valid JSON: ${d.why}` },
  CONTEXT_LENGTH_EXCEEDED: {
    status: 400,
    type: invalid,
    say: (d) =>
      `this model's window is ${d.limit} tokens, the prompt has ${d.tokens}; shorten the messages or use a model with a larger window`,
  },
  MODEL_CANNOT: {
    status: 400,
    type: invalid,
    say: (d) => `the model "${d.model}" cannot ${d.what} on ${d.engine}: ${d.why}`,
  },
  IMAGES_UNSUPPORTED: {
    status: 400,
    type: invalid,
    say: (d) =>
      `the model "${d.model}" reads text only${d.engine ? ` on ${d.engine}` : ''}${d.able === undefined ? '' : d.able ? `; these here read images: ${d.able}` : '; no model here reads images'}`,
  },
  UNAUTHORIZED: {
    status: 401,
    type: 'authentication_error',
    say: () => 'wrong or missing API key; send the configured key as `Authorization: Bearer KEY`',
  },
  FORBIDDEN_HOST: {
    status: 403,
    type: 'permission_error',
    say: (d) =>
      `the Host "${d.host}" is not this server's; allowed: ${d.allowed} (config server.allowedHosts)`,
  },
  FORBIDDEN_ORIGIN: {
    status: 403,
    type: 'permission_error',
    say: (d) => `pages of the origin "${d.origin}" may not call this server (config server.allowedOrigins)`,
  },
  NOT_FOUND: { status: 404, type: invalid, say: (d) => `there is no ${d.what}` },
  MODEL_NOT_FOUND: {
    status: 404,
    type: invalid,
    say: (d) =>
      `there is no model "${d.model}"${d.nearest ? `; did you mean ${d.nearest}?` : ''}${d.hint ? `; ${d.hint}` : ''}`,
  },
  NO_MODEL_FOR_TASK: {
    status: 404,
    type: invalid,
    say: (d) =>
      `no model here does ${d.task}; get one with \`tandem pull${d.example ? ` ${d.example}` : ''}\`, or name one that is here as models.${d.task}`,
  },
  PROJECT_NOT_FOUND: {
    status: 404,
    type: invalid,
    say: (d) =>
      `there is no project "${d.project}"${d.known ? `; known: ${d.known}` : ''}; index one with \`tandem index PATH\``,
  },
  PROJECT_AMBIGUOUS: {
    status: 400,
    type: invalid,
    say: (d) => `several projects are indexed; name one of: ${d.known}`,
  },
  NO_PROJECT: {
    status: 400,
    type: invalid,
    say: () => 'no project is indexed; index one with `tandem index PATH`',
  },
  PATH_NOT_FOUND: {
    status: 400,
    type: invalid,
    say: (d) => `${d.path}: ${d.why}; give a folder that exists`,
  },
  METHOD_NOT_ALLOWED: { status: 405, type: invalid, say: (d) => `${d.path} takes ${d.allowed}` },
  REQUEST_TIMEOUT: {
    status: 408,
    type: invalid,
    say: (d) => `the request did not arrive completely within ${d.ms} ms`,
  },
  CONFLICT: { status: 409, type: invalid, say: (d) => `${d.what}` },
  VECTOR_MISMATCH: {
    status: 409,
    type: invalid,
    say: (d) =>
      `${d.engine}: its vectors differ from those that ${d.madeBy} made (cosine ${d.cosine}, 0.99 needed), so it may not serve this model; indexes are unchanged. References: ${d.file}`,
  },
  BODY_TOO_LARGE: {
    status: 413,
    type: invalid,
    say: (d) => `the body has more than ${d.limit} bytes (config server.maxBodyBytes)`,
  },
  BATCH_TOO_LARGE: {
    status: 413,
    type: invalid,
    say: (d) => `${d.count} inputs; at most ${d.limit} in one request (config server.maxInputs)`,
  },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, type: invalid, say: () => 'send the body as application/json' },
  HEADERS_TOO_LARGE: {
    status: 431,
    type: invalid,
    say: () => 'the address and headers have more than 16384 bytes',
  },
  QUEUE_FULL: {
    status: 429,
    type: 'rate_limit_error',
    say: (d) => `${d.device}: ${d.waiting} waiting; retry later or raise queue.maxWaiting`,
  },
  ENGINE_FAILED: { status: 500, type: server, say: (d) => `${d.engine} failed: ${d.why}` },
  INTERNAL: { status: 500, type: server, say: (d) => `Tandem failed: ${d.why}` },
  WORKER_LOST: {
    status: 502,
    type: server,
    say: (d) => `${d.worker} stopped while it answered (${d.why}); it is being restarted`,
  },
  CANNOT_CONTINUE: {
    status: 502,
    type: server,
    say: (d) => `${d.engine} cannot go on with the answer that another worker began: ${d.why}`,
  },
  STARTING: { status: 503, type: server, say: (d) => `${d.what} is still starting; retry shortly` },
  SHUTTING_DOWN: { status: 503, type: server, say: () => 'the server is shutting down' },
  TASK_UNSERVED: {
    status: 503,
    type: server,
    say: (d) => `nothing in the plan serves ${d.task}; see \`tandem plan\``,
  },
  DEADLINE: {
    status: 504,
    type: server,
    say: (d) => `no answer within ${d.ms} ms (config queue.maxWaitMs)${d.away ? `; ${d.away}` : ''}`,
  },
  SLOW_READER: {
    status: 500,
    type: server,
    say: (d) => `the answer was ended: more than ${d.limit} bytes of it waited to be read`,
  },
  CANCELLED: { status: 499, type: invalid, say: () => 'the client went away' },
  CONFIG_INVALID: { status: 500, type: server, say: (d) => `${d.where}: ${d.what}` },
  PORT_TAKEN: {
    status: 500,
    type: server,
    say: (d) => `port ${d.port} on ${d.host} is taken${d.by ? ` by ${d.by}` : ''}; use another with --port`,
  },
  ALREADY_RUNNING: {
    status: 500,
    type: server,
    say: (d) =>
      `a Tandem server runs already at ${d.url} (process ${d.pid}); stop it or use another TANDEM_HOME`,
  },
  OPENVINO_MISSING: {
    status: 503,
    type: server,
    say: (d) => `no OpenVINO can be used: ${d.why}; \`tandem setup openvino\` finds or installs it`,
  },
  ENGINE_SETUP: {
    status: 500,
    type: server,
    say: (d) => `installing ${d.engine} failed: ${d.why}; ${d.todo}`,
  },
  ENGINE_LIBRARY_BAD: {
    status: 500,
    type: server,
    say: (d) =>
      `${d.file} cannot be used as ${d.engine}: ${d.why}; install one with \`tandem setup openvino\``,
  },
  DEVICE_NOT_FOUND: {
    status: 500,
    type: server,
    say: (d) => `${d.engine} finds no device ${d.device} here${d.known ? `; there is ${d.known}` : ''}`,
  },
  DRIVER_MISSING: {
    status: 500,
    type: server,
    say: (d) => `${d.device}: its driver is missing or too old (${d.why}); see \`tandem doctor\``,
  },
  DEVICE_OUT_OF_MEMORY: {
    status: 500,
    type: server,
    say: (d) =>
      `${d.device}: not enough memory for ${d.model}${d.why ? ` (${d.why})` : ''}; use a smaller model or another device`,
  },
  MODEL_UNSUPPORTED: {
    status: 500,
    type: server,
    say: (d) => `${d.engine} cannot run ${d.model} on ${d.device}: ${d.why}`,
  },
  MODEL_UNSERVABLE: { status: 422, type: invalid, say: (d) => `${d.where}: ${d.what}` },
  MODEL_GATED: {
    status: 403,
    type: 'permission_error',
    say: (d) =>
      `${d.repository} is gated: accept its license at ${d.page}, then give a token (config hub.token, or the variable HF_TOKEN)`,
  },
  HUB_TOKEN_REFUSED: {
    status: 401,
    type: 'authentication_error',
    say: (d) => `${d.hub} does not accept the token (config hub.token, or the variable HF_TOKEN)`,
  },
  HUB_NOT_FOUND: {
    status: 404,
    type: invalid,
    say: (d) =>
      `${d.hub} has no ${d.what}, or shows it to its owner's token only${d.nearest ? `; did you mean ${d.nearest}?` : ''}`,
  },
  HUB_REFUSED: {
    status: 502,
    type: server,
    say: (d) => `${d.hub} failed at ${d.what}: ${d.why}; what was fetched is kept, run it again to continue`,
  },
  HUB_UNREACHABLE: {
    status: 503,
    type: server,
    say: (d) =>
      `cannot reach the model hub ${d.hub} (${d.why}); what was fetched is kept. Set hub.url to a hub that this machine reaches, or copy a model's folder here and name its path in tandem.yaml${d.proxy}`,
  },
  DOWNLOAD_BAD: { status: 502, type: server, say: (d) => `${d.file}: ${d.why}; nothing of it was kept` },
  DISK_FULL: {
    status: 507,
    type: server,
    say: (d) => `${d.folder}: ${d.needed} needed, ${d.free} free; make room, or use another TANDEM_HOME`,
  },
  MODEL_FILE_BAD: { status: 500, type: server, say: (d) => `${d.file}: ${d.why}; fetch the model again` },
} as const satisfies Record<string, ErrorRow>

export type ErrorCode = keyof typeof ERRORS

/** The engine or its device failed, not the request: another placement may do better. */
export const ENGINE_FAULTS: readonly ErrorCode[] = [
  'ENGINE_FAILED',
  'DEVICE_OUT_OF_MEMORY',
  'DRIVER_MISSING',
  'DEVICE_NOT_FOUND',
  'MODEL_UNSUPPORTED',
]

export interface ErrorOptions {
  /** The request field that is wrong, in dotted form. */
  readonly param?: string
  /** Seconds after which a retry makes sense. */
  readonly retryAfterS?: number
  readonly cause?: unknown
}

/** The one error class that crosses rooms; everything else is a bug. */
export class TandemError extends Error {
  override readonly name = 'TandemError'
  readonly status: number
  readonly type: string
  readonly param: string | undefined
  readonly retryAfterS: number | undefined

  constructor(
    readonly code: ErrorCode,
    readonly details: Details = {},
    options: ErrorOptions = {},
  ) {
    const row: ErrorRow = ERRORS[code]
    super(row.say(details), { cause: options.cause })
    this.status = row.status
    this.type = row.type
    this.param = options.param
    this.retryAfterS = options.retryAfterS
  }

  /** Plain data that survives IPC; see `fromWire`. */
  toWire(): WireError {
    const { code, details, param, retryAfterS } = this
    return {
      code,
      details,
      ...(param === undefined ? {} : { param }),
      ...(retryAfterS === undefined ? {} : { retryAfterS }),
    }
  }

  static fromWire({ code, details, ...options }: WireError): TandemError {
    return new TandemError(code, details, options)
  }
}

export interface WireError extends Pick<ErrorOptions, 'param' | 'retryAfterS'> {
  readonly code: ErrorCode
  readonly details: Details
}

/** Wraps whatever was thrown; a TandemError passes unchanged. */
export function asTandemError(
  thrown: unknown,
  code: ErrorCode = 'INTERNAL',
  details: Details = {},
): TandemError {
  if (thrown instanceof TandemError) return thrown
  const why = thrown instanceof Error ? thrown.message : String(thrown)
  return new TandemError(code, { why, ...details }, { cause: thrown })
}
