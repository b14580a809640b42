import { expect, test } from 'vitest'
import { isSupported } from './version.ts'

test.each([
  ['2026.4.1-22982-e213a147257-releases/2026/4', true],
  ['2026.4.0-1-x', true],
  ['2026.10.0-1-x', true],
  ['2027.0.0', true],
  ['2026.3.0-99999-x', false],
  ['2025.4.1-20426-82bbf0292c5', false],
  ['custom_build', false],
])('%s is recent enough: %s', (version, expected) => {
  expect(isSupported(version)).toBe(expected)
})
