/** Packages with native code that Tandem needs. */
export const PROBED_PACKAGES = [
  'onnxruntime-node',
  'node-llama-cpp',
  '@photostructure/sqlite',
  '@ast-grep/napi',
  '@parcel/watcher',
] as const

export type ProbedPackage = (typeof PROBED_PACKAGES)[number]
