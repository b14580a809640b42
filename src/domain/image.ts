import type { ChatMessage } from './chat.ts'

export const IMAGE_TYPES = ['image/png', 'image/jpeg', 'image/webp', 'image/gif'] as const
export type ImageType = (typeof IMAGE_TYPES)[number]

/** The picture itself, or an address that only the model's server fetches. */
export type ImageSource = { readonly type: ImageType; readonly base64: string } | { readonly url: string }

/** A picture in a message. */
export interface ChatImage {
  /** Characters of the message's text before it. */
  readonly at: number
  readonly source: ImageSource
  /** How closely the model is to look, in OpenAI's words; passed on as it is. */
  readonly detail?: string
}

/** Pictures of a message, in the order of their places. */
export function imagesOf(message: ChatMessage): readonly ChatImage[] {
  return ('images' in message && message.images) || []
}
