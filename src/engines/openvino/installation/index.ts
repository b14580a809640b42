/** Finding and installing OpenVINO; plain Node, loads nothing native. */
export { findOpenVino } from './find.ts'
export { type InstallProgress, installOpenVino } from './install.ts'
export {
  loadingEnvironment,
  type OpenVinoCandidate,
  type OpenVinoInstallation,
  type OpenVinoSearch,
  whyNone,
} from './installation.ts'
export { PINNED } from './pinned.ts'
export {
  fullName,
  type LoadedOpenVino,
  type OpenVinoProbe,
  probeOpenVino,
  readProbe,
} from './probe-client.ts'
export { compareVersions, isSupported, OLDEST_OPENVINO } from './version.ts'
