/** What one layer of a model took. */
export interface LayerTime {
  readonly name: string
  /** Operation (`MatMul`). */
  readonly type: string
  /** The engine's own name of the device that ran it (`GPU.1`). */
  readonly device: string
  readonly ms: number
}
