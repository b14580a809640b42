import { expect, test } from 'vitest'
import { readSubmodelDevices } from './profile.ts'

test('the header of an exported HETERO model tells the device of each part', () => {
  const header =
    '<?xml version="1.0"?><hetero name="m" blob_format_version="2"><compiled_submodels>' +
    '<compiled_submodel device="GPU.1"/><compiled_submodel payload="ir" device="CPU"/><compiled_submodel device="GPU.1"/>' +
    '</compiled_submodels><hetero_config><config key="MULTI_DEVICE_PRIORITIES" value="GPU.1,CPU"/></hetero_config></hetero>\n' +
    'BLOB<compiled_submodel device="NPU"/>'
  expect(readSubmodelDevices(header)).toEqual(['GPU.1', 'CPU', 'GPU.1'])
})

test('another file tells nothing', () => {
  expect(readSubmodelDevices('<compiled_submodel device="CPU"/>')).toEqual([])
})
