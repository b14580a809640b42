import { type Failure, failureOf } from '../failure.ts'

interface Rule {
  readonly kind: Failure['kind']
  readonly pattern: RegExp
  readonly say: (found: readonly string[]) => string
}

/** What is more exact comes first: later lines only say that the graph failed. */
const RULES: readonly Rule[] = [
  {
    kind: 'device',
    pattern: /[Dd]evice with "?([\w.]+)"? name is not registered/,
    say: ([device]) => `OpenVINO finds no device ${device}`,
  },
  {
    kind: 'memory',
    pattern:
      /(CL_OUT_OF_(?:RESOURCES|HOST_MEMORY)|CL_MEM_OBJECT_ALLOCATION_FAILURE|ZE_RESULT_ERROR_OUT_OF_\w+|[Ee]xceeded max size of memory[^:]*|std::bad_alloc)/,
    say: ([said]) => `out of memory: ${said}`,
  },
  {
    kind: 'port',
    pattern: /(?:port|bind)[^\n]*(?:already in use|in use)/i,
    say: () => 'its port is taken',
  },
  {
    kind: 'argument',
    pattern: /error parsing options: (.+)/i,
    say: ([why]) => `its arguments do not fit (${why})`,
  },
  {
    kind: 'file',
    pattern: /Failed to open '([^']+)'/,
    say: ([file]) => `${file} cannot be opened`,
  },
  {
    kind: 'other',
    pattern: /Error during \w+ node initialization for models_path: \S+ exception: (.+)/,
    say: ([why]) => `it cannot load the model: ${why}`,
  },
]

/** Time, process, part, level and source, as its log has them. */
const PREFIX = /^(\[[^\]]*\])+\s*/

/**
 * Why an ovms did not start or load, from what it printed. Pure.
 * @param how it ended, or that it did not load
 */
export function ovmsFailureOf(printed: string, how: string): Failure {
  const lines = printed.split('\n')
  for (const { kind, pattern, say } of RULES) {
    for (const line of lines) {
      const found = pattern.exec(line)
      if (found) return { kind, why: say(found.slice(1)).replace(/\s+/g, ' ').slice(0, 300) }
    }
  }
  const error = lines.find((line) => /^(\[[^\]]*\])*\[error\]/i.test(line))
  const said = error?.replace(PREFIX, '').trim().slice(0, 300)
  return said ? { kind: 'other', why: `${how}: ${said}` } : failureOf(printed, how)
}
