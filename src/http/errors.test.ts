import type { FastifyRequest } from 'fastify'
import { expect, test } from 'vitest'
import { TandemError } from '../domain/index.ts'
import { logFailure } from './errors.ts'

/** Level, and whether a stack goes with it. */
function logged(error: TandemError): [string, boolean] {
  const lines: [string, boolean][] = []
  const at = (level: string) => (details: object) => lines.push([level, 'err' in details])
  const request = { method: 'POST', url: '/v1/embeddings?key=secret' } as FastifyRequest
  logFailure({ error: at('error'), warn: at('warn'), debug: at('debug') }, request, error)
  expect(lines).toHaveLength(1)
  return lines[0]!
}

test('only a defect of our own is logged as an error, with its stack', () => {
  expect(logged(new TandemError('INTERNAL', { why: 'x' }))).toEqual(['error', true])
  expect(logged(new TandemError('ENGINE_FAILED', { engine: 'x', why: 'y' }))).toEqual(['error', true])
  expect(logged(new TandemError('WORKER_LOST', { worker: 'x', why: 'y' }))).toEqual(['warn', false])
  expect(logged(new TandemError('DEADLINE', { ms: 1 }))).toEqual(['warn', false])
  expect(logged(new TandemError('STARTING', { what: 'chat' }))).toEqual(['debug', false])
  expect(logged(new TandemError('SHUTTING_DOWN'))).toEqual(['debug', false])
  expect(logged(new TandemError('INVALID_REQUEST', { what: 'x' }))).toEqual(['debug', false])
})
