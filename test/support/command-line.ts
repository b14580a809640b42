/** Options of a command, read by their schema. */
import { parseArgs } from 'node:util'
import { z } from 'zod'

/**
 * @param schema one entry for each `--option`; those that are boolean take no value
 * @returns the options, or a sentence that says what is wrong with them
 */
export function readOptions<S extends z.ZodObject>(argv: readonly string[], schema: S): z.infer<S> | string {
  const options = Object.fromEntries(
    Object.entries(schema.shape).map(([name, type]) => [
      name,
      { type: isFlag(type) ? ('boolean' as const) : ('string' as const) },
    ]),
  )
  try {
    const { values } = parseArgs({ args: [...argv], options })
    const parsed = schema.safeParse(values)
    if (parsed.success) return parsed.data
    const [issue] = parsed.error.issues
    return `--${issue?.path.join('.')}: ${issue?.message}; see --help`
  } catch (thrown) {
    return `${thrown instanceof Error ? thrown.message : thrown}; see --help`
  }
}

/**
 * A whole command: `--help` prints the text, wrong options are told on stderr.
 * @returns the exit code: 0, 2 for wrong use, or what `work` returns
 */
export async function runCommand<S extends z.ZodObject<{ help: z.ZodDefault<z.ZodBoolean> }>>(
  argv: readonly string[],
  schema: S,
  help: string,
  work: (options: z.infer<S>) => Promise<number>,
): Promise<number> {
  const options = readOptions(argv, schema)
  if (typeof options === 'string') {
    process.stderr.write(`${options}\n`)
    return 2
  }
  if (!options.help) return work(options)
  process.stdout.write(help)
  return 0
}

function isFlag(type: unknown): boolean {
  return (type instanceof z.ZodDefault ? type.unwrap() : type) instanceof z.ZodBoolean
}
