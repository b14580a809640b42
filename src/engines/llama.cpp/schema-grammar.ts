/** JSON schema to a grammar that lets the model write nothing but valid JSON. */
import { type JsonSchema, TandemError } from '../../domain/index.ts'
import { ANY_OBJECT, ANY_VALUE, BASE_RULES, list, literal, MAX_ITEMS } from './gbnf.ts'
import {
  atMost,
  enumBody,
  guessTypes,
  isPart,
  numberBody,
  type Part,
  type Refuse,
  sizeOf,
  stringBody,
} from './schema-leaves.ts'

/** References followed on one path; deeper, optional parts of a recursive schema are left out. */
const MAX_REFERENCES = 8
const MAX_NESTING = 64
const MAX_RULES = 5000

/** Parts that restrict values in a way that the grammar cannot keep. */
const UNSUPPORTED = [
  'pattern',
  'not',
  'if',
  'patternProperties',
  'propertyNames',
  'dependentRequired',
  'dependentSchemas',
  'dependencies',
  'contains',
  'multipleOf',
  'unevaluatedProperties',
  'unevaluatedItems',
]

/**
 * @param root any JSON schema
 * @param param request field that holds it, for errors
 * @returns a grammar in GBNF whose texts are valid against the schema (not every valid text is among them)
 * @throws TandemError INVALID_REQUEST that names the part that is not supported or can never be fulfilled
 */
export function schemaGrammar(root: JsonSchema, param: string): string {
  return new GrammarWriter(root, param).write()
}

/** Grammar of `response_format: json_object`. */
export function jsonObjectGrammar(): string {
  return grammarText({ root: ANY_OBJECT })
}

/** Grammar of one of several fixed texts. */
export function choiceGrammar(texts: readonly string[]): string {
  return `root ::= ${texts.map(literal).join(' | ')}\n`
}

interface Place {
  readonly path: string
  readonly nesting: number
  readonly references: number
}

class GrammarWriter {
  readonly #rules: Record<string, string> = {}
  /** Rule of each reference at each depth; undefined when nothing can fulfil it there. */
  readonly #references = new Map<string, string | undefined>()
  #count = 0

  constructor(
    readonly root: JsonSchema,
    readonly param: string,
  ) {}

