import { describe, expect, test } from 'vitest'
import { type AccessRules, checkHost, checkKey, checkOrigin } from './access.ts'

const rules: AccessRules = {
  host: '127.0.0.1',
  allowedHosts: ['tandem.lan', 'box:9000'],
  allowedOrigins: ['https://app.example/'],
  apiKey: undefined,
}

describe('Host', () => {
  test.each([
    '127.0.0.1',
    '127.0.0.1:8420',
    'localhost',
    'LOCALHOST:1',
    '[::1]',
    '[::1]:8420',
    'tandem.lan',
    'tandem.lan:80',
    'box:9000',
    '192.168.1.5:8420',
  ])('%s is served', (host) => {
    expect(() => checkHost(rules, host, { localAddress: '::ffff:192.168.1.5' })).not.toThrow()
  })

  test.each([
    undefined,
    '',
    'evil.example',
    'evil.example:8420',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'evil@127.0.0.1',
    'localhost:8420@evil.example',
    'localhost/',
    '127.0.0.1 ',
    'box:9001',
    'box',
    '192.168.1.6',
  ])('%s is refused', (host) => {
    expect(() => checkHost(rules, host, { localAddress: '192.168.1.5' })).toThrow(
      expect.objectContaining({ code: 'FORBIDDEN_HOST', status: 403 }),
    )
  })
})

describe('Origin', () => {
  test.each([
    [undefined, false],
    ['http://localhost:8420', true],
    ['https://app.example', true],
    ['HTTPS://APP.example', true],
  ])('%s passes, CORS headers: %s', (origin, cors) => {
    expect(checkOrigin(rules, origin, 'localhost:8420')).toBe(cors)
  })

  test.each([
    'null',
    'http://localhost:3000',
    'http://evil.example',
    'https://app.example.evil.example',
    'http://app.example',
    '',
  ])('"%s" is refused', (origin) => {
    expect(() => checkOrigin(rules, origin, 'localhost:8420')).toThrow(
      expect.objectContaining({ code: 'FORBIDDEN_ORIGIN', status: 403 }),
    )
  })
})

describe('API key', () => {
  const locked = { ...rules, apiKey: 'secret-key' }

  test('any key or none is fine where none is configured', () => {
    expect(() => checkKey(rules, undefined, undefined)).not.toThrow()
    expect(() => checkKey(rules, 'Bearer whatever', 'other')).not.toThrow()
  })

  test('the configured key passes in either header', () => {
    expect(() => checkKey(locked, 'Bearer secret-key', undefined)).not.toThrow()
    expect(() => checkKey(locked, 'bearer secret-key', undefined)).not.toThrow()
    expect(() => checkKey(locked, 'Bearer sk-placeholder', 'secret-key')).not.toThrow()
  })

  test.each([
    [undefined, undefined],
    ['Bearer wrong-key', undefined],
    ['Bearer secret-key2', undefined],
    ['Basic secret-key', undefined],
    ['secret-key', undefined],
    [undefined, ''],
  ])('%s and %s are refused', (authorization, xApiKey) => {
    expect(() => checkKey(locked, authorization, xApiKey)).toThrow(
      expect.objectContaining({ code: 'UNAUTHORIZED', status: 401 }),
    )
  })
})
