#!/usr/bin/env python3
"""Makes test/data/reference-vectors.json: texts and the vectors that any engine must reproduce.

An independent path on purpose: Hugging Face's tokenizers and ONNX Runtime for Python, text preparation written
anew here, one text per run, so that nothing is shared with the code under test but the model's files.

    python3 -m venv VENV && VENV/bin/pip install onnxruntime tokenizers numpy
    VENV/bin/python scripts/make-reference-vectors.py
"""

import base64
import json
import pathlib
import random
import unicodedata

import numpy
import onnxruntime
import tokenizers

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODEL = ROOT / "models" / "tandem-embed-small"
OUT = ROOT / "test" / "data" / "reference-vectors.json"

QUEUE = """export class RequestQueue {
  private readonly waiting: Request[] = []

  constructor(private readonly maxWaiting: number) {}

  /** Refuses when the queue is full. */
  enqueue(request: Request): void {
    if (this.waiting.length >= this.maxWaiting) throw new QueueFullError(this.maxWaiting)
    this.waiting.push(request)
  }
}"""

PYTHON = '''def parse_jwt_expiry(token: str) -> datetime | None:
    """Return when the token expires, or None where it never does."""
    payload = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    return datetime.fromtimestamp(payload["exp"], tz=UTC) if "exp" in payload else None'''

RUST = """impl<T: Send + 'static> Pool<T> {
    pub async fn acquire(&self) -> Result<Guard<'_, T>, PoolError> {
        let permit = self.semaphore.acquire().await.map_err(|_| PoolError::Closed)?;
        Ok(Guard { item: self.idle.lock().pop(), permit })
    }
}"""

C_CODE = """static int ring_push(struct ring *r, const void *src, size_t n)
{
\tif (r->cap - r->len < n)
\t\treturn -ENOSPC;
\tmemcpy(r->buf + (r->head & (r->cap - 1)), src, n);
\tr->head += n; r->len += n;
\treturn 0;
}"""


def texts() -> list[str]:
    rng = random.Random(7)
    words = "cancel request queue worker index vector search token parse stream retry limit".split()
    return [
        "",
        " \t\r\n ",
        "a",
        "where is the request queue bounded?",
        "cancel a running request",
        QUEUE,
        PYTHON,
        RUST,
        C_CODE,
        "SELECT p.path, count(*) AS n FROM chunks c JOIN paths p ON p.id = c.path_id GROUP BY 1 HAVING n > 3;",
        '<a href="https://example.org/a?b=c&d=%20e#f" class="link-primary">Read more&hellip;</a>',
        "if (a<b && c>=d || !e) { x = y ** 2 + z % 3 - ~w; }",
        "parseJwtExpiry HTTPServer useXMLHttpRequest URLs IDs sha256Sum iPhone größeÄndern",
        "snake_case_name SCREAMING_SNAKE kebab-case-name __dunder__ $dollar @decorator #hash",
        "The quick brown fox jumps over the lazy dog. It was the best of times, it was the worst of times.",
        "Städte wie Zürich, Malmö und Łódź; naïve café, façade, Ångström, ΑΣ ΟΔΥΣΣΕΥΣ, İstanbul",
        "e\u0301 cafe\u0301 A\u030angstro\u0308m",
        "机器学习模型在本地运行。向量搜索很快。",
        "検索インデックスはローカルで動きます。カタカナとひらがな。",
        "한국어 문장도 임베딩할 수 있습니다.",
        "Это предложение на русском языке. مرحبا بالعالم שלום עולם",
        "ship it 🚀🚀 👩‍💻 🇩🇪 👍🏽 ✅ ❤️",
        "control\x00characters\x01in\x07the\x1bmiddle\x7f of\u200bwords\ufeff and\u00a0spaces\u2028here\x0cand\x0bthere",
        "replacement \ufffd character and private \ue000 use",
        "iVBORw0KGgoAAAANSUhEUgAA" * 8 + " is an image",
        "x" * 100 + " " + "y" * 101 + " z",
        "".join(rng.choice("abcdefghijklmnop") for _ in range(10_000)),
        " ".join(rng.choice(words) for _ in range(1_700))[:10_000],
        "const x = 1;\n" * 60,
        "[CLS] special [SEP] tokens [MASK] in [UNK] text [PAD]",
        "“Quotes” — dashes – ellipsis… «guillemets» ‹x› ½ ² ™ © € £ ≠ ≤ → ∑",
        "2026-11-23T00:49:57.123Z 192.168.0.1 0xDEADBEEF 1e-12 3.14159 v20.12.0 50% #fff",
    ]


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
    entries = []
    for text in texts():
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
    OUT.write_text(json.dumps(head)[:-1] + ', "entries": [\n' + lines + "\n]}\n", "utf-8", newline="\n")


main()
