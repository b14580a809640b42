#!/usr/bin/env python3
"""Python's best on the same requests: AsyncInferQueue, tokenizing and pooling included.

Reads a JSON array of texts on the first line, then for every further line embeds them all and prints docs/s. A line holds the
batch size: texts are sorted by length and padded to the longest of their batch.
"""

import argparse
import json
import pathlib
import sys
import time

import numpy
import openvino

from common import load_tokenizer, prepare, read_model

parser = argparse.ArgumentParser()
parser.add_argument("--model", type=pathlib.Path, required=True)
parser.add_argument("--threads", type=int, default=1)
args = parser.parse_args()

core = openvino.Core()
tokenizer = load_tokenizer(args.model)
compiled = core.compile_model(
    read_model(core, args.model, "int8"),
    "CPU",
    {"INFERENCE_NUM_THREADS": args.threads, "PERFORMANCE_HINT": "THROUGHPUT"},
)
queue = openvino.AsyncInferQueue(compiled)
vectors = None


def done(request, rows):
    indexes, mask = rows
    states = request.get_output_tensor(0).data
    means = (states * mask[:, :, None]).sum(1)
    vectors[indexes] = means / numpy.linalg.norm(means, axis=1, keepdims=True)


queue.set_callback(done)


def run(texts, size):
    global vectors
    encodings = [tokenizer.encode(prepare(text)) for text in texts]
    order = sorted(range(len(texts)), key=lambda i: len(encodings[i].ids))
    vectors = numpy.zeros((len(texts), 384), dtype=numpy.float32)
    for at in range(0, len(order), size):
        indexes = order[at : at + size]
        width = max(len(encodings[i].ids) for i in indexes)
        ids = numpy.zeros((len(indexes), width), dtype=numpy.int64)
        mask = numpy.zeros_like(ids)
        for row, i in enumerate(indexes):
            length = len(encodings[i].ids)
            ids[row, :length] = encodings[i].ids
            mask[row, :length] = 1
        queue.start_async([ids, mask, numpy.zeros_like(ids)], (indexes, mask))
    queue.wait_all()


texts = json.loads(sys.stdin.readline())
run(texts[:8], 8)
print(json.dumps({"requests": len(queue)}), flush=True)
for line in sys.stdin:
    started = time.perf_counter()
    run(texts, int(line))
    print(json.dumps({"docsPerSecond": len(texts) / (time.perf_counter() - started)}), flush=True)
