/**
 * What `tandem setup openvino` installs. The hashes are those of the wheels as the package index served them when this
 * table was made; pip compares the index's own hash with it, and the downloaded file is hashed once more.
 */
export interface PinnedWheel {
  readonly platform: NodeJS.Platform
  readonly arch: NodeJS.Architecture
  /** The platform tag that pip is asked for. */
  readonly tag: string
  readonly sha256: string
  readonly bytes: number
  /** Of what is unpacked of it. */
  readonly unpackedBytes: number
  /** The oldest C library that it runs with. */
  readonly glibc?: string
}

/** Any of the Pythons that wheels are made for: none of its Python code is used. */
export interface Pinned {
  readonly version: string
  readonly build: string
  readonly python: string
  readonly abi: string
  readonly wheels: readonly PinnedWheel[]
}

export const PINNED: Pinned = {
  version: '2026.4.1',
  build: '22982',
  python: '3.12',
  abi: 'cp312',
  wheels: [
    {
      platform: 'linux',
      arch: 'x64',
      tag: 'manylinux_2_28_x86_64',
      sha256: '6b4375c17ddcac83a5180349e2e2bb811185c261066e2a920659892d58ef0e3b',
      bytes: 59_144_434,
      unpackedBytes: 156_012_838,
      glibc: '2.28',
    },
    {
      platform: 'linux',
      arch: 'arm64',
      tag: 'manylinux_2_35_aarch64',
      sha256: '82efccb2f9f1bdc7e5a1996e05a3b719ebff9232dd54b44150d6d2e983a86b7d',
      bytes: 30_332_437,
      unpackedBytes: 71_479_651,
      glibc: '2.35',
    },
    {
      platform: 'win32',
      arch: 'x64',
      tag: 'win_amd64',
      sha256: '4e04316abff1b99e29b8cbd38deaef9bde4739eba216d982d4b3981e456ecd87',
      bytes: 84_964_415,
      unpackedBytes: 223_928_863,
    },
    {
      platform: 'darwin',
      arch: 'arm64',
      tag: 'macosx_11_0_arm64',
      sha256: '726ac547b8474a5e7b145bc1ae5a8bb6fbcbb60b79bd9a611c67eec2c74b7a5f',
      bytes: 33_341_733,
      unpackedBytes: 111_906_694,
    },
  ],
}

export function wheelName({ version, build, abi }: Pinned, { tag }: PinnedWheel): string {
  return `openvino-${version}-${build}-${abi}-${abi}-${tag}.whl`
}

/** Frontends of formats that Tandem never reads, and what only a compiler needs. */
const LEFT_OUT = /_(tensorflow|tensorflow_lite|pytorch|paddle|jax|gguf)_frontend\.|\.(lib|pc)$/

/** Where a file of the wheel goes in the installation; undefined when it is not needed, or has an odd name. */
export function placeOf(entry: string): string | undefined {
  const [, library] = /^openvino\/libs\/(\w[\w.+-]*)$/.exec(entry) ?? []
  if (library !== undefined) return LEFT_OUT.test(library) ? undefined : `libs/${library}`
  const [, license] = /^openvino-[^/]+\.dist-info\/licenses\/(?:licensing\/)?(\w[\w.+-]*)$/.exec(entry) ?? []
  return license === undefined ? undefined : `licenses/${license}`
}
