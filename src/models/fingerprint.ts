import { createHash } from 'node:crypto'
import { isTokenizer, type Manifest } from './manifest.ts'

/**
 * Hash of exactly what changes a model's vectors (or, without vectors, its text); 64 hexadecimal digits.
 * The weights' file format is left out: ONNX and OpenVINO files of one revision agree to a cosine of .9998 and share an index.
 */
export function fingerprintOf(manifest: Manifest): string {
  const { id, revision, contextTokens, embedding } = manifest
  const files = Object.values(manifest.files).flat()
  const identity = embedding
    ? [
        id,
        revision,
        contextTokens, // where a longer text is cut
        embedding.pooling,
        embedding.normalize,
        embedding.dimensions,
        embedding.text.splitCamelCase,
        embedding.text.maxWordLength ?? null,
        embedding.text.queryPrefix,
        embedding.text.passagePrefix,
        files.find((file) => isTokenizer(file.path))?.sha256 ?? null,
      ]
    : [id, revision, contextTokens, files.map((file) => file.sha256).sort()]
  return createHash('sha256').update(JSON.stringify(identity)).digest('hex')
}
