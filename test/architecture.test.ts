import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { expect, test } from 'vitest'

/** From the outside in; imports point only to the right. */
const ROOMS = [
  'app.ts',
  'cli',
  'http',
  'mcp',
  'project',
  'scheduling',
  'calibration',
  'placement',
  'workers',
  'engines',
  'models',
  'devices',
  'config',
  'telemetry',
  'domain',
]

const src = join(dirname(fileURLToPath(import.meta.url)), '..', 'src')

interface Edge {
  readonly from: string
  readonly to: string
}

function importGraph(): { files: string[]; edges: Edge[]; bare: Edge[] } {
  const files = readdirSync(src, { recursive: true })
    .map((entry) => String(entry).split(sep).join('/'))
    .filter((file) => file.endsWith('.ts'))
  const edges: Edge[] = []
  const bare: Edge[] = []
  for (const from of files) {
    for (const { fileName } of ts.preProcessFile(readFileSync(join(src, from), 'utf8')).importedFiles) {
      if (fileName.startsWith('.'))
        edges.push({ from, to: posix.normalize(posix.join(posix.dirname(from), fileName)) })
      else bare.push({ from, to: fileName })
    }
  }
  return { files, edges, bare }
}

const room = (file: string): string => file.split('/')[0] ?? file
const isTest = (file: string): boolean => /\.(test|suite)\.ts$|\/testing\//.test(file)
const graph = importGraph()
const product = graph.edges.filter((edge) => !isTest(edge.from))
const show = (edge: Edge): string => `${edge.from} -> ${edge.to}`

test('every folder of src is a room of the house', () => {
  expect([...new Set(graph.files.map(room))].filter((name) => !ROOMS.includes(name))).toEqual([])
})

test('imports point only downwards', () => {
  const upward = product.filter(({ from, to }) => ROOMS.indexOf(room(from)) > ROOMS.indexOf(room(to)))
  expect(upward.map(show)).toEqual([])
})

test('a room is entered through its index or its contract', () => {
  const allowed = /\/(index|contract)\.ts$|^app\.ts$/
  const inside = product.filter(
    ({ from, to }) => room(from) !== room(to) && room(from) !== 'workers' && !allowed.test(to),
  )
  expect(inside.map(show)).toEqual([])
})

test('domain imports nothing from outside', () => {
  const from = (edge: Edge): boolean => room(edge.from) === 'domain' && !isTest(edge.from)
  expect(
    [...graph.bare.filter(from), ...product.filter((e) => from(e) && room(e.to) !== 'domain')].map(show),
  ).toEqual([])
})

test('only workers/child loads an engine with native code', () => {
  const offenders = product.filter(
    ({ from, to }) => /^engines\/.*\/child\.ts$/.test(to) && !from.startsWith('workers/child/'),
  )
  expect(offenders.map(show)).toEqual([])
  const native = /^(onnxruntime-node|node-llama-cpp|koffi)$/
  const processes = /^engines\/|^cli\/doctor\/probe\.ts$/ // the doctor's probe is a process of its own too
  const outside = graph.bare.filter(({ from, to }) => native.test(to) && !processes.test(from))
  expect(outside.filter((e) => !isTest(e.from)).map(show)).toEqual([])
})

test('placement and the scheduling core have no I/O', () => {
  const pure = (file: string): boolean => /^(placement|scheduling\/core)\//.test(file) && !isTest(file)
  expect(graph.bare.filter((edge) => pure(edge.from)).map(show)).toEqual([])
})
