/** What is wrong with an Intel GPU or NPU and what to do, as rules over plain facts. */
import {
  KNOWN_DEVICES,
  type LinuxAccelerator,
  type LinuxFacts,
  type WindowsAccelerator,
} from '../../devices/index.ts'
import { compareVersions } from '../../engines/openvino/installation/index.ts'

interface Rule<D, F> {
  readonly id: string
  /** What is wrong; undefined when nothing is. */
  readonly found: (device: D, facts: F) => string | undefined
  readonly advice: (device: D, facts: F) => string
}

export interface RuleFinding {
  readonly id: string
  readonly found: string
  readonly advice: string
}

type LinuxRule = Rule<LinuxAccelerator, LinuxFacts>

const NPU_RELEASES =
  'from the releases of intel/linux-npu-driver on GitHub, or `snap install intel-npu-driver`'

const kernelOf = ({ id }: LinuxAccelerator) => KNOWN_DEVICES[id]?.kernel
const isOld = (device: LinuxAccelerator, { kernel }: LinuxFacts): boolean =>
  compareVersions(numbersOf(kernel), kernelOf(device) ?? '0') < 0
const moduleOf = ({ id }: LinuxAccelerator): string => KNOWN_DEVICES[id]?.module ?? 'i915'

/** Without these nothing else can be judged: the first that applies ends the list. */
const LINUX_BASE: readonly LinuxRule[] = [
  {
    id: 'kernel',
    found: (device, facts) =>
      device.driver === undefined && isOld(device, facts)
        ? `kernel ${facts.kernel} has no driver for it; ${kernelOf(device)} is the first`
        : undefined,
    advice: (device) =>
      `install a kernel of ${kernelOf(device)} or newer (Ubuntu: \`linux-generic-hwe-24.04\`)`,
  },
  {
    id: 'driver',
    found: ({ driver }, { kernel }) =>
      driver === undefined ? `no driver of kernel ${kernel} has taken it` : undefined,
    advice: (device) =>
      `\`sudo modprobe ${moduleOf(device)}\`; if the module is missing, install the kernel's extra modules (Ubuntu: \`linux-modules-extra-$(uname -r)\`), and look at \`sudo dmesg | grep ${moduleOf(device)}\``,
  },
  {
    id: 'firmware',
    found: ({ kind, nodes }, { npuFirmware }) =>
      kind === 'npu' && nodes.length === 0 && npuFirmware.length === 0
        ? 'no firmware for it in /lib/firmware/intel/vpu, so there is no /dev/accel/accel0'
        : undefined,
    advice: () =>
      `install linux-firmware (or intel-fw-npu ${NPU_RELEASES}), then \`sudo modprobe -r intel_vpu && sudo modprobe intel_vpu\``,
  },
  {
    id: 'node',
    found: ({ kind, nodes, driver }) =>
      nodes.length === 0
        ? `driver ${driver} made no ${kind === 'npu' ? '/dev/accel/accel*' : '/dev/dri/renderD*'}`
        : undefined,
    advice: (device) =>
      `look at \`sudo dmesg | grep ${device.driver}\`; in a container pass the device on (\`--device ${device.kind === 'npu' ? '/dev/accel' : '/dev/dri'}\`)`,
  },
]

