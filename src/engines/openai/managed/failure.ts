/** Why a llama-server did not start, from what it printed. Pure. */

export interface Failure {
  readonly kind: 'memory' | 'architecture' | 'file' | 'device' | 'port' | 'library' | 'argument' | 'other'
  /** One clause for a person. */
  readonly why: string
}

interface Rule {
  readonly kind: Failure['kind']
  readonly pattern: RegExp
  readonly say: (found: readonly string[]) => string
}

const GIB = 1024 ** 3

/** In this order: what is more exact comes first, for later lines only say that loading failed. */
const RULES: readonly Rule[] = [
  {
    kind: 'library',
    pattern:
      /error while loading shared libraries: ([^:\s]+): (.+)|Library not loaded: (\S+)|Error loading shared library ([^:\s]+)/,
    say: ([linux = '', why, mac, musl]) =>
      `the shared library ${linux || (mac ?? musl ?? '')} is missing${why === undefined ? '' : ` (${why})`}`,
  },
  {
    kind: 'device',
    pattern: /error while handling argument "[^"]*": invalid device: (.+)/,
    say: ([device]) => `it knows no device ${device}`,
  },
  {
    kind: 'argument',
    pattern: /error: (?:invalid|unknown) argument: (.+)/,
    say: ([flag]) => `it does not know the argument ${flag}`,
  },
  {
    kind: 'argument',
    pattern: /error while handling argument "([^"]*)": (.+)/,
    say: ([flag, why]) => `its argument ${flag} does not fit (${why})`,
  },
  {
    kind: 'port',
    pattern: /couldn't bind (?:HTTP |to )?server socket,? hostname[:=] ?(\S+?),? port[:=] ?"?(\d+)/,
    say: ([host, port]) => `the port ${port} of ${host} is taken`,
  },
  {
    kind: 'memory',
    pattern: /failed to allocate (\S+) buffer of size (\d+)/,
    say: ([where, bytes]) => `out of memory: ${gib(Number(bytes))} could not be allocated on ${where}`,
  },
  {
    kind: 'memory',
    pattern: /memory allocation of size (\d+) failed/,
    say: ([bytes]) => `out of memory: ${gib(Number(bytes))} could not be allocated`,
  },
  {
    kind: 'memory',
    pattern: /allocating ([\d.]+) MiB on device (\d+): cudaMalloc failed/,
    say: ([mib, device]) =>
      `out of memory: ${gib(Number(mib) * 1024 ** 2)} could not be allocated on device ${device}`,
  },
  {
    kind: 'memory',
    pattern: /insufficient memory \(attempted to allocate ([\d.]+) MB\)/,
    say: ([mib]) => `out of memory: ${gib(Number(mib) * 1024 ** 2)} could not be allocated`,
  },
  {
    kind: 'memory',
    pattern:
      /(unable to allocate \S+ buffer|failed to allocate (?:buffer for kv cache|compute buffers)|ErrorOutOf(?:Device|Host)Memory|UR_RESULT_ERROR_OUT_OF_\w+|out of memory|std::bad_alloc)/i,
    say: ([said]) => `out of memory: ${said}`,
  },
  {
    // before what says the same of the model itself
    kind: 'other',
    pattern: /failed to load (multimodal|draft) model, '(.+)'/,
    say: ([what, path]) =>
      `it cannot load ${path} as its ${what === 'draft' ? 'draft' : 'projector of images'}`,
  },
  {
    kind: 'architecture',
    pattern: /unknown model architecture: '([^']+)'/,
    say: ([name]) => `it does not know the architecture ${name}; a newer llama-server may`,
  },
  {
    kind: 'architecture',
    pattern: /unknown pre-tokenizer type: '([^']+)'/,
    say: ([name]) => `it does not know the tokenizer ${name}; a newer llama-server may`,
  },
  {
    kind: 'file',
    pattern: /(invalid magic characters)/,
    say: () => 'it is no GGUF file',
  },
  {
    kind: 'file',
    pattern: /(data is not within the file bounds|corrupted or incomplete|failed to read (?:header|tensor))/,
    say: () => 'it is damaged or incomplete',
  },
  {
    kind: 'file',
    pattern: /failed to open GGUF file '.*' \(([^)]+)\)/,
    say: ([why]) => `it cannot be opened: ${why}`,
  },
  {
    kind: 'other',
    pattern: /error loading model: (.+)/,
    say: ([why]) => `it cannot load the model: ${why}`,
  },
]

/**
 * @param log what it printed last
 * @param how it ended: `exit code 1`, `ended by SIGKILL`
 */
export function failureOf(log: string, how: string): Failure {
  const lines = log.split('\n').map((line) => line.replace(PREFIX, '').trim())
  for (const { kind, pattern, say } of RULES) {
    for (const line of lines) {
      const found = pattern.exec(line)
      if (found) return { kind, why: short(say(found.slice(1))) }
    }
  }
  if (/0xC0000135|3221225781/i.test(how))
    return { kind: 'library', why: 'a library (DLL) that it needs is missing' }
  const last = lines.findLast((line) => /error|fail|assert|abort|exception|terminate/i.test(line))
  return { kind: 'other', why: short(last === undefined ? how : `${how}: ${last}`) }
}

/** Time and level, which recent builds put before each line. */
const PREFIX = /^\d+\.\d+\.\d+\.\d+ [A-Z] /

function gib(bytes: number): string {
  return `${(bytes / GIB).toFixed(1)} GiB`
}

function short(text: string): string {
  return text.replace(/\s+/g, ' ').slice(0, 300)
}
