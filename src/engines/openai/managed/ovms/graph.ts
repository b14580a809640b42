/**
 * What OpenVINO Model Server reads for one model: a graph as its own `--pull` writes it (src/graph_export/graph_export.cpp of
 * openvinotoolkit/model_server) and a list of graphs (docs/mediapipe.md there). Pure.
 */

export const POOLINGS = ['CLS', 'MEAN', 'LAST'] as const

export interface OvmsModel {
  /** By which it is asked for. */
  readonly name: string
  /** Absolute; holds the model's IR and that of its tokenizer. */
  readonly folder: string
  readonly task: 'chat' | 'embed' | 'rerank'
  /** By OpenVINO's name: `NPU`, `GPU.1`. */
  readonly device: string
  /** Of an embedding model. */
  readonly pooling: (typeof POOLINGS)[number]
  /** Of a chat model: of the cache of all its chats. */
  readonly cacheGiB: number
}

/** `graph.pbtxt` */
export function graphOf(model: OvmsModel): string {
  const folder = quoted(model.folder.replaceAll('\\', '/')) // its parser wants these on Windows too
  const device = quoted(model.device)
  switch (model.task) {
    case 'embed':
      return encoderGraph('Embeddings', 'EMBEDDINGS_NODE_RESOURCES:embeddings_servable', [
        `models_path: ${folder}`,
        'normalize_embeddings: true',
        'truncate: true',
        `pooling: ${model.pooling}`,
        `target_device: ${device}`,
      ])
    case 'rerank':
      return encoderGraph('Rerank', 'RERANK_NODE_RESOURCES:rerank_servable', [
        `models_path: ${folder}`,
        `target_device: ${device}`,
      ])
    case 'chat':
      // docs/llm/reference.md: without a size its cache grows as long as there is memory
      return chatGraph([
        `models_path: ${folder}`,
        `device: ${device}`,
        `cache_size: ${model.cacheGiB}`,
        'enable_prefix_caching: true',
      ])
  }
}

/** `config.json`; the graph is looked for in the folder. @param folder absolute */
export function configOf({ name }: OvmsModel, folder: string): object {
  return { model_config_list: [], mediapipe_config_list: [{ name, base_path: folder }] }
}

/** Only this machine reaches it, and its configuration is not watched. */
export function ovmsArguments(port: number, config: string, more: readonly string[]): string[] {
  return [
    ...['--rest_port', String(port), '--rest_bind_address', '127.0.0.1'],
    ...['--config_path', config, '--file_system_poll_wait_seconds', '0'],
    ...more,
  ]
}

function encoderGraph(kind: 'Embeddings' | 'Rerank', resources: string, options: readonly string[]): string {
  return `input_stream: "REQUEST_PAYLOAD:input"
output_stream: "RESPONSE_PAYLOAD:output"
node {
  name: "${kind}Executor"
  calculator: "${kind}CalculatorOV"
  input_side_packet: "${resources}"
  input_stream: "REQUEST_PAYLOAD:input"
  output_stream: "RESPONSE_PAYLOAD:output"
  node_options: {
    [type.googleapis.com / mediapipe.${kind}CalculatorOVOptions]: {
${fields(options)}
    }
  }
}
`
}

function chatGraph(options: readonly string[]): string {
  return `input_stream: "HTTP_REQUEST_PAYLOAD:input"
output_stream: "HTTP_RESPONSE_PAYLOAD:output"
node {
  name: "LLMExecutor"
  calculator: "HttpLLMCalculator"
  input_stream: "LOOPBACK:loopback"
  input_stream: "HTTP_REQUEST_PAYLOAD:input"
  input_side_packet: "LLM_NODE_RESOURCES:llm"
  output_stream: "LOOPBACK:loopback"
  output_stream: "HTTP_RESPONSE_PAYLOAD:output"
  input_stream_info: {
    tag_index: "LOOPBACK:0"
    back_edge: true
  }
  node_options: {
    [type.googleapis.com / mediapipe.LLMCalculatorOptions]: {
${fields(options)}
    }
  }
  input_stream_handler {
    input_stream_handler: "SyncSetInputStreamHandler"
    options {
      [mediapipe.SyncSetInputStreamHandlerOptions.ext] {
        sync_set {
          tag_index: "LOOPBACK:0"
        }
      }
    }
  }
}
`
}

function fields(options: readonly string[]): string {
  return options.map((option) => `      ${option}`).join('\n')
}

/** Protobuf's text format takes the escapes of JSON's strings. */
function quoted(text: string): string {
  return JSON.stringify(text)
}
