#!/usr/bin/env python3
"""Makes the models of test/data/models (a reranker and a classifier of a few thousand weights, ONNX and OpenVINO IR) and
test/data/reference-scores.json, which any engine must reproduce: what ONNX Runtime for Python gives with Hugging Face's
tokenizers, one input per run, so that nothing is shared with the code under test but the model's files.

    python3 -m venv VENV && VENV/bin/pip install numpy onnx onnxruntime openvino tokenizers
    VENV/bin/python scripts/make-tiny-scorers.py
"""

import hashlib
import json
import pathlib
import string

import numpy
import onnx
import onnxruntime
import openvino
import tokenizers
from onnx import TensorProto, helper, numpy_helper

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATA = ROOT / "test" / "data"
CONTEXT = 128
DIMENSIONS = 64
BIG = 64.0

BUG = "bug crash crashes crashed error errors fails failed failure broken exception wrong hang hangs leak segfault".split()
FEATURE = "feature add support please would allow new option wish implement nice".split()
QUESTION = "how what why where when which is are does can should ?".split()
COMMON = "the a of in to and it this that for with on by be not".split()
SUBJECTS = """queue request requests bounded bound limit memory socket close closed open file files parse parser token tokens
sort list cancel running retry worker restart vector index search model device gpu npu cpu thread cat cats mat sat sun
shines read write config server client batch""".split()

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def vocabulary() -> list[str]:
    signs = [char for char in string.punctuation if char != "?"]
    letters = list(string.ascii_lowercase + string.digits)
    words = list(dict.fromkeys([*BUG, *FEATURE, *QUESTION, *COMMON, *SUBJECTS]))
    return SPECIAL + words + [one for one in signs + letters if one not in words] + ["##" + letter for letter in letters]


def make_tokenizer(vocab: dict[str, int]) -> tokenizers.Tokenizer:
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordPiece(vocab, unk_token="[UNK]"))
    tokenizer.normalizer = tokenizers.normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", vocab["[CLS]"]), ("[SEP]", vocab["[SEP]"])],
    )
    tokenizer.add_special_tokens(SPECIAL)
    return tokenizer


class Graph:
    """Collects the nodes of an ONNX graph with opset 17."""

    def __init__(self) -> None:
        self.nodes, self.weights = [], []

    def weight(self, name: str, value: numpy.ndarray) -> str:
        self.weights.append(numpy_helper.from_array(value, name))
        return name

    def floats(self, value: float) -> str:
        return self.weight(f"c{len(self.weights)}", numpy.array(value, dtype=numpy.float32))

    def axes(self, *axes: int) -> str:
        return self.weight(f"c{len(self.weights)}", numpy.array(axes, dtype=numpy.int64))

    def add(self, kind: str, *inputs: str, out: str | None = None, **attributes) -> str:
        out = out or f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [out], **attributes))
        return out

    def to_float(self, name: str) -> str:
        return self.add("Cast", name, to=TensorProto.FLOAT)

    def save(self, inputs: list[str], width: int, file: pathlib.Path) -> None:
        shape = ["batch", "length"]
        graph = helper.make_graph(
            self.nodes,
            "tiny",
            [helper.make_tensor_value_info(name, TensorProto.INT64, shape) for name in inputs],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", width])],
            self.weights,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model, full_check=True)
        file.parent.mkdir(parents=True, exist_ok=True)
        onnx.save(model, str(file))


def save_reranker(vocab: dict[str, int], file: pathlib.Path) -> None:
    """Each token of the query (type 0) takes its best match among those of the document (type 1); the weighted mean of
    these is the relevance. Padding has a vector and a weight too: only the attention mask keeps it out."""
    random = numpy.random.default_rng(7)
    vectors = random.choice([-1.0, 1.0], size=(len(vocab), DIMENSIONS)) / numpy.sqrt(DIMENSIONS)
    weights = numpy.full(len(vocab), 1.0)
    for word in [*COMMON, *SPECIAL, *string.punctuation]:
        if word in vocab:
            weights[vocab[word]] = 0.125
    weights[vocab["[PAD]"]] = 1.0
    graph = Graph()
    rows = graph.add("Gather", graph.weight("vectors", vectors.astype(numpy.float32)), "input_ids")
    weight = graph.add("Gather", graph.weight("weights", weights.astype(numpy.float32)), "input_ids")
    mask, types = graph.to_float("attention_mask"), graph.to_float("token_type_ids")
    in_document = graph.add("Mul", mask, types)
    in_query = graph.add("Mul", weight, graph.add("Sub", mask, in_document))
    alike = graph.add("MatMul", rows, graph.add("Transpose", rows, perm=[0, 2, 1]))
    outside = graph.add("Mul", graph.add("Sub", in_document, graph.floats(1.0)), graph.floats(BIG))
    only_document = graph.add("Add", alike, graph.add("Unsqueeze", outside, graph.axes(1)))
    best = graph.add("ReduceMax", only_document, axes=[2], keepdims=0)
    found = graph.add("ReduceSum", graph.add("Mul", best, in_query), graph.axes(1), keepdims=1)
    wanted = graph.add("ReduceSum", in_query, graph.axes(1), keepdims=1)
    share = graph.add("Div", found, wanted)
    graph.add("Sub", graph.add("Mul", share, graph.floats(8.0)), graph.floats(5.0), out="logits")
    graph.save(["input_ids", "attention_mask", "token_type_ids"], 1, file)


