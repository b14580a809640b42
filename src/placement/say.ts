/** Numbers in the sentences of a plan. */
import type { Measurement } from '../domain/index.ts'

/** `427`, `8.4`, `0.0123`: three figures are enough to decide. */
export function figure(value: number): string {
  return value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)))
}

/** `8.9 GiB`; small ones in MiB. */
export function gib(bytes: number): string {
  const [size, unit] = bytes >= 0.1 * 2 ** 30 ? [bytes / 2 ** 30, 'GiB'] : [bytes / 2 ** 20, 'MiB']
  return `${size.toFixed(1)} ${unit}`
}

/** `14.8 billion`, `31 million` parameters. */
export function parameters(count: number): string {
  return count >= 1e9 ? `${figure(count / 1e9)} billion` : `${figure(count / 1e6)} million`
}

export function percent(share: number): string {
  return `${figure(share * 100)} %`
}

/** `npu, igpu and cpu` */
export function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
}

/** `300 texts/s` */
export function rate(perSecond: number, { encoder }: Pick<Measurement, 'encoder'>): string {
  return `${figure(perSecond)} ${encoder ? 'texts/s' : 'tokens/s'}`
}
