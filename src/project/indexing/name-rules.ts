/** Built-in reasons to leave a path out, by name alone; nothing is read. */

/** Folders of dependencies, caches and tools, never entered. */
const FOLDERS: Readonly<Record<string, string>> = Object.fromEntries([
  ...['.git', '.hg', '.svn', '.jj', 'CVS'].map((name) => [name, 'version control data']),
  ...[
    'node_modules',
    'bower_components',
    'jspm_packages',
    'site-packages',
    '.yarn',
    '.pnpm-store',
    'Pods',
  ].map((name) => [name, 'installed dependencies']),
  ...['__pycache__', '.mypy_cache', '.pytest_cache', '.ruff_cache', '.tox', '.nox', '.eggs', '.cache'].map(
    (name) => [name, 'a cache'],
  ),
  ...['.gradle', '.next', '.nuxt', '.svelte-kit', '.turbo', '.parcel-cache', '.nyc_output', '.terraform'].map(
    (name) => [name, 'build output'],
  ),
  ...['.idea', '.vs', 'DerivedData', '.venv', '.direnv'].map((name) => [name, 'tool data']),
  ...['.ssh', '.gnupg', '.aws', '.azure', '.kube'].map((name) => [name, 'a folder of credentials']),
])

/** Files whose presence says that their folder is not the user's own source. */
const MARKERS: readonly { readonly file: string; readonly folder?: string; readonly reason: string }[] = [
  { file: 'CACHEDIR.TAG', reason: 'a cache (holds CACHEDIR.TAG)' },
  { file: 'pyvenv.cfg', reason: 'a Python environment (holds pyvenv.cfg)' },
  { file: 'modules.txt', folder: 'vendor', reason: 'vendored dependencies (holds modules.txt)' },
  { file: 'autoload.php', folder: 'vendor', reason: 'vendored dependencies (holds autoload.php)' },
  { file: 'bundle', folder: 'vendor', reason: 'vendored dependencies (holds bundle/)' },
]

/** Globs that a watcher can leave out before any rule is asked. */
export const UNWATCHED_GLOBS: readonly string[] = Object.keys(FOLDERS).flatMap((name) => [
  `**/${name}`,
  `**/${name}/**`,
])

/** @returns why a folder of this name is never entered */
export function folderNameReason(name: string): string | undefined {
  const what = Object.hasOwn(FOLDERS, name) ? FOLDERS[name] : undefined
  return what && `built-in rule: the folder ${name} holds ${what}`
}

/** @returns why a folder that has these entries is not entered */
export function folderMarkerReason(name: string, entries: ReadonlySet<string>): string | undefined {
  const marker = MARKERS.find((m) => entries.has(m.file) && (m.folder === undefined || m.folder === name))
  return marker && `built-in rule: the folder ${name} is ${marker.reason}`
}

const SECRET_NAMES: readonly RegExp[] = [
  /^\.env$/,
  /^\.env\.(?!(?:example|sample|template|dist|defaults?)$)/,
  /\.env$/,
  /\.(?:pem|key|p12|pfx|jks|keystore|kdbx?|ppk|gpg|p8|ovpn|tfstate|tfvars)$/,
  /^id_(?:rsa|dsa|ecdsa|ed25519)(?:_.*|\..*)?$/,
  /^\.?(?:netrc|_netrc|git-credentials|htpasswd|pgpass|my\.cnf|dockercfg|boto|s3cfg|vault-token)$/,
  /^(?:credentials|secrets?)(?:\.(?:json|ya?ml|toml|ini|txt))?$/,
  /^(?:service[-_]?account|client[-_]secret)[^/]*\.json$/,
  /\.tfstate\.backup$/,
]

/** @returns why a file of this name must never be read; no rule of the user lifts it */
export function secretNameReason(name: string): string | undefined {
  const lower = name.toLowerCase()
  return SECRET_NAMES.some((rule) => rule.test(lower))
    ? `looks like a secret: files named like ${name} are never indexed`
    : undefined
}

const LOCK_FILES = new Set(
  'package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.yaml bun.lockb bun.lock cargo.lock poetry.lock uv.lock pdm.lock pipfile.lock composer.lock gemfile.lock go.sum mix.lock pubspec.lock podfile.lock flake.lock packages.lock.json deno.lock .ds_store thumbs.db'.split(
    ' ',
  ),
)
const GENERATED_NAMES = /\.(?:map|snap|min\.(?:js|css|mjs|cjs)|bundle\.js|chunk\.js|lock|tsbuildinfo)$/i
const BINARY_EXTENSIONS = new Set(
  `png jpg jpeg gif bmp ico webp avif tif tiff psd ai sketch fig svgz mp3 mp4 m4a m4v mov avi mkv webm wav flac ogg opus
  pdf doc docx xls xlsx ppt pptx odt ods odp epub zip gz tgz bz2 xz zst lz4 7z rar tar jar war ear whl egg deb rpm apk
  dmg iso img exe dll so dylib a lib o obj pdb class pyc pyo wasm node bin dat db sqlite sqlite3 sqlite-wal sqlite-shm
  mdb parquet arrow feather npy npz pt pth ckpt safetensors gguf onnx tflite pb h5 pkl joblib ttf otf woff woff2 eot
  swf blend fbx glb stl heic lockb crx xpi nupkg cer crt der`.split(/\s+/),
)

/** @returns why a file of this name is left out, unless a rule in .tandemignore brings it back */
export function fileNameReason(name: string): string | undefined {
  const lower = name.toLowerCase()
  if (lower === '.git') return 'built-in rule: .git is version control data'
  if (LOCK_FILES.has(lower)) return `built-in rule: ${name} is written by a tool`
  if (GENERATED_NAMES.test(lower)) return `built-in rule: ${name} is generated or minified`
  const dot = lower.lastIndexOf('.')
  if (dot >= 0 && BINARY_EXTENSIONS.has(lower.slice(dot + 1)))
    return `built-in rule: .${lower.slice(dot + 1)} files are binary`
  return undefined
}
