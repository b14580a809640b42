import { ERRORS } from '../domain/index.ts'
import type { FromChild } from './wire.ts'

type Fields = Readonly<Record<string, unknown>>

/**
 * Guards the edge to a worker process; cheap, for it runs on every token. What a result holds is checked by who asked.
 * @returns undefined when it is no message of a worker
 */
export function readFromChild(value: unknown): FromChild | undefined {
  return isObject(value) && isMessage(value) ? (value as unknown as FromChild) : undefined
}

function isMessage(value: Fields): boolean {
  switch (value['type']) {
    case 'delta':
      return isId(value) && isDelta(value['delta'])
    case 'progress':
      return isId(value)
    case 'result':
      return isId(value) && 'value' in value
    case 'error':
      return isId(value) && isError(value['error'])
    case 'pong':
      return true
    case 'usage':
      return isCount(value['cpuMs'])
    case 'loading':
      return isCount(value['progress']) && value['progress'] <= 1
    case 'loadFailed':
      return isError(value['error'])
    case 'ready':
      return isInfo(value['info'])
    default:
      return false
  }
}

function isId({ id }: Fields): boolean {
  return Number.isSafeInteger(id)
}

function isDelta(delta: unknown): boolean {
  if (!isObject(delta)) return false
  if (delta['type'] === 'text') return typeof delta['text'] === 'string'
  return delta['type'] === 'toolCall' && Number.isSafeInteger(delta['index']) && isObject(delta['call'])
}

function isError(error: unknown): boolean {
  return (
    isObject(error) &&
    typeof error['code'] === 'string' &&
    Object.hasOwn(ERRORS, error['code']) &&
    isObject(error['details'])
  )
}

function isInfo(info: unknown): boolean {
  if (!isObject(info) || typeof info['engineVersion'] !== 'string' || !isCount(info['loadMs'])) return false
  const sizes = ['dimensions', 'width', 'maxTokens', 'contextTokens', 'slots', 'maxSlots']
  if (info['images'] !== undefined && typeof info['images'] !== 'boolean') return false
  if (info['resumes'] !== undefined && !isWords(info['resumes'])) return false
  return sizes.every((name) => info[name] === undefined || isCount(info[name]))
}

function isWords(value: unknown): boolean {
  return Array.isArray(value) && value.every((each) => typeof each === 'string')
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null
}
