/**
 * Keys that the user keeps in the system's keychain, read by the system's own program: no native library for a few bytes, and what
 * stores a key is what reads it.
 */
import { execFile } from 'node:child_process'
import { runPowerShell } from '../../devices/index.ts'

/** The keychain may ask the user first. */
const LIMIT_MS = 30_000
const MAX_KEY_BYTES = 16_384
/** Under it all entries stand. */
const SERVICE = 'tandem'
/** errSecItemNotFound, as far as an exit status holds it. */
const NO_SUCH_ITEM = 44
/** Of Windows' winerror.h. */
const ERROR_NOT_FOUND = '1168'
/** What the script below prints before a key. */
const FOUND = 'key:'

export interface KeychainOptions {
  readonly env: NodeJS.ProcessEnv
  readonly platform: NodeJS.Platform
  readonly signal: AbortSignal
}

/** How a person stores a key there, as one command. */
export function storingCommand(name: string, platform: NodeJS.Platform): string {
  if (platform === 'darwin') return `security add-generic-password -s ${SERVICE} -a ${name} -w`
  if (platform === 'win32') return `cmdkey /generic:${SERVICE}:${name} /user:${name} /pass`
  return `secret-tool store --label="${SERVICE} ${name}" service ${SERVICE} account ${name}`
}

/**
 * @param name letters, digits and `_ . -` only, as the configuration makes sure
 * @returns undefined where there is no such entry
 * @throws Error one clause, without anything of the key; the signal's reason
 */
export async function readKeychain(name: string, options: KeychainOptions): Promise<string | undefined> {
  if (options.platform === 'win32') return readCredential(name, options)
  const [program, ...args] =
    options.platform === 'darwin'
      ? ['security', 'find-generic-password', '-s', SERVICE, '-a', name, '-w']
      : ['secret-tool', 'lookup', 'service', SERVICE, 'account', name]
  return run(program!, args, options)
}

function run(program: string, args: string[], { env, signal }: KeychainOptions): Promise<string | undefined> {
  const options = { env, signal, timeout: LIMIT_MS, maxBuffer: MAX_KEY_BYTES }
  return new Promise((resolve, reject) => {
    execFile(program, args, options, (error, stdout, stderr) => {
      if (signal.aborted) reject(signal.reason)
      else if (!error) resolve(keyIn(stdout))
      else if (error.code === 'ENOENT') reject(new Error(`${program}, which reads it, is not here`))
      else if (error.killed) reject(new Error(`${program} did not answer within ${LIMIT_MS} ms`))
      else if (hasNone(program, error.code, stderr)) resolve(undefined)
      else reject(unreadable(program, typeof error.code === 'number' ? `exit ${error.code}` : error.code))
    })
  })
}

/** Where there is no such entry `security` says so by its exit, and `secret-tool` ends without a word. */
function hasNone(program: string, code: unknown, stderr: string): boolean {
  return program === 'security' ? code === NO_SUCH_ITEM : code === 1 && stderr.trim() === ''
}

/** What a program printed is left out: it may hold more. */
function unreadable(program: string, how: string | null | undefined): Error {
  return new Error(`it could not be read (${program}: ${how ?? 'it was ended'})`)
}

/** `advapi32`'s CredRead, as `cmdkey` writes: a generic credential whose password is UTF-16. */
const READ_CREDENTIAL = `
Add-Type -TypeDefinition @'
using System; using System.Runtime.InteropServices;
public static class TandemCredential {
  [StructLayout(LayoutKind.Sequential, CharSet = CharSet.Unicode)]
  struct Credential { public uint Flags; public uint Type; public string TargetName; public string Comment; public long LastWritten;
    public uint BlobSize; public IntPtr Blob; public uint Persist; public uint AttributeCount; public IntPtr Attributes;
    public string TargetAlias; public string UserName; }
  [DllImport("advapi32.dll", CharSet = CharSet.Unicode, SetLastError = true)]
  static extern bool CredReadW(string target, uint type, uint flags, out IntPtr credential);
  [DllImport("advapi32.dll")] static extern void CredFree(IntPtr credential);
  public static string Read(string target) {
    IntPtr at; if (!CredReadW(target, 1, 0, out at)) return "error:" + Marshal.GetLastWin32Error();
    try { var found = (Credential)Marshal.PtrToStructure(at, typeof(Credential));
      return "key:" + Marshal.PtrToStringUni(found.Blob, (int)found.BlobSize / 2); }
    finally { CredFree(at); }
  }
}
'@
[Console]::Out.Write([TandemCredential]::Read('TARGET'))
`

async function readCredential(name: string, { env, signal }: KeychainOptions): Promise<string | undefined> {
  const script = READ_CREDENTIAL.replace('TARGET', `${SERVICE}:${name}`)
  const printed = await runPowerShell(script, { limitMs: LIMIT_MS, signal, env })
  if (printed.startsWith(FOUND)) return keyIn(printed.slice(FOUND.length))
  const [, code] = /^error:(\d+)\s*$/.exec(printed) ?? []
  if (code === ERROR_NOT_FOUND) return undefined
  throw unreadable('CredRead', code === undefined ? 'no answer' : `error ${code}`)
}

function keyIn(printed: string): string | undefined {
  const key = printed.replace(/\r?\n$/, '')
  return key === '' ? undefined : key
}