  write(): string {
    const body = this.#value(this.root, { path: this.param, nesting: 0, references: 0 })
    if (body === undefined) throw this.#refuse(this.param, 'no finite value can fulfil it')
    return grammarText({ root: body, ...this.#rules })
  }

  /** Expression for a schema; undefined when nothing finite fulfils it at this depth. */
  #value(schema: unknown, place: Place): string | undefined {
    if (schema === true) return ANY_VALUE
    if (schema === false) return undefined
    if (!isPart(schema)) throw this.#refuse(place.path, 'a schema is an object or a boolean')
    if (place.nesting > MAX_NESTING) throw this.#refuse(place.path, `nested deeper than ${MAX_NESTING}`)
    for (const name of UNSUPPORTED)
      if (schema[name] !== undefined) throw this.#refuse(`${place.path}.${name}`, 'not supported')
    if (typeof schema['$ref'] === 'string') return this.#reference(schema['$ref'], place)
    if ('const' in schema) return literal(JSON.stringify(schema['const']))
    if (schema['enum'] !== undefined)
      return this.#rule(enumBody(schema['enum'], place.path, this.#refuse), place)
    for (const name of ['anyOf', 'oneOf', 'allOf'])
      if (schema[name] !== undefined) return this.#combination(name, schema, place)
    return this.#typed(schema, place)
  }

  #typed(schema: Part, place: Place): string | undefined {
    const types = schema['type'] === undefined ? guessTypes(schema) : [schema['type']].flat()
    if (types.length === 0) return ANY_VALUE
    const parts = types.map((type) => this.#ofType(type, schema, place))
    if (schema['nullable'] === true) parts.push('"null"')
    return this.#either(parts)
  }

  #ofType(type: unknown, schema: Part, place: Place): string | undefined {
    switch (type) {
      case 'object':
        return this.#object(schema, place)
      case 'array':
        return this.#array(schema, place)
      case 'string':
        return stringBody(schema, place.path, this.#refuse)
      case 'integer':
      case 'number':
        return this.#rule(numberBody(type, schema, place.path, this.#refuse), place)
      case 'boolean':
        return 'boolean'
      case 'null':
        return '"null"'
      default:
        throw this.#refuse(`${place.path}.type`, `unknown type ${JSON.stringify(type)}`)
    }
  }

  #object(schema: Part, place: Place): string | undefined {
    const properties = this.#parts(schema, 'properties', place)
    const required = schema['required'] === undefined ? [] : schema['required']
    if (!Array.isArray(required)) throw this.#refuse(`${place.path}.required`, 'not an array')
    const others = schema['additionalProperties'] ?? true
    const names = [...new Set([...Object.keys(properties), ...required.map(String)])]
    if (names.length === 0) return this.#map(others, schema, place)
    this.#notMoreThan(schema, 'minProperties', required.length, place)
    if (sizeOf(schema, 'maxProperties', Infinity, place.path, this.#refuse) < names.length)
      throw this.#refuse(`${place.path}.maxProperties`, 'not supported below the number of properties')
    let rest = '""'
    let first = '""'
    // from the last member to the first; `first`: no member was written yet, `rest`: a comma is due
    for (const name of names.reverse()) {
      const inner = deeper(place, `properties.${name}`)
      const value = this.#value(properties[name] ?? others, inner)
      if (value === undefined) {
        if (required.includes(name)) return undefined
        continue
      }
      const member = this.#rule(`${literal(`${JSON.stringify(name)}:`)} ws ${group(value)}`, place)
      const after = this.#rule(rest, place)
      if (required.includes(name)) {
        first = `${member} ${after}`
        rest = `"," ws ${member} ${after}`
      } else {
        first = `${member} ${after} | ${this.#rule(first, place)}`
        rest = `("," ws ${member})? ${after}`
      }
    }
    return this.#rule(`"{" ${group(first)} "}"`, place)
  }

  /** An object without named properties. */
  #map(others: unknown, schema: Part, place: Place): string | undefined {
    const min = sizeOf(schema, 'minProperties', 0, place.path, this.#refuse)
    const max = atMost(sizeOf(schema, 'maxProperties', Infinity, place.path, this.#refuse), MAX_ITEMS)
    if (min > 1) throw this.#refuse(`${place.path}.minProperties`, 'not supported above 1 without properties')
    const value = this.#value(others, deeper(place, 'additionalProperties'))
    if (value === undefined) return min === 0 ? '"{}"' : undefined
    return this.#rule(`"{" ${list(this.#rule(`string ":" ws ${group(value)}`, place), min, max)} "}"`, place)
  }

  #array(schema: Part, place: Place): string | undefined {
    if (schema['uniqueItems'] === true) throw this.#refuse(`${place.path}.uniqueItems`, 'not supported')
    const prefix = schema['prefixItems'] ?? []
    if (!Array.isArray(prefix)) throw this.#refuse(`${place.path}.prefixItems`, 'not an array')
    const min = sizeOf(schema, 'minItems', 0, place.path, this.#refuse)
    const max = atMost(sizeOf(schema, 'maxItems', Infinity, place.path, this.#refuse), MAX_ITEMS)
    if (min > Math.min(max, MAX_ITEMS))
      throw this.#refuse(`${place.path}.minItems`, `not supported above ${Math.min(max, MAX_ITEMS)}`)
    const item = this.#value(schema['items'] ?? true, deeper(place, 'items'))
    if (prefix.length > 0) {
      if (max < prefix.length || min > prefix.length)
        throw this.#refuse(`${place.path}.prefixItems`, 'not supported with another number of items')
      const parts = prefix.map((part, i) => this.#value(part, deeper(place, `prefixItems.${i}`)))
      if (parts.includes(undefined)) return undefined
      return this.#rule(`"[" ${parts.map((part) => group(part!)).join(' "," ws ')} "]"`, place)
    }
    if (item === undefined) return min === 0 ? '"[]"' : undefined
    return this.#rule(`"[" ${list(this.#rule(item, place), min, max)} "]"`, place)
  }

  #combination(name: string, schema: Part, place: Place): string | undefined {
    const path = `${place.path}.${name}`
    const options = schema[name]
    if (!Array.isArray(options) || options.length === 0) throw this.#refuse(path, 'not a filled array')
    for (const beside of ['properties', 'required', 'items', 'anyOf', 'oneOf', 'allOf'])
      if (beside !== name && schema[beside] !== undefined)
        throw this.#refuse(path, `not supported beside ${beside}`)
    if (name === 'allOf' && options.length > 1) throw this.#refuse(path, 'not supported with several schemas')
    return this.#either(options.map((option, i) => this.#value(option, deeper(place, `${name}.${i}`))))
  }

  #reference(pointer: string, place: Place): string | undefined {
    if (place.references >= MAX_REFERENCES) return undefined
    const key = `${place.references} ${pointer}`
    if (!this.#references.has(key)) {
      const body = this.#value(this.#resolve(pointer, place), {
        path: pointer,
        nesting: place.nesting + 1,
        references: place.references + 1,
      })
      this.#references.set(key, body === undefined ? undefined : this.#rule(body, place))
    }
    return this.#references.get(key)
  }

  #resolve(pointer: string, place: Place): unknown {
    if (!/^#($|\/)/.test(pointer))
      throw this.#refuse(`${place.path}.$ref`, `${pointer} is not in this schema`)
    let found: unknown = this.root
    for (const step of pointer.split('/').slice(1)) {
      const name = decodeURIComponent(step).replace(/~1/g, '/').replace(/~0/g, '~')
      found = isPart(found) && Object.hasOwn(found, name) ? found[name] : undefined
    }
    if (found === undefined) throw this.#refuse(`${place.path}.$ref`, `${pointer} is not in this schema`)
    return found
  }

  #either(parts: readonly (string | undefined)[]): string | undefined {
    const possible = parts.filter((part) => part !== undefined)
    if (possible.length <= 1) return possible[0]
    return possible.map(group).join(' | ')
  }

  #rule(body: string, place: Place): string {
    if (/^[a-z0-9-]+$|^""$/i.test(body)) return body
    this.#count += 1
    if (this.#count > MAX_RULES) throw this.#refuse(place.path, `more than ${MAX_RULES} parts`)
    const name = `r${this.#count}`
    this.#rules[name] = body
    return name
  }

  #parts(schema: Part, name: string, place: Place): Part {
    const parts = schema[name] ?? {}
    if (!isPart(parts)) throw this.#refuse(`${place.path}.${name}`, 'not an object')
    return parts
  }

  #notMoreThan(schema: Part, name: string, limit: number, place: Place): void {
    if (sizeOf(schema, name, 0, place.path, this.#refuse) > limit)
      throw this.#refuse(`${place.path}.${name}`, 'not supported above the number of required properties')
  }

  readonly #refuse: Refuse = (path, why) =>
    new TandemError('INVALID_REQUEST', { what: `JSON schema, ${path}: ${why}` }, { param: this.param })
}

function grammarText(rules: Readonly<Record<string, string>>): string {
  return Object.entries({ ...rules, ...BASE_RULES })
    .map(([name, body]) => `${name} ::= ${body}\n`)
    .join('')
}

function deeper(place: Place, step: string): Place {
  return { path: `${place.path}.${step}`, nesting: place.nesting + 1, references: place.references }
}

function group(body: string): string {
  return body.includes(' | ') ? `(${body})` : body
}
