const MB = 1e6

interface Progress {
  readonly phase: keyof typeof PHASES
  readonly doneBytes: number
  readonly totalBytes: number
}

const PHASES = {
  waiting: 'waiting for another process that installs',
  downloading: 'downloading',
  verifying: 'verifying',
  unpacking: 'unpacking',
  trying: 'trying',
} as const

/** One line of an installation: `downloading OpenVINO: 40 %, 24 of 59 MB`. */
export function progressText(
  name: string,
  { phase, doneBytes, totalBytes }: Progress,
  width: number,
): string {
  const doing = `${PHASES[phase]} ${name}`
  if (phase === 'waiting' || phase === 'trying' || totalBytes === 0) return doing.slice(0, width)
  const percent = Math.min(100, Math.floor((doneBytes / totalBytes) * 100))
  const size = `${(doneBytes / MB).toFixed(0)} of ${(totalBytes / MB).toFixed(0)} MB`
  return `${doing}: ${percent} %, ${size}`.slice(0, width)
}
