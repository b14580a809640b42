"""What the baselines share: the shipped model as a Python program would use it, texts prepared as the model wants them."""

import json
import pathlib
import re

import openvino
import tokenizers
from openvino.passes import ConstantFolding, Manager

CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})")


def prepare(text: str) -> str:
    return CAMEL.sub(" ", text)


def load_tokenizer(folder: pathlib.Path) -> tokenizers.Tokenizer:
    tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(json.loads((folder / "tandem.model.json").read_text("utf-8"))["contextTokens"])
    return tokenizer


def read_model(core: openvino.Core, folder: pathlib.Path, precision: str) -> openvino.Model:
    """The model that ships is int8; `f32` undoes that: no fake quantization, weights as floats."""
    model = core.read_model(str(next(folder.glob("openvino/*.xml"))))
    if precision == "int8":
        return model
    for node in model.get_ordered_ops():
        if node.get_type_name() == "FakeQuantize" and node.input_value(0).get_node().get_type_name() != "Constant":
            node.output(0).replace(node.input_value(0))
    manager = Manager()
    manager.register_pass(ConstantFolding())
    manager.run_passes(model)
    return model
