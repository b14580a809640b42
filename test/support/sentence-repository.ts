/** The shipped embedding model as the repositories of others look: made on the fly from its files. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PACKAGE_ROOT } from '../../src/config/index.ts'
import type { FakeRepository } from '../fakes/hub.ts'

const shipped = join(PACKAGE_ROOT, 'models', 'tandem-embed-small')
const read = (path: string): Buffer => readFileSync(join(shipped, path))

const tokenizer = {
  'config.json': read('config.json'),
  'tokenizer.json': read('tokenizer.json'),
  'tokenizer_config.json': read('tokenizer_config.json'),
  'special_tokens_map.json': read('special_tokens_map.json'),
}

const modules = ['Transformer', 'Pooling', 'Normalize'].map((kind, idx) => ({
  idx,
  name: String(idx),
  path: idx === 0 ? '' : `${idx}_${kind}`,
  type: `sentence_transformers.models.${kind}`,
}))

/** What sentence-transformers writes beside the weights. */
export const SENTENCE_FILES = {
  ...tokenizer,
  'modules.json': JSON.stringify(modules),
  '1_Pooling/config.json': JSON.stringify({
    word_embedding_dimension: 384,
    pooling_mode_cls_token: false,
    pooling_mode_mean_tokens: true,
    pooling_mode_max_tokens: false,
    include_prompt: true,
  }),
  'sentence_bert_config.json': JSON.stringify({ max_seq_length: 512, do_lower_case: false }),
  'config_sentence_transformers.json': JSON.stringify({ prompts: {}, default_prompt_name: null }),
  'README.md': 'what it is',
}

/** A sentence-transformers repository with ONNX and OpenVINO weights. */
export function sentenceRepository(): FakeRepository {
  return {
    license: 'apache-2.0',
    pipelineTag: 'sentence-similarity',
    files: {
      ...SENTENCE_FILES,
      'onnx/model_quantized.onnx': read('onnx/model_quantized.onnx'),
      'openvino/openvino_model_qint8_quantized.xml': read('openvino/openvino_model_qint8_quantized.xml'),
      'openvino/openvino_model_qint8_quantized.bin': read('openvino/openvino_model_qint8_quantized.bin'),
    },
  }
}

/** The export of optimum: weights in the root, nothing of sentence-transformers. */
export function optimumFiles(format: 'onnx' | 'openvino-ir'): Record<string, Buffer> {
  if (format === 'onnx') return { ...tokenizer, 'model.onnx': read('onnx/model_quantized.onnx') }
  const name = 'openvino/openvino_model_qint8_quantized'
  return {
    ...tokenizer,
    'openvino_model.xml': read(`${name}.xml`),
    'openvino_model.bin': read(`${name}.bin`),
  }
}
