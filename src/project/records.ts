/** What indexing hands to the store. Lines are counted from 1, inclusive; paths are relative, forward slashes. */

export interface FileStamp {
  readonly path: string
  readonly sizeBytes: number
  readonly mtimeMs: number
  /** SHA-256 of the content, hex. */
  readonly hash: string
}

export interface ChunkRecord {
  readonly startLine: number
  readonly endLine: number
  /** Name of the definition that the chunk holds or belongs to. */
  readonly symbol?: string
  /** Enclosing definitions, outermost first: `['Queue', 'take']`. */
  readonly scope: readonly string[]
  /** Names that the chunk defines, for look-ups by symbol. */
  readonly defines: readonly string[]
  /** The lines as they are in the file. */
  readonly text: string
  /** What is embedded: the text with what makes it findable; independent of the path, so a moved file keeps its vectors. */
  readonly embedText: string
  /** SHA-256 of `embedText`, hex: equal hashes share one vector. */
  readonly hash: string
}

export interface FileRecord extends FileStamp {
  readonly language: string
  /** Test, example, generated, declaration, documentation, source: for ranking. */
  readonly role: 'source' | 'test' | 'example' | 'generated' | 'declaration' | 'docs' | 'config'
  readonly chunks: readonly ChunkRecord[]
}
