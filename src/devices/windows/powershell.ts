import { execFile } from 'node:child_process'
import { join } from 'node:path'

const MAX_OUTPUT = 1024 * 1024

export interface PowerShellOptions {
  readonly limitMs: number
  readonly signal: AbortSignal
  readonly env: NodeJS.ProcessEnv
}

/**
 * Runs a script by Windows' own PowerShell.
 * @returns what it printed
 * @throws Error `PowerShell did not answer: ...`; the signal's reason
 */
export function runPowerShell(script: string, { limitMs, signal, env }: PowerShellOptions): Promise<string> {
  const shell = join(env['SystemRoot'] ?? 'C:\\Windows', 'System32/WindowsPowerShell/v1.0/powershell.exe')
  const encoded = Buffer.from(script, 'utf16le').toString('base64')
  const args = ['-NoProfile', '-NonInteractive', '-EncodedCommand', encoded]
  const options = { timeout: limitMs, maxBuffer: MAX_OUTPUT, windowsHide: true, signal }
  return new Promise((resolve, reject) => {
    execFile(shell, args, options, (error, stdout) => {
      if (signal.aborted) reject(signal.reason)
      else if (error) reject(new Error(`PowerShell did not answer: ${error.message.slice(0, 200)}`))
      else resolve(stdout)
    })
  })
}
