import { expect, test } from 'vitest'
import { failureOf } from './failure.ts'

const ENDING = `0.00.037.671 E llama_model_load_from_file_impl: failed to load model
0.00.037.672 E cmn  common_init_: failed to load model 'junk.gguf'
0.00.037.678 I srv    operator(): operator(): cleaning up before exit...
0.00.040.093 E srv  llama_server: exiting due to model loading error
`

/** What builds printed; the Vulkan, CUDA and Windows ones as users of llama.cpp reported them. */
test.each([
  [
    'a file of something else',
    `0.00.037.346 E gguf_init_from_reader: invalid magic characters: '?*D?', expected 'GGUF'
0.00.037.525 E llama_model_load: error loading model: llama_model_loader: failed to load model from junk.gguf
${ENDING}`,
    'file',
    'it is no GGUF file',
  ],
  [
    'half a file',
    `0.00.040.271 E llama_model_load: error loading model: tensor 'token_embd.weight' data is not within the file bounds, model is corrupted or incomplete
${ENDING}`,
    'file',
    'it is damaged or incomplete',
  ],
  [
    'no file',
    `0.00.021.688 E gguf_init_from_file: failed to open GGUF file 'nothere.gguf' (No such file or directory)
0.00.021.829 E llama_model_load: error loading model: llama_model_loader: failed to load model from nothere.gguf
${ENDING}`,
    'file',
    'it cannot be opened: No such file or directory',
  ],
  [
    'an architecture of tomorrow',
    `0.00.061.816 E llama_model_load: error loading model: unknown model architecture: 'zzama'
0.00.062.850 E common_fit_params: encountered an error while trying to fit params to free device memory: failed to load model
${ENDING}`,
    'architecture',
    'it does not know the architecture zzama; a newer llama-server may',
  ],
  [
    'too little memory of the system',
    `0.00.327.552 E ggml_aligned_malloc: insufficient memory (attempted to allocate 62500.00 MB)
0.00.327.573 E ggml_backend_cpu_buffer_type_alloc_buffer: failed to allocate buffer of size 65536000000
0.00.327.574 E ggml_backend_buft_alloc_buffer_n_default: failed to allocate CPU buffer of size 65536000000
0.00.357.868 E llama_init_from_model: failed to initialize the context: failed to allocate buffer for kv cache
0.00.358.293 E srv  llama_server: exiting due to model loading error`,
    'memory',
    'out of memory: 61.0 GiB could not be allocated on CPU',
  ],
  [
    'too little memory by Vulkan',
    `ggml_vulkan: Device memory allocation of size 4697620480 failed.
ggml_vulkan: Requested buffer size exceeds device memory allocation limit: ErrorOutOfDeviceMemory
alloc_tensor_range: failed to allocate Vulkan0 buffer of size 4697620480
llama_model_load: error loading model: unable to allocate Vulkan0 buffer
llama_model_load_from_file_impl: failed to load model`,
    'memory',
    'out of memory: 4.4 GiB could not be allocated on Vulkan0',
  ],
  [
    'too little memory by Vulkan, while it computes',
    `ggml_vulkan: Device memory allocation of size 369827840 failed.
ggml_vulkan: vk::Device::allocateMemory: ErrorOutOfDeviceMemory
double free or corruption (out)`,
    'memory',
    'out of memory: 0.3 GiB could not be allocated',
  ],
  [
    'too little memory by CUDA',
    'ggml_backend_cuda_buffer_type_alloc_buffer: allocating 8192.00 MiB on device 0: cudaMalloc failed: out of memory',
    'memory',
    'out of memory: 8.0 GiB could not be allocated on device 0',
  ],
  [
    'no such device',
    'error while handling argument "--device": invalid device: Vulkan0\n\nusage:\n-dev,  --device <dev1,dev2,..>  comma-separated list',
    'device',
    'it knows no device Vulkan0',
  ],
  [
    'an unknown flag',
    'error: invalid argument: --frobnicate\n',
    'argument',
    'it does not know the argument --frobnicate',
  ],
  [
    'a wrong value',
    'error while handling argument "-ctk": Unsupported cache type: q9\n\nusage:\n-ctk,  --cache-type-k TYPE',
    'argument',
    'its argument -ctk does not fit (Unsupported cache type: q9)',
  ],
  [
    'a taken port',
    `0.00.026.988 E srv         start: couldn't bind HTTP server socket, hostname: 127.0.0.1, port: 18995
0.00.027.093 E srv  llama_server: exiting due to HTTP server error`,
    'port',
    'the port 18995 of 127.0.0.1 is taken',
  ],
  [
    'a missing library',
    'llama-server: error while loading shared libraries: libllama-server-impl.so: cannot open shared object file: No such file or directory\n',
    'library',
    'the shared library libllama-server-impl.so is missing (cannot open shared object file: No such file or directory)',
  ],
  [
    'a missing library on a Mac',
    'dyld[123]: Library not loaded: @rpath/libggml.dylib\n  Referenced from: llama-server',
    'library',
    'the shared library @rpath/libggml.dylib is missing',
  ],
  [
    'an unknown tokenizer',
    "llama_model_load: error loading model: error loading model vocabulary: unknown pre-tokenizer type: 'tomorrow'",
    'architecture',
    'it does not know the tokenizer tomorrow; a newer llama-server may',
  ],
  [
    'a bad projector',
    `0.00.377.140 E gguf_init_from_reader: invalid magic characters: '?*D?', expected 'GGUF'
0.00.377.208 E clip_init: failed to load model 'mm.gguf': clip_model_loader: failed to load CLIP model from mm.gguf. Does this file exist?
0.00.377.222 E srv    load_model: failed to load multimodal model, 'mm.gguf'`,
    'other',
    'it cannot load mm.gguf as its projector of images',
  ],
  [
    'a bad draft',
    `0.00.260.033 E gguf_init_from_reader: invalid magic characters: '?*D?', expected 'GGUF'
0.00.260.205 E srv    load_model: failed to load draft model, 'small.gguf'`,
    'other',
    'it cannot load small.gguf as its draft',
  ],
  [
    'another reason',
    "llama_model_load: error loading model: missing tensor 'blk.0.attn_q.weight'",
    'other',
    "it cannot load the model: missing tensor 'blk.0.attn_q.weight'",
  ],
] as const)('%s', (_, log, kind, why) => {
  expect(failureOf(log, 'exit code 1')).toEqual({ kind, why })
})

test.each([
  ['', 'ended by SIGKILL', 'other', 'ended by SIGKILL'],
  ['all is well\n', 'exit code 0', 'other', 'exit code 0'],
  [
    "terminate called after throwing an instance of 'vk::DeviceLostError'\n",
    'ended by SIGABRT',
    'other',
    "ended by SIGABRT: terminate called after throwing an instance of 'vk::DeviceLostError'",
  ],
  ['', 'exit code 3221225781', 'library', 'a library (DLL) that it needs is missing'],
])('without a known line: %s', (log, how, kind, why) => {
  expect(failureOf(log, how)).toEqual({ kind, why })
})