def save_classifier(vocab: dict[str, int], file: pathlib.Path) -> None:
    """Words vote for their class; the mean vote is the logit. Padding votes for the last class: only the mask keeps it
    out. There are no token types, as in DistilBERT and RoBERTa."""
    votes = numpy.zeros((len(vocab), 3))
    for at, words in enumerate([BUG, FEATURE, QUESTION]):
        for word in words:
            votes[vocab[word], at] = 16.0
    votes[vocab["[PAD]"], 2] = 16.0
    graph = Graph()
    rows = graph.add("Gather", graph.weight("votes", votes.astype(numpy.float32)), "input_ids")
    mask = graph.add("Unsqueeze", graph.to_float("attention_mask"), graph.axes(2))
    total = graph.add("ReduceSum", graph.add("Mul", rows, mask), graph.axes(1), keepdims=0)
    count = graph.add("ReduceSum", mask, graph.axes(1), keepdims=0)
    graph.add("Sub", graph.add("Div", total, count), graph.floats(1.0), out="logits")
    graph.save(["input_ids", "attention_mask"], 3, file)


def save_openvino(onnx_file: pathlib.Path, file: pathlib.Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    openvino.save_model(openvino.convert_model(onnx_file), file, compress_to_fp16=False)


def entry(folder: pathlib.Path, path: str) -> dict:
    data = (folder / path).read_bytes()
    return {"path": path, "sizeBytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def write(file: pathlib.Path, value: object) -> None:
    file.write_text(json.dumps(value, indent=2) + "\n", "utf-8", newline="\n")


def make_model(name: str, title: str, traits: dict, save) -> pathlib.Path:
    folder = DATA / "models" / name
    words = vocabulary()
    vocab = {word: at for at, word in enumerate(words)}
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / "tokenizer.json", json.loads(make_tokenizer(vocab).to_str()))
    save(vocab, folder / "onnx" / "model.onnx")
    save_openvino(folder / "onnx" / "model.onnx", folder / "openvino" / "openvino_model.xml")
    tokenizer = entry(folder, "tokenizer.json")
    openvino_files = [entry(folder, f"openvino/openvino_model.{ending}") for ending in ("xml", "bin")]
    manifest = {
        "id": name,
        "title": title,
        "revision": "1",
        "license": "Apache-2.0",
        "tasks": list(traits),
        "parameters": len(words) * (3 if "classify" in traits else DIMENSIONS + 1),
        "contextTokens": CONTEXT,
        "files": {
            "onnx": [entry(folder, "onnx/model.onnx"), tokenizer],
            "openvino-ir": [*openvino_files, tokenizer],
        },
        **traits,
    }
    write(folder / "tandem.model.json", manifest)
    return folder


def logits(folder: pathlib.Path, encoding: tokenizers.Encoding) -> list[float]:
    session = onnxruntime.InferenceSession(str(folder / "onnx" / "model.onnx"), providers=["CPUExecutionProvider"])
    feeds = {
        "input_ids": numpy.array([encoding.ids], dtype=numpy.int64),
        "attention_mask": numpy.ones((1, len(encoding.ids)), dtype=numpy.int64),
        "token_type_ids": numpy.array([encoding.type_ids], dtype=numpy.int64),
    }
    wanted = {one.name: feeds[one.name] for one in session.get_inputs()}
    return [round(float(value), 6) for value in session.run(["logits"], wanted)[0][0]]


QUERIES = ["how is the request queue bounded", "does a cat sit on a mat", "restart a crashed worker?"]
DOCUMENTS = [
    "the request queue is bounded: past the limit a request is not read",
    "the queue of the worker",
    "a cat sat on the mat and the sun shines",
    "worker restart: a crashed worker is restarted with a retry limit",
    "",
    "request " * 300,
]
TEXTS = [
    "it crashes with an exception and then hangs",
    "please add support for a new device, it would be nice",
    "how does the queue work, and why is it bounded?",
    "",
    "please, why does this fail: error error error",
    "the parser " * 200 + "crash",
]


def main() -> None:
    reranker = make_model(
        "tiny-reranker",
        "reranker for tests: how much of the query's words the document has",
        {"rerank": {"activation": "sigmoid"}},
        save_reranker,
    )
    classifier = make_model(
        "tiny-classifier",
        "classifier for tests: what an issue is about, by its words",
        {"classify": {"labels": ["bug", "feature", "question"], "multiLabel": False}},
        save_classifier,
    )
    tokenizer = tokenizers.Tokenizer.from_file(str(reranker / "tokenizer.json"))
    tokenizer.enable_truncation(CONTEXT, strategy="only_second")
    pairs = [(query, document) for query in QUERIES for document in DOCUMENTS]
    encoded = [tokenizer.encode(query, document) for query, document in pairs]
    rerank = [
        {"query": query, "text": text, "tokens": len(one.ids), "logits": logits(reranker, one)}
        for (query, text), one in zip(pairs, encoded)
    ]
    tokenizer.enable_truncation(CONTEXT)
    texts = [(text, tokenizer.encode(text)) for text in TEXTS]
    classify = [{"text": text, "tokens": len(one.ids), "logits": logits(classifier, one)} for text, one in texts]
    made_with = f"onnxruntime {onnxruntime.__version__}, tokenizers {tokenizers.__version__}"
    write(DATA / "reference-scores.json", {"madeWith": made_with, "rerank": rerank, "classify": classify})


main()
