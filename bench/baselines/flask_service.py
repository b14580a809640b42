#!/usr/bin/env python3
"""The service that people write today: Flask, one request at a time, one text per inference, every text padded to the model's limit.

    POST /embed {"text": "..."}  ->  [[...]]

    python bench/baselines/flask_service.py --model models/tandem-embed-small --port 8001 [--dynamic] [--precision int8]
"""

import argparse
import pathlib

import flask
import numpy
import openvino

from common import load_tokenizer, prepare, read_model

parser = argparse.ArgumentParser()
parser.add_argument("--model", type=pathlib.Path, required=True)
parser.add_argument("--port", type=int, default=8001)
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--dynamic", action="store_true", help="no padding")
parser.add_argument("--precision", choices=("f32", "int8"), default="f32")
args = parser.parse_args()

core = openvino.Core()
tokenizer = load_tokenizer(args.model)
if not args.dynamic:
    tokenizer.enable_padding(length=512)
compiled = core.compile_model(
    read_model(core, args.model, args.precision),
    "CPU",
    {"INFERENCE_NUM_THREADS": args.threads, "INFERENCE_PRECISION_HINT": "f32"},
)
app = flask.Flask(__name__)


@app.post("/embed")
def embed():
    encoding = tokenizer.encode(prepare(flask.request.get_json()["text"]))
    ids = numpy.array([encoding.ids], dtype=numpy.int64)
    mask = numpy.array([encoding.attention_mask], dtype=numpy.int64)
    states = compiled([ids, mask, numpy.zeros_like(ids)])[compiled.output(0)][0]
    mean = (states * mask[0][:, None]).sum(0) / mask.sum()
    return flask.jsonify([(mean / numpy.linalg.norm(mean)).tolist()])


print("ready", flush=True)
app.run(port=args.port, threaded=False)
