/** Small pictures in base64: a whole PNG of one pixel, and beginnings of the other kinds, which tell what they are. */
export const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
export const JPEG = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16, 74, 70, 73, 70]).toString('base64')
export const GIF = Buffer.from('GIF89a\u0001\0\u0001\0').toString('base64')
export const WEBP = Buffer.from('RIFF\u001a\0\0\0WEBPVP8L').toString('base64')
/** A picture, but of a kind that models do not read. */
export const BMP = Buffer.from('BM6\0\0\0').toString('base64')

export const png = { type: 'image/png', base64: PNG } as const
export const PNG_URL = `data:image/png;base64,${PNG}`
