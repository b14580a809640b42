import { expect, test } from 'vitest'
import { ovmsFailureOf } from './failure.ts'

const at = (level: string, text: string) =>
  `[2026-08-15 12:32:30.711][4764][serving][${level}][servable_initializer.cpp:214] ${text}`

/** The forms of the lines are those of its sources and of logs that people posted. */
test.each([
  [
    at(
      'error',
      "Error during llm node initialization for models_path: /m/./ exception: Unsupported 'gemma4' VLM model type",
    ),
    { kind: 'other', why: "it cannot load the model: Unsupported 'gemma4' VLM model type" },
  ],
  [
    at(
      'error',
      'Exception from core.cpp:112: Device with "NPU" name is not registered in the OpenVINO Runtime',
    ),
    { kind: 'device', why: 'OpenVINO finds no device NPU' },
  ],
  [
    at('error', '[GPU] clEnqueueMapBuffer, error code: -5 CL_OUT_OF_RESOURCES'),
    { kind: 'memory', why: 'out of memory: CL_OUT_OF_RESOURCES' },
  ],
  [
    `${at('error', "Failed to process mediapipe graph config:Check 'f.is_open()' failed")}\nFailed to open '/m/generation_config.json' with generation config`,
    { kind: 'file', why: '/m/generation_config.json cannot be opened' },
  ],
  [
    "error parsing options: Option 'nireq' does not exist",
    { kind: 'argument', why: "its arguments do not fit (Option 'nireq' does not exist)" },
  ],
  [
    'ovms: error while loading shared libraries: libxml2.so.2: cannot open shared object file: No such file',
    { kind: 'library', why: expect.stringMatching(/libxml2\.so\.2 is missing/) },
  ],
  [
    `${at('info', 'starting')}\n${at('error', 'Something new happened')}`,
    { kind: 'other', why: 'exit code 1: Something new happened' },
  ],
  ['', { kind: 'other', why: 'exit code 1' }],
])('%s', (printed, failure) => expect(ovmsFailureOf(printed, 'exit code 1')).toEqual(failure))
