import { Transform } from 'node:stream'

/** Shows what passes, and ends at the size that was promised. */
export function counted(name: string, bytes: number, onChunk: (chunk: Buffer) => void): Transform {
  let seen = 0
  const wrong = () => new Error(`${name} does not have its ${bytes} bytes`)
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      seen += chunk.length
      if (seen > bytes) return done(wrong())
      onChunk(chunk)
      done(null, chunk)
    },
    flush: (done) => done(seen === bytes ? null : wrong()),
  })
}
