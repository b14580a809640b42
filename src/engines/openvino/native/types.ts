/** The C structures and prototypes that this engine uses, as koffi describes them. */
import koffi, { type TypeObject } from 'koffi'

const handle = 'void *'
const handleOut = koffi.out(koffi.pointer('void *'))
const sizeOut = koffi.out(koffi.pointer('size_t'))
const intOut = koffi.out(koffi.pointer('int'))

// Strings inside are kept as addresses: what the library gives has to go back to its own free function.
const version = koffi.struct({ buildNumber: handle, description: handle })
const deviceVersion = koffi.struct({ deviceName: handle, version })
const list = koffi.struct({ items: handle, size: 'size_t' })
const shape = koffi.struct({ rank: 'int64', dims: handle })
const dimension = koffi.struct({ min: 'int64', max: 'int64' })
const partialShape = koffi.struct({ rank: dimension, dims: handle })
const property = koffi.struct({ key: 'str', value: 'str' })
const layerTime = koffi.struct({
  status: 'int',
  realUs: 'int64',
  cpuUs: 'int64',
  nodeName: handle,
  execType: handle,
  nodeType: handle,
})

/** Items of the lists that the library returns. */
export const ITEMS = { deviceVersion, layerTime, string: koffi.type(handle), dimension } as const

const out = (type: TypeObject) => koffi.out(koffi.pointer(type))
const inout = (type: TypeObject) => koffi.inout(koffi.pointer(type))

type Signature = readonly [
  result: string,
  parameters: readonly (string | TypeObject | ReturnType<typeof koffi.out>)[],
]

/** Status functions return 0 when they worked. Strings are UTF-8, paths too. */
export const SIGNATURES = {
  ov_get_openvino_version: ['int', [out(version)]],
  ov_version_free: ['void', [inout(version)]],
  ov_get_last_err_msg: [handle, []],
  ov_get_error_info: ['str', ['int']],
  ov_free: ['void', [handle]],

  ov_core_create: ['int', [handleOut]],
  ov_core_free: ['void', [handle]],
  ov_core_get_available_devices: ['int', [handle, out(list)]],
  ov_available_devices_free: ['void', [inout(list)]],
  ov_core_get_property: ['int', [handle, 'str', 'str', handleOut]],
  ov_core_set_properties: ['int', [handle, 'str', 'size_t', koffi.pointer(property)]],
  ov_core_get_versions_by_device_name: ['int', [handle, 'str', out(list)]],
  ov_core_versions_free: ['void', [inout(list)]],
  ov_core_compile_model_props: ['int', [handle, handle, 'str', 'size_t', koffi.pointer(property), handleOut]],

  ov_model_inputs_size: ['int', [handle, sizeOut]],
  ov_model_const_input_by_index: ['int', [handle, 'size_t', handleOut]],
  ov_model_outputs_size: ['int', [handle, sizeOut]],
  ov_model_const_output_by_index: ['int', [handle, 'size_t', handleOut]],
  ov_model_const_output_by_name: ['int', [handle, 'str', handleOut]],
  ov_model_reshape: ['int', [handle, koffi.pointer('str'), koffi.pointer(partialShape), 'size_t']],
  ov_model_free: ['void', [handle]],
  ov_port_get_any_name: ['int', [handle, handleOut]],
  ov_port_get_element_type: ['int', [handle, intOut]],
  ov_port_get_partial_shape: ['int', [handle, out(partialShape)]],
  ov_output_const_port_free: ['void', [handle]],
  ov_partial_shape_create_static: ['int', ['int64', koffi.pointer('int64'), out(partialShape)]],
  ov_partial_shape_free: ['void', [inout(partialShape)]],

  ov_compiled_model_create_infer_request: ['int', [handle, handleOut]],
  ov_compiled_model_get_property: ['int', [handle, 'str', handleOut]],
  ov_compiled_model_export_model: ['int', [handle, 'str']],
  ov_compiled_model_free: ['void', [handle]],

  ov_infer_request_get_tensor: ['int', [handle, 'str', handleOut]],
  ov_infer_request_set_tensor: ['int', [handle, 'str', handle]],
  ov_infer_request_start_async: ['int', [handle]],
  ov_infer_request_wait: ['int', [handle]],
  ov_infer_request_get_profiling_info: ['int', [handle, out(list)]],
  ov_profiling_info_list_free: ['void', [inout(list)]],
  ov_infer_request_free: ['void', [handle]],

  ov_tensor_create: ['int', ['int', shape, handleOut]],
  ov_tensor_get_shape: ['int', [handle, out(shape)]],
  ov_tensor_set_shape: ['int', [handle, shape]],
  ov_tensor_get_element_type: ['int', [handle, intOut]],
  ov_tensor_data: ['int', [handle, handleOut]],
  ov_tensor_free: ['void', [handle]],
  ov_shape_create: ['int', ['int64', koffi.pointer('int64'), out(shape)]],
  ov_shape_free: ['int', [inout(shape)]],
  ov_core_read_model: ['int', [handle, 'str', 'str', handleOut]],
} as const satisfies Record<string, Signature>