const LINUX_MORE: readonly LinuxRule[] = [
  {
    id: 'access',
    found: ({ nodes }) => {
      const barred = nodes.filter(({ usable }) => !usable)
      if (barred.length === 0) return undefined
      return `this user may not use ${barred.map(({ path, group }) => `${path} (group ${group})`).join(', ')}`
    },
    advice: ({ nodes }) => {
      const groups = [...new Set(nodes.filter(({ usable }) => !usable).map(({ group }) => group))]
      return groups.includes('root')
        ? 'give the device to the group `render`: `sudo chown root:render FILE && sudo chmod g+rw FILE`, and a udev rule that does so at every start'
        : `\`sudo usermod -aG ${groups.join(',')} $USER\`, then log in again`
    },
  },
  {
    id: 'level-zero',
    found: ({ kind }, { libraries }) =>
      kind === 'npu' && !libraries.includes('levelZero') ? 'the Level Zero loader is missing' : undefined,
    advice: () => 'install level-zero (Debian and Ubuntu: `sudo apt install libze1`)',
  },
  {
    id: 'npu-driver',
    found: ({ kind }, { libraries }) =>
      kind === 'npu' && !libraries.includes('npuDriver')
        ? "the NPU's user-mode driver is missing"
        : undefined,
    advice: () => `install intel-level-zero-npu ${NPU_RELEASES}`,
  },
  {
    id: 'npu-compiler',
    found: ({ kind }, { libraries }) =>
      kind === 'npu' && libraries.includes('npuDriver') && !libraries.includes('npuCompiler')
        ? "the NPU's compiler is missing: it can run models, but compile none"
        : undefined,
    advice: () => `install intel-driver-compiler-npu ${NPU_RELEASES}`,
  },
  {
    id: 'opencl',
    found: ({ kind }, { libraries }) =>
      kind === 'gpu' && !libraries.includes('openCl') ? 'the OpenCL loader is missing' : undefined,
    advice: () => 'install it (Debian and Ubuntu: `sudo apt install ocl-icd-libopencl1`)',
  },
  {
    id: 'gpu-driver',
    found: ({ kind }, { openClIcd }) =>
      kind === 'gpu' && !openClIcd ? "the GPU's compute driver is missing" : undefined,
    advice: () =>
      "install Intel's compute runtime (Debian and Ubuntu: `sudo apt install intel-opencl-icd libze-intel-gpu1`); for an Arc B-series GPU take version 24.45 or newer",
  },
]

/** Codes of the device manager. */
const [FINE, DISABLED, NO_DRIVER] = [0, 22, 28]

const WINDOWS: readonly Rule<WindowsAccelerator, undefined>[] = [
  {
    id: 'driver',
    found: ({ problem, driverVersion }) =>
      problem === NO_DRIVER || (problem === FINE && driverVersion === undefined)
        ? 'it has no driver'
        : undefined,
    advice: ({ kind }) => WINDOWS_DRIVERS[kind],
  },
  {
    id: 'basic-driver',
    found: ({ kind, name }) =>
      kind === 'gpu' && /basic (display|render)/i.test(name) ? `Windows runs it as "${name}"` : undefined,
    advice: ({ kind }) => WINDOWS_DRIVERS[kind],
  },
  {
    id: 'disabled',
    found: ({ problem }) => (problem === DISABLED ? 'it is disabled' : undefined),
    advice: () => 'enable it in the device manager',
  },
  {
    id: 'problem',
    found: ({ problem }) =>
      ![FINE, DISABLED, NO_DRIVER].includes(problem)
        ? `the device manager reports problem ${problem}`
        : undefined,
    advice: ({ kind }) => `restart; if it stays, ${WINDOWS_DRIVERS[kind]}`,
  },
]

const WINDOWS_DRIVERS = {
  npu: 'install "Intel NPU Driver - Windows" from Intel\'s download site, or Windows Update, optional updates',
  gpu: 'install "Intel Arc & Iris Xe Graphics - Windows" from Intel\'s download site',
} as const

/** What hinders a device of a Linux machine; empty when all is there. */
export function linuxFindings(device: LinuxAccelerator, facts: LinuxFacts): RuleFinding[] {
  const [base] = apply(LINUX_BASE, device, facts)
  const more = apply(LINUX_MORE, device, facts)
  return base ? [base, ...more.filter(({ id }) => id !== 'access')] : more
}

/** The same for Windows. */
export function windowsFindings(device: WindowsAccelerator): RuleFinding[] {
  return apply(WINDOWS, device, undefined)
}

function apply<D, F>(rules: readonly Rule<D, F>[], device: D, facts: F): RuleFinding[] {
  return rules.flatMap((rule) => {
    const found = rule.found(device, facts)
    return found === undefined ? [] : [{ id: rule.id, found, advice: rule.advice(device, facts) }]
  })
}

/** `6.8.0-45-generic` is 6.8.0 */
function numbersOf(kernel: string): string {
  return /^\d+(\.\d+){0,2}/.exec(kernel)?.[0] ?? '0'
}
