/** Pictures in a request, the same for every dialect: what they may be, and who reads them. Pure. */
import {
  type ChatImage,
  type ChatRequest,
  type ImageSource,
  type ImageType,
  imagesOf,
  TandemError,
} from '../../domain/index.ts'
import type { HttpDeps, ModelEntry } from '../deps.ts'
import { refuse } from '../validate.ts'

/** Beside the limit of the whole body. */
const MAX_IMAGE_BYTES = 20 * 1024 * 1024
const MAX_IMAGES = 64
/** Longer ones are none that a server fetches. */
const MAX_URL_CHARACTERS = 8_192
/** Of the base64 text that holds the first bytes of a picture. */
const HEAD_CHARACTERS = 16

/** How each kind begins, in hex. */
const BEGINNINGS: readonly (readonly [ImageType, RegExp])[] = [
  ['image/png', /^89504e470d0a1a0a/],
  ['image/jpeg', /^ffd8ff/],
  ['image/gif', /^474946383[79]61/],
  ['image/webp', /^52494646.{8}57454250/],
]

/** A picture between the texts of a message. */
export interface ImagePart {
  readonly source: ImageSource
  readonly detail?: string
}

/**
 * @param param name of the field that holds it
 * @throws TandemError INVALID_REQUEST for what is no picture of a known kind, or too large
 */
export function imageOf(base64: string, param: string): ImageSource {
  const text = /\s/.test(base64) ? base64.replace(/\s+/g, '') : base64
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) refuse(param, 'expected an image in base64')
  const bytes = Math.floor((text.length * 3) / 4)
  if (bytes > MAX_IMAGE_BYTES)
    refuse(param, `the image has more than ${MAX_IMAGE_BYTES} bytes; send a smaller one`)
  const head = Buffer.from(text.slice(0, HEAD_CHARACTERS), 'base64').toString('hex')
  const [type] = BEGINNINGS.find(([, beginning]) => beginning.test(head)) ?? []
  return type
    ? { type, base64: text }
    : refuse(param, 'is no image of a known kind; allowed: PNG, JPEG, WebP, GIF')
}

/** An address is only read here, and never fetched: `checkImages` says who may. Same errors. */
export function imageAt(url: string, param: string): ImageSource {
  if (/^data:/i.test(url)) {
    const [, base64] = /^data:image\/[\w.+-]+(?:;[\w.+-]+=[^;,]*)*;base64,([\s\S]*)$/i.exec(url) ?? []
    return base64 === undefined ? refuse(param, 'expected data:image/...;base64,...') : imageOf(base64, param)
  }
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url))
    refuse(param, 'expected an image as data:image/...;base64,...')
  return url.length > MAX_URL_CHARACTERS
    ? refuse(param, `the address has more than ${MAX_URL_CHARACTERS} characters`)
    : { url }
}

/** @param separator between two texts */
export function joinParts(
  parts: readonly (string | ImagePart)[],
  separator: string,
): { readonly content: string; readonly images?: readonly ChatImage[] } {
  const images: ChatImage[] = []
  let content = ''
  let hasText = false
  for (const part of parts) {
    if (typeof part !== 'string') images.push({ at: content.length, ...part })
    else {
      content += hasText ? separator + part : part
      hasText = true
    }
  }
  return { content, ...(images.length > 0 ? { images } : {}) }
}

/** Pictures of a text that stands behind another by now. */
export function shifted(images: readonly ChatImage[], by: number): ChatImage[] {
  return images.map((image) => ({ ...image, at: image.at + by }))
}

/**
 * Refuses pictures that the model does not read, and addresses that its server does not fetch.
 * @throws TandemError IMAGES_UNSUPPORTED, INVALID_REQUEST
 */
export function checkImages(
  { messages }: Pick<ChatRequest, 'messages'>,
  { id, chat }: ModelEntry,
  models: HttpDeps['models'],
): void {
  const where = messages.findIndex((message) => imagesOf(message).length > 0)
  if (where === -1) return
  const param = `messages.${where}`
  if (chat?.images === undefined) {
    const able = models().filter((model) => model.chat?.images === 'yes')
    const details = { model: id, able: able.map((model) => model.id).join(', ') }
    throw new TandemError('IMAGES_UNSUPPORTED', details, { param })
  }
  const images = messages.flatMap(imagesOf)
  if (images.length > MAX_IMAGES)
    refuse(param, `${images.length} images; at most ${MAX_IMAGES} in one request`)
  if (chat.imageUrls || !images.some(({ source }) => 'url' in source)) return
  refuse(
    param,
    'an image is given by its address, and nothing is fetched here; send it as data:image/...;base64,...',
  )
}
