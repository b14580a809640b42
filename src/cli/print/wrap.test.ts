import { expect, test } from 'vitest'
import { wrapped } from './wrap.ts'

test('words go to the next line at 80 columns, with its own indent; a long word stays whole', () => {
  const ten = 'word word word word word word word word word word'
  const long = 'x'.repeat(90)
  expect(wrapped(`${ten} ${ten} ${long} end`, '- ', '  ')).toBe(
    `- ${ten} word word word word word\n  word word word word word\n  ${long}\n  end\n`,
  )
  expect(wrapped('', '  ')).toBe('\n')
})
