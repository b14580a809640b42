/** What the nodes of each grammar mean to the chunker, as data, and the parsers themselves. */
import { createRequire } from 'node:module'
import type { SgNode } from '@ast-grep/napi'

/** One or more names that a node defines, and the scope it adds before them. */
export interface Definition {
  readonly name: string
  /** Enclosing names that the syntax tree does not show: a Go receiver, `A::` in C++. */
  readonly outer: readonly string[]
  /** A function body: the variables inside are nobody's look-up. */
  readonly callable: boolean
}

const CALLABLE = new Set(
  `function_declaration generator_function_declaration method_definition function_definition function_item
  method_declaration constructor_declaration compact_constructor_declaration`.split(/\s+/),
)
const CONTAINERS = new Set(
  `class_declaration abstract_class_declaration interface_declaration enum_declaration internal_module module
  class_definition struct_item enum_item union_item trait_item impl_item mod_item record_declaration
  annotation_type_declaration class_specifier struct_specifier union_specifier enum_specifier namespace_definition`.split(
    /\s+/,
  ),
)
const NAMED = new Set(
  `type_alias_declaration function_signature abstract_method_signature public_field_definition field_definition
  type_spec type_alias const_spec var_spec function_signature_item macro_definition const_item static_item type_item
  preproc_def preproc_function_def alias_declaration concept_definition method_signature`.split(/\s+/),
)
/** Nodes to look through for definitions: they wrap or list them. */
const TRANSPARENT = new Set(
  `export_statement ambient_declaration lexical_declaration variable_declaration expression_statement class_body
  interface_body enum_body statement_block object_type decorated_definition block declaration_list
  field_declaration_list type_declaration const_declaration var_declaration var_spec_list type_definition
  linkage_specification template_declaration preproc_ifdef preproc_if preproc_else declaration field_declaration
  class_body_declaration media_statement supports_statement enum_body_declarations`.split(/\s+/),
)
const FUNCTION_VALUES = new Set(
  'arrow_function function_expression function generator_function class class_expression'.split(' '),
)

export function isComment(kind: string): boolean {
  return kind.includes('comment')
}

/** Nodes that belong to what follows them. */
export function isLeading(kind: string): boolean {
  return isComment(kind) || kind === 'decorator' || kind === 'attribute_item' || kind === 'marker_annotation'
}

export function isTransparent(kind: string): boolean {
  return TRANSPARENT.has(kind)
}

/** @returns what this node itself defines, if anything */
export function definitionOf(node: SgNode): Definition | undefined {
  const kind = String(node.kind())
  if (CALLABLE.has(kind)) return callable(node)
  if (CONTAINERS.has(kind)) return named(node.field(kind === 'impl_item' ? 'type' : 'name') ?? null)
  if (NAMED.has(kind)) return named(node.field('name'))
  if (kind === 'variable_declarator') return declarator(node.field('name'), node.field('value'))
  if (kind === 'assignment_expression') {
    const value = node.field('right')
    if (!value || !FUNCTION_VALUES.has(String(value.kind()))) return undefined
    const left = node.field('left')
    return declarator(left?.field('property') ?? left ?? null, value)
  }
  if (kind === 'type_definition') return named(node.field('declarator'))
  if (kind === 'rule_set') return named(node.child(0))
  return undefined
}

function named(
  node: SgNode | null,
  outer: readonly string[] = [],
  isCallable = false,
): Definition | undefined {
  const name = node?.text().replace(/\s+/g, ' ').trim()
  // A long name is an expression or a list of selectors, which nobody looks up.
  return name && name.length <= 100 ? { name, outer, callable: isCallable } : undefined
}

function declarator(name: SgNode | null, value: SgNode | null): Definition | undefined {
  if (name && /pattern$/.test(String(name.kind()))) return undefined // destructuring
  return named(name, [], value !== null && FUNCTION_VALUES.has(String(value.kind())))
}

function callable(node: SgNode): Definition | undefined {
  const receiver = node.field('receiver')
  if (receiver) return named(node.field('name'), goReceiver(receiver), true)
  const name = node.field('name')
  if (name) return named(name, [], true)
  // C and C++: the name is inside pointer and function declarators.
  let inner = node.field('declarator')
  for (let depth = 0; inner?.field('declarator') && depth < 10; depth += 1) inner = inner.field('declarator')
  const found = named(inner, [], true)
  const parts = found?.name.split('::') ?? []
  return found && parts.length > 1
    ? { ...found, name: parts.at(-1) ?? found.name, outer: parts.slice(0, -1).filter(Boolean) }
    : found
}

function goReceiver(receiver: SgNode): string[] {
  const type = /([A-Za-z_]\w*)\s*(?:\[[^\]]*\]\s*)?\)$/.exec(receiver.text())?.[1]
  return type ? [type] : []
}

type Parser = (grammar: string, text: string) => SgNode

const require = createRequire(import.meta.url)
let parser: Parser | undefined
const PACKAGES = ['python', 'go', 'rust', 'java', 'cpp'] as const

/**
 * The root node of a text.
 * @throws Error when the grammar is not there or fails; the caller falls back to lines
 */
export function parseText(grammar: string, text: string): SgNode {
  parser ??= loadParser()
  return parser(grammar, text)
}

function loadParser(): Parser {
  // The packages are CommonJS with getters that throw on systems without a built grammar.
  const napi = require('@ast-grep/napi') as typeof import('@ast-grep/napi')
  const languages: Record<string, { libraryPath: string; extensions: string[]; languageSymbol?: string }> = {}
  for (const name of PACKAGES) {
    try {
      const { libraryPath, extensions, languageSymbol, expandoChar } = require(`@ast-grep/lang-${name}`)
      languages[name] = { libraryPath, extensions, languageSymbol, ...(expandoChar && { expandoChar }) }
    } catch {
      // No grammar for this system: files of this language are split by lines.
    }
  }
  napi.registerDynamicLanguage(languages) // once per process, by its own contract
  const builtin = new Set<string>(Object.values(napi.Lang))
  return (grammar, text) => {
    if (!builtin.has(grammar) && !languages[grammar]) throw new Error(`no grammar for ${grammar}`)
    return napi.parse(grammar, text).root()
  }
}
