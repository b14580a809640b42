#!/usr/bin/env python3
"""Makes the vectors of test/data/reference-vectors.json anew from its texts: any engine must reproduce them.

Some of them ship with the model as tandem.reference.json: an engine that does not reproduce these may not serve it.

An independent path on purpose: Hugging Face's tokenizers and ONNX Runtime for Python, text preparation written
anew here, one text per run, so that nothing is shared with the code under test but the model's files.

    python3 -m venv VENV && VENV/bin/pip install onnxruntime tokenizers numpy
    VENV/bin/python scripts/make-reference-vectors.py
"""

import base64
import json
import pathlib
import unicodedata

import numpy
import onnxruntime
import tokenizers

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODEL = ROOT / "models" / "tandem-embed-small"
OUT = ROOT / "test" / "data" / "reference-vectors.json"
# English, code, signs and other scripts, of 3 to 302 tokens.
SHIPPED = (2, 3, 5, 7, 13, 16, 20, 28)

HAN = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2FA1F))


def ends_word(char: str) -> bool:
    code = ord(char)
    if char.isspace() and not 0x1C <= code <= 0x1F and code != 0x85 or char == "\ufeff":
        return True
    ascii_sign = code < 127 and code > 32 and not char.isalnum()
    return ascii_sign or unicodedata.category(char).startswith("P") or any(a <= code <= b for a, b in HAN)


def drop_long_words(text: str, limit: int) -> str:
    kept, word = [], []
    for char in [*text, None]:
        if char is not None and not ends_word(char):
            word.append(char)
            continue
        kept.append(" " if len(word) > limit else "".join(word))
        word = []
        if char is not None:
            kept.append(char)
    return "".join(kept)


def split_camel_case(text: str) -> str:
    kinds = [unicodedata.category(char) for char in text] + ["", ""]
    parts = []
    for i, char in enumerate(text):
        before = kinds[i - 1] if i > 0 else ""
        if kinds[i] == "Lu" and (
            before in ("Ll", "Nd") or (before == "Lu" and kinds[i + 1] == "Ll" and kinds[i + 2] == "Ll")
        ):
            parts.append(" ")
        parts.append(char)
    return "".join(parts)


def main() -> None:
    manifest = json.loads((MODEL / "tandem.model.json").read_text("utf-8"))
    tokenizer = tokenizers.Tokenizer.from_file(str(MODEL / "tokenizer.json"))
    tokenizer.enable_truncation(manifest["contextTokens"])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        str(MODEL / "onnx" / "model_quantized.onnx"), options, providers=["CPUExecutionProvider"]
    )
    texts = [entry["text"] for entry in json.loads(OUT.read_text("utf-8"))["entries"]]
    entries = []
    for text in texts:
        prepared = split_camel_case(drop_long_words(text, manifest["embedding"]["text"]["maxWordLength"]))
        ids = numpy.array([tokenizer.encode(prepared).ids], dtype=numpy.int64)
        feeds = {"input_ids": ids, "attention_mask": numpy.ones_like(ids), "token_type_ids": numpy.zeros_like(ids)}
        mean = session.run(["last_hidden_state"], feeds)[0][0].mean(axis=0)
        vector = (mean / numpy.linalg.norm(mean)).astype("<f4")
        entries.append(
            {"text": text, "tokens": ids.shape[1], "vector": base64.b64encode(vector.tobytes()).decode("ascii")}
        )
    assert len(entries) == 32, len(entries)
    made_with = f"onnxruntime {onnxruntime.__version__}, tokenizers {tokenizers.__version__}"
    head = {"model": manifest["id"], "revision": manifest["revision"], "dimensions": len(vector), "madeWith": made_with}
    lines = ",\n".join(json.dumps(entry) for entry in entries)
    shipped = [{"text": entries[i]["text"], "vector": entries[i]["vector"]} for i in SHIPPED]
    reference = {"madeBy": made_with, "dimensions": len(vector), "entries": shipped}
    (MODEL / "tandem.reference.json").write_text(json.dumps(reference, indent=2) + "\n", "utf-8", newline="\n")
    OUT.write_text(json.dumps(head)[:-1] + ', "entries": [\n' + lines + "\n]}\n", "utf-8", newline="\n")


main()
