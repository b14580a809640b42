import { expect, test } from 'vitest'
import { NativeError, shortMessage, toTandemError } from './errors.ts'

const mapped = (message: string, call = 'ov_core_compile_model_props') =>
  toTandemError(new NativeError(call, -1, message), { device: 'GPU.1', model: 'some-model' })

test('places in the source of OpenVINO are left out of a message', () => {
  const message =
    'Exception from src/inference/src/cpp/core.cpp:117:\nException from src/a.cpp:54:\n[AUTO] failed, NPU:Exception from src/b.cpp:5:\nno blob\n\n'
  expect(shortMessage(message)).toBe('[AUTO] failed, NPU:; no blob')
})

// Messages of OpenVINO 2026.4 and its plugins.
test.each([
  ['Device with "FOO" name is not registered in the OpenVINO Runtime', 'DEVICE_NOT_FOUND', 'GPU.1'],
  [
    'Cannot load library "libopenvino_intel_gpu_plugin.so": libOpenCL.so.1: cannot open shared object file',
    'DRIVER_MISSING',
    'libOpenCL.so.1',
  ],
  ['VCL compiler loading failed, aborting. Error: no such file', 'DRIVER_MISSING', 'VCL'],
  ['[GPU] clEnqueueNDRangeKernel, error code: -5 CL_OUT_OF_RESOURCES', 'DEVICE_OUT_OF_MEMORY', 'some-model'],
  ['std::bad_alloc', 'DEVICE_OUT_OF_MEMORY', 'smaller model'],
  ["Opset opset8 doesn't contain the operation with type: Gothar", 'MODEL_UNSUPPORTED', 'operator Gothar'],
  [
    'OpenVINO does not support the following ONNX operations: com.acme.Fancy\n',
    'MODEL_UNSUPPORTED',
    'com.acme.Fancy',
  ],
  ['Argument shapes are inconsistent.', 'MODEL_UNSUPPORTED', 'shape does not fit'],
  ['something else', 'ENGINE_FAILED', 'GPU.1: something else'],
])('"%s" is %s', (message, code, said) => {
  expect(mapped(message)).toMatchObject({ code, message: expect.stringContaining(said) })
})

test('a call without a message names itself and its status', () => {
  expect(mapped('', 'ov_core_create').message).toContain('ov_core_create failed with status -1')
})
