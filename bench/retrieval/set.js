// The labelled set: functions of installed packages whose doc comment's first sentence is the query; the comment is
// taken out of the passage. Deterministic: file order, hashes and caps only.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const modules = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'node_modules')

/** Packages that ship readable source with doc comments; `under` leaves out builds of the same code. */
const PACKAGES = [
  { name: '@huggingface/jinja', under: 'src' },
  { name: '@huggingface/tokenizers', under: 'dist' },
  { name: '@vitest/utils', under: 'dist' },
  { name: 'avvio', under: '' },
  { name: 'commander', under: 'lib' },
  { name: 'fast-check', under: 'lib' },
  { name: 'fastify', under: '' },
  { name: 'knip', under: 'dist' },
  { name: 'lifecycle-utils', under: 'dist' },
  { name: 'minipass', under: 'dist/esm' },
  { name: 'node-llama-cpp', under: 'dist' },
  { name: 'onnxruntime-common', under: 'lib' },
  { name: 'openai', under: 'src' },
  { name: 'oxc-parser', under: '' },
  { name: 'rolldown', under: 'dist' },
  { name: 'semver', under: '' },
  { name: 'smol-toml', under: 'dist' },
  { name: 'source-map-js', under: 'lib' },
  { name: 'tinybench', under: 'dist' },
  { name: 'typescript', under: 'lib', only: /typescript\.js$/ },
  { name: 'vite', under: 'dist/node' },
  { name: 'vitest', under: 'dist' },
  { name: 'yaml', under: 'dist' },
  { name: 'zod', under: 'src' },
]
const MAX_QUERIES = 120 // per package, so that none decides the result
const MAX_PASSAGES = 1500
const MAX_LINES = 60

const digest = (text) => createHash('sha256').update(text).digest('hex')

function sourceFiles(folder) {
  const found = []
  for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) =>
    a.name < b.name ? -1 : 1,
  )) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) {
      if (entry.name !== 'node_modules') found.push(...sourceFiles(path))
    } else if (/\.(ts|mts|js|mjs)$/.test(entry.name) && !/(\.min\.js|\.d\.m?ts)$/.test(entry.name))
      found.push(path)
  }
  return found
}

function role(path) {
  if (/(^|\/)(__tests__|tests?|benchmarks?|bench)\/|\.(test|spec)\./.test(path)) return 'test'
  return /(^|\/)examples?\//.test(path) ? 'example' : 'source'
}

/** @returns {string | undefined} the first sentence of the comment, when it is one that a person could ask with */
function firstSentence(node) {
  const comment = node.jsDoc?.at(-1)
  if (!comment) return undefined
  const text = ts.getTextOfJSDocComment(comment.comment) ?? ''
  const plain = text
    .replace(/```[\s\S]*?```/g, ' ')
    .replace(/\{@link\s+([^}|]+)[^}]*\}/g, '$1')
    .replace(/\s+/g, ' ')
    .trim()
  const sentence = (/^.*?[.!?](?=\s|$)/.exec(plain)?.[0] ?? plain).slice(0, 300)
  const words = sentence.split(/\s+/).filter((word) => /[a-z]{2}/i.test(word))
  if (words.length < 4 || /^(@|https?:|TODO|see )/i.test(sentence)) return undefined
  return sentence
}

function functionOf(node) {
  if (ts.isFunctionDeclaration(node) && node.body) return { name: node.name?.text, node }
  if ((ts.isMethodDeclaration(node) || ts.isGetAccessor(node)) && node.body)
    return { name: node.name.getText(), node }
  if (ts.isVariableStatement(node)) {
    const [declaration] = node.declarationList.declarations
    const value = declaration?.initializer
    if (value && (ts.isArrowFunction(value) || ts.isFunctionExpression(value)))
      return { name: declaration.name.getText(), node }
  }
  if (ts.isExpressionStatement(node) && ts.isBinaryExpression(node.expression)) {
    const { left, right } = node.expression
    if (ts.isFunctionExpression(right) || ts.isArrowFunction(right))
      return { name: left.getText().split('.').at(-1), node }
  }
  return undefined
}

function passagesOf(file, path) {
  const text = readFileSync(file, 'utf8')
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const found = []
  const visit = (node, scope) => {
    const made = functionOf(node)
    if (made?.name && made.name.length < 80) {
      const start = node.getStart(source)
      const line = source.getLineAndCharacterOfPosition(start).line + 1
      const column = start - source.getPositionOfLineAndCharacter(line - 1, 0)
      const indent = text.slice(start - column, start)
      const lines = (indent + text.slice(start, node.end)).split('\n').slice(0, MAX_LINES)
      if (lines.join('\n').length >= 60)
        found.push({
          path,
          role: role(path),
          startLine: line,
          endLine: line + lines.length - 1,
          text: lines.join('\n'),
          symbol: made.name,
          scope,
          query: firstSentence(node),
        })
      if (ts.isFunctionDeclaration(node)) return // inner functions are part of the passage
    }
    const inside =
      (ts.isClassDeclaration(node) || ts.isModuleDeclaration(node)) && node.name
        ? [...scope, node.name.text]
        : scope
    ts.forEachChild(node, (child) => visit(child, inside))
  }
  visit(source, [])
  return found
}

/** @returns the projects with their passages; `query` only where the passage is asked for */
export function loadSet() {
  const projects = []
  for (const { name, under, only } of PACKAGES) {
    const root = join(modules, name)
    const seen = new Set()
    let passages = []
    for (const file of sourceFiles(join(root, under))) {
      if ((only && !only.test(file)) || (!only && statSync(file).size > 3_000_000)) continue
      for (const passage of passagesOf(file, relative(root, file).split(sep).join('/'))) {
        const key = digest(passage.text)
        if (seen.has(key)) continue // builds hold the same function twice
        seen.add(key)
        passages.push({ ...passage, key })
      }
    }
    passages = choose(passages)
    const queries = passages.filter((passage) => passage.query).length
    if (queries >= 5) projects.push({ name, passages, queries })
  }
  return projects
}

function choose(passages) {
  const asked = new Map()
  for (const passage of passages)
    if (passage.query) asked.set(passage.query, (asked.get(passage.query) ?? 0) + 1)
  // A sentence that stands on several functions has no single right answer.
  const candidates = passages.filter((passage) => passage.query && asked.get(passage.query) === 1)
  const chosen = new Set([...candidates].sort((a, b) => (a.key < b.key ? -1 : 1)).slice(0, MAX_QUERIES))
  const kept = new Set(
    [...passages]
      .sort((a, b) => Number(chosen.has(b)) - Number(chosen.has(a)) || (a.key < b.key ? -1 : 1))
      .slice(0, MAX_PASSAGES),
  )
  return passages
    .filter((passage) => kept.has(passage))
    .map((passage) => ({ ...passage, query: chosen.has(passage) ? passage.query : undefined }))
}
