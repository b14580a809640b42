/** What `tandem devices` says of each device: a table where the terminal is wide enough, else a block each. */
import { printable } from '../print/style.ts'
import { bytes, table } from '../print/table.ts'
import { goodFor } from './good-for.ts'
import type { ListedDevice } from './listed.ts'

const GIB = 1024 ** 3
const TITLES = ['device', 'kind', 'name', 'memory', 'driver', 'engines', 'good for', 'now'] as const

/** @param columns of the terminal; absent: as wide as it gets */
export function describeDevices(
  devices: readonly ListedDevice[],
  columns = Number.POSITIVE_INFINITY,
): string {
  const rows = devices.map(cellsOf)
  const used = TITLES.flatMap((title, at) => (rows.some((row) => row[at] !== '') ? [{ title, at }] : []))
  const wide = table([used.map(({ title }) => title), ...rows.map((row) => used.map(({ at }) => row[at]!))])
  const isFitting = wide.split('\n').every((line) => line.length <= columns)
  const shown = isFitting ? wide : rows.map((row) => block(row, columns)).join('\n')
  return shown + missing(devices, columns)
}

function cellsOf(device: ListedDevice): string[] {
  const { id, kind, name, engines, driver = '', simulated } = device
  return [
    id,
    simulated ? `${kind} (simulated)` : kind,
    name,
    memoryOf(device),
    driver,
    Object.entries(engines)
      .map(([engine, known]) => `${engine}=${known}`)
      .join(' '),
    goodFor(device),
    loadOf(device),
  ].map(printable)
}

/** `10.2 of 12.0 GiB free`; only the size where nobody tells more. */
function memoryOf({ memoryBytes, freeBytes, sharedMemory, load }: ListedDevice): string {
  if (memoryBytes === undefined) return sharedMemory ? "the system's" : ''
  const total = (memoryBytes / GIB).toFixed(1)
  const used = sharedMemory ? undefined : load?.usedBytes
  const free = used === undefined ? freeBytes : Math.max(0, memoryBytes - used)
  return free === undefined ? `${total} GiB` : `${(free / GIB).toFixed(1)} of ${total} GiB free`
}

/** `12 % busy, 2850 MHz, 60 W` */
function loadOf({ load, sharedMemory }: ListedDevice): string {
  if (!load) return ''
  const { busy, mhz, watts, usedBytes } = load
  return [
    busy === undefined ? undefined : `${Math.round(busy * 100)} % busy`,
    mhz === undefined ? undefined : mhz === 0 ? 'asleep' : `${mhz} MHz`,
    watts === undefined ? undefined : `${Math.round(watts)} W`,
    usedBytes === undefined || !sharedMemory ? undefined : `uses ${bytes(usedBytes)}`,
  ]
    .filter((part) => part !== undefined)
    .join(', ')
}

const FIRST_OF_BLOCK = 3
const INDENT = '  '
const LABEL_WIDTH = Math.max(...TITLES.map(({ length }) => length)) + 2

function block(cells: readonly string[], columns: number): string {
  const rest = TITLES.map((title, at) => ({ title, cell: cells[at]! }))
    .slice(FIRST_OF_BLOCK)
    .filter(({ cell }) => cell !== '')
  const head = wrap(cells.slice(0, FIRST_OF_BLOCK).join('  '), '', columns)
  return (
    head +
    rest.map(({ title, cell }) => wrap(cell, `${INDENT}${title.padEnd(LABEL_WIDTH)}`, columns)).join('')
  )
}

/** Lines of whole words behind a label; later lines stand below the first's text. */
function wrap(text: string, label: string, columns: number): string {
  const lines: string[] = []
  for (const word of text.split(/ (?! )/)) {
    const last = lines.at(-1)
    if (last !== undefined && label.length + last.length + 1 + word.length <= columns)
      lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  const below = label === '' ? INDENT : ' '.repeat(label.length)
  return lines.map((line, at) => `${at === 0 ? label : below}${line}\n`).join('')
}

/** What hardware lacks, with what to do. */
function missing(devices: readonly ListedDevice[], columns: number): string {
  const lines = devices.flatMap(({ id, problems = [] }) =>
    problems.map((problem) => wrap(printable(problem), `${INDENT}${id}  `, columns)),
  )
  return lines.length === 0 ? '' : `\nmissing\n${lines.join('')}`
}
