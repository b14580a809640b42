/** Release builds of llama.cpp, small: a shell script stands where llama-server is, and says what it says. */
import { execFileSync } from 'node:child_process'
import { createCipheriv } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeZip } from './make-zip.ts'

export interface FakeServer {
  /** Of the build: `version: 6869 (abc)`. */
  readonly build?: number
  /** Lines of `--list-devices`. */
  readonly devices?: readonly string[]
  /** What it prints instead, and ends with exit code 127: a library is missing. */
  readonly fails?: string
  /** Bytes that no packing makes fewer. */
  readonly ballast?: number
}

function script({ build = 6869, devices = [], fails }: FakeServer): string {
  const list = ['Available devices:', ...(devices.length > 0 ? devices : ['(none)'])].map(
    (line) => `  ${line}`,
  )
  return [
    '#!/bin/sh',
    ...(fails === undefined ? [] : [`echo "${fails}" >&2`, 'exit 127']),
    'case "$1" in',
    `--version) echo "version: ${build} (abcdef12)" >&2 ;;`,
    `--list-devices) cat <<END\n${list.join('\n').trimStart()}\nEND\n;;`,
    '*) exit 1 ;;',
    'esac',
    '',
  ].join('\n')
}

/** As the builds for Linux are packed: by GNU tar, in a folder of the release's name, libraries with links. */
export function linuxBuild(tag: string, server: FakeServer = {}): Buffer {
  const work = mkdtempSync(join(tmpdir(), 'tandem-llama-build-'))
  try {
    const folder = join(work, `llama-${tag}`)
    mkdirSync(folder)
    writeFileSync(join(folder, 'llama-server'), script(server), { mode: 0o755 })
    writeFileSync(join(folder, 'libllama.so.0'), ballast(server.ballast ?? 2000))
    symlinkSync('libllama.so.0', join(folder, 'libllama.so'))
    return execFileSync('tar', ['-cz', '-C', work, `llama-${tag}`], { maxBuffer: 64 * 1024 * 1024 })
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** As the builds for Windows are packed: no folder, no modes. */
export function windowsBuild(server: FakeServer = {}): Buffer {
  return makeZip([
    { name: 'ggml-vulkan.dll', content: ballast(server.ballast ?? 2000) },
    { name: 'llama-server.exe', content: Buffer.from(script(server)) },
  ])
}

function ballast(bytes: number): Buffer {
  return createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(bytes))
}
