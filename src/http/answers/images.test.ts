import { describe, expect, test } from 'vitest'
import { BMP, GIF, JPEG, PNG, png, WEBP } from '../../../test/support/pictures.ts'
import type { ChatTraits } from '../../domain/index.ts'
import { CHAT } from '../testing/doubles.ts'
import { checkImages, imageAt, imageOf, joinParts } from './images.ts'

const refusal = (what: string) =>
  expect.objectContaining({ code: 'INVALID_REQUEST', param: 'p', message: expect.stringContaining(what) })

describe('a picture', () => {
  test.each([
    [PNG, 'image/png'],
    [JPEG, 'image/jpeg'],
    [GIF, 'image/gif'],
    [WEBP, 'image/webp'],
  ])('is known by its first bytes', (base64, type) => {
    expect(imageOf(base64, 'p')).toEqual({ type, base64 })
    expect(imageAt(`data:image/png;base64,${base64}`, 'p')).toEqual({ type, base64 })
  })

  test('broken into lines is read too', () => {
    expect(imageOf(PNG.replace(/.{20}/g, '$&\n'), 'p')).toEqual(png)
  })

  test.each([
    [BMP, 'PNG, JPEG, WebP, GIF'],
    ['', 'base64'],
    ['not base64!', 'base64'],
    [Buffer.alloc(20 * 1024 * 1024 + 3).toString('base64'), 'more than 20971520 bytes'],
  ])('%.20s is refused', (base64, what) => {
    expect(() => imageOf(base64, 'p')).toThrow(refusal(what))
  })
})

describe('an address', () => {
  test('is kept as it is', () => {
    expect(imageAt('https://example.com/a.png', 'p')).toEqual({ url: 'https://example.com/a.png' })
  })

  test.each([
    ['file:///etc/passwd', 'data:image'],
    ['/tmp/a.png', 'data:image'],
    ['http://', 'data:image'],
    ['data:text/plain;base64,aGk=', 'data:image'],
    ['data:image/png,aGk', 'data:image'],
    [`https://example.com/${'a'.repeat(9000)}`, '8192 characters'],
  ])('%.40s is refused', (url, what) => {
    expect(() => imageAt(url, 'p')).toThrow(refusal(what))
  })
})

test.each([
  [['a', 'b'], '-', { content: 'a-b' }],
  [[{ source: png }, 'a'], '-', { content: 'a', images: [{ at: 0, source: png }] }],
  [
    ['a', { source: png, detail: 'low' }, 'b', { source: png }],
    '-',
    {
      content: 'a-b',
      images: [
        { at: 1, source: png, detail: 'low' },
        { at: 3, source: png },
      ],
    },
  ],
])('%j joined', (parts, separator, expected) => {
  expect(joinParts(parts, separator)).toEqual(expected)
})

describe('who reads them', () => {
  const chat = (traits: Partial<ChatTraits>) => ({ ...CHAT, chat: { groundedOnly: false, ...traits } })
  const seeing = { ...chat({ images: 'yes' }), id: 'seeing' }
  const messages = (source: object, count = 1) => {
    const images = Array.from({ length: count }, () => ({ at: 0, source: source as typeof png }))
    return {
      messages: [{ role: 'user', content: '' } as const, { role: 'user', content: '', images } as const],
    }
  }

  test.each([{ images: 'yes' }, { images: 'untold' }] as const)('%j', (traits) => {
    expect(() => checkImages(messages(png), chat(traits), () => [])).not.toThrow()
  })

  test('a model of text only refuses, and names those that read them', () => {
    const error = { code: 'IMAGES_UNSUPPORTED', status: 400, param: 'messages.1' }
    expect(() => checkImages(messages(png), CHAT, () => [CHAT, seeing])).toThrow(
      expect.objectContaining({
        ...error,
        message: expect.stringContaining('these here read images: seeing'),
      }),
    )
    expect(() => checkImages(messages(png), CHAT, () => [CHAT])).toThrow(
      expect.objectContaining({ ...error, message: expect.stringContaining('no model here reads images') }),
    )
    expect(() => checkImages({ messages: [{ role: 'user', content: 'x' }] }, CHAT, () => [])).not.toThrow()
  })

  test('an address goes only to a server that fetches it, where chats may leave the machine', () => {
    const asked = messages({ url: 'https://example.com/a.png' })
    expect(() => checkImages(asked, chat({ images: 'yes', imageUrls: true }), () => [])).not.toThrow()
    expect(() => checkImages(asked, seeing, () => [])).toThrow(
      expect.objectContaining({ message: expect.stringContaining('nothing is fetched here') }),
    )
  })

  test('64 at most', () => {
    expect(() => checkImages(messages(png, 64), seeing, () => [])).not.toThrow()
    expect(() => checkImages(messages(png, 65), seeing, () => [])).toThrow(/65 images; at most 64/)
  })
})
