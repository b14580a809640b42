const MAX_LINES = 100

/** llama.cpp explains a bad file in many lines: one of them becomes the error, all are shown once the model has loaded. */
export class HeldLines {
  #held: { line: string; isError: boolean }[] | undefined = []

  push(line: string, isError: boolean): void {
    if (!this.#held) show(line)
    else if (this.#held.length < MAX_LINES) this.#held.push({ line, isError })
  }

  get firstError(): string | undefined {
    return this.#held?.find(({ isError }) => isError)?.line
  }

  /** Shows what was held; from now on nothing is. */
  release(): void {
    const held = this.#held ?? []
    this.#held = undefined
    for (const { line } of held) show(line)
  }
}

function show(line: string): void {
  process.stderr.write(`llama.cpp: ${line}\n`)
}
