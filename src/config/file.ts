import { readFileSync, statSync } from 'node:fs'
import { isMap, isScalar, LineCounter, type Node, type Pair, parseDocument } from 'yaml'
import { CONFIG_KEYS, CONFIG_SECTIONS, type ConfigKey } from './keys.ts'
import { nearestNames } from './nearest.ts'
import type { Problem } from './problem.ts'

/** A value as it was given, before it is checked. */
export interface Given {
  readonly key: ConfigKey
  readonly value: unknown
  readonly where: string
}

interface FileValues {
  readonly given: readonly Given[]
  readonly problems: readonly Problem[]
}

const MAX_FILE_BYTES = 1024 * 1024

/** Why a file cannot be read, in words. */
function readProblem(file: string, thrown: unknown): Problem {
  const code = (thrown as NodeJS.ErrnoException).code
  const what =
    code === 'ENOENT'
      ? 'no such file'
      : code === 'EISDIR'
        ? 'is a folder; give the file'
        : code === 'EACCES'
          ? 'may not be read by this user'
          : String((thrown as Error).message)
  return { where: file, what }
}

/** Reads a configuration file into values with their positions; syntax errors and unknown keys become problems. */
export function readConfigFile(file: string): FileValues {
  let text: string
  try {
    if (statSync(file).size > MAX_FILE_BYTES)
      return { given: [], problems: [{ where: file, what: `has more than ${MAX_FILE_BYTES} bytes` }] }
    text = readFileSync(file, 'utf8')
  } catch (thrown) {
    return { given: [], problems: [readProblem(file, thrown)] }
  }
  return readConfigText(file, text)
}

/** The same for text that was already read; `file` only names it in messages. */
function readConfigText(file: string, text: string): FileValues {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true })
  const at = (offset: number | undefined) => {
    const { line, col } = lines.linePos(offset ?? 0)
    return `${file}:${line}:${col}`
  }
  const placed = (node: unknown) => at((node as Node | null)?.range?.[0])
  if (document.errors.length > 0) {
    const problems = document.errors.map((error) => ({
      where: at(error.pos[0]),
      what: `not valid YAML: ${error.message}`,
    }))
    return { given: [], problems }
  }
  const root = document.contents
  if (root === null || (isScalar(root) && root.value === null)) return { given: [], problems: [] }
  if (!isMap(root)) {
    return {
      given: [],
      problems: [{ where: placed(root), what: `must be sections: ${CONFIG_SECTIONS.join(', ')}` }],
    }
  }

  const given: Given[] = []
  const problems: Problem[] = []
  for (const section of root.items) readSection(section)
  return { given, problems }

  function readSection(pair: Pair): void {
    const section = nameOf(pair)
    if (!CONFIG_SECTIONS.includes(section)) {
      problems.push({ where: placed(pair.key), what: unknownSection(section) })
      return
    }
    const body = pair.value
    const whole = CONFIG_KEYS.find((key) => key.section === section && key.name === '')
    if (whole) {
      readValue(whole, pair)
      return
    }
    if (body === null || (isScalar(body) && body.value === null)) return // every line of it is commented out
    if (!isMap(body)) {
      const names = CONFIG_KEYS.filter((key) => key.section === section).map((key) => key.name)
      problems.push({
        where: placed(body),
        what: `${section} must hold keys of its own: ${names.join(', ')}`,
      })
      return
    }
    for (const item of body.items) readKey(section, item)
  }

  function readKey(section: string, pair: Pair): void {
    const name = nameOf(pair)
    const key = CONFIG_KEYS.find((entry) => entry.section === section && entry.name === name)
    if (!key) {
      problems.push({ where: placed(pair.key), what: unknownKey(section, name) })
      return
    }
    readValue(key, pair)
  }

  function readValue(key: ConfigKey, pair: Pair): void {
    const where = placed(pair.value ?? pair.key)
    try {
      given.push({ key, value: (pair.value as Node | null)?.toJS(document) ?? null, where })
    } catch (thrown) {
      problems.push({ where, what: `${key.key}: ${(thrown as Error).message}` }) // an alias without its anchor
    }
  }
}

function nameOf(pair: Pair): string {
  return String(isScalar(pair.key) ? pair.key.value : pair.key)
}

function unknownSection(section: string): string {
  const asKey = CONFIG_KEYS.find((entry) => entry.name === section || entry.key === section)
  if (asKey)
    return `unknown section "${section}"; the setting ${asKey.key} is written as \`${asKey.name}:\` under \`${asKey.section}:\``
  const [nearest] = nearestNames(section, CONFIG_SECTIONS)
  const meant = nearest ? `did you mean ${nearest}? ` : ''
  return `unknown section "${section}"; ${meant}allowed: ${CONFIG_SECTIONS.join(', ')}`
}

function unknownKey(section: string, name: string): string {
  const siblings = CONFIG_KEYS.filter((entry) => entry.section === section).map((entry) => entry.name)
  const elsewhere = CONFIG_KEYS.find((entry) => entry.name === name)
  const [nearest] = nearestNames(name, siblings)
  const meant = elsewhere
    ? `did you mean ${elsewhere.key}? `
    : nearest
      ? `did you mean ${section}.${nearest}? `
      : ''
  return `unknown key ${section}.${name}; ${meant}allowed under ${section}: ${siblings.join(', ')}`
}
