/** A made-up `/proc`: processes with what they have open, and what the kernel tells of it. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

export interface Open {
  readonly target: string
  /** Its fdinfo. */
  readonly info?: string
}

export function writeUnder(root: string, path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}

export function processUnder(
  root: string,
  pid: number,
  parent: number,
  name: string,
  open: readonly Open[],
): void {
  writeUnder(root, `proc/${pid}/stat`, `${pid} (${name}) S ${parent} ${pid} ${pid} 0 -1 4194304\n`)
  for (const [fd, { target, info }] of open.entries()) {
    mkdirSync(join(root, `proc/${pid}/fd`), { recursive: true })
    symlinkSync(target, join(root, `proc/${pid}/fd/${fd}`))
    writeUnder(root, `proc/${pid}/fdinfo/${fd}`, `pos:\t0\nflags:\t02100002\n${info ?? ''}`)
  }
}

/** As xe writes it. */
export const xeInfo = (client: number, vram: string) => `drm-driver:\txe
drm-client-id:\t${client}
drm-pdev:\t0000:03:00.0
drm-total-vram0:\t${vram}
drm-resident-vram0:\t${vram}
drm-resident-gtt:\t0
drm-cycles-ccs:\t28257900
drm-total-cycles-ccs:\t7655183225
`
