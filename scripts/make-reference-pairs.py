#!/usr/bin/env python3
"""Makes test/data/reference-pairs.json: small tokenizers with every kind of post-processor that encodes pairs, and the
ids and token types that Hugging Face's tokenizers gives for them, whole and with the text cut ("only_second").

    python3 -m venv VENV && VENV/bin/pip install tokenizers
    VENV/bin/python scripts/make-reference-pairs.py
"""

import json
import pathlib

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

OUT = pathlib.Path(__file__).resolve().parent.parent / "test" / "data" / "reference-pairs.json"

CORPUS = [
    "the request queue is bounded: past the limit a request is refused",
    "function takeBatch(queue, limit) { return queue.splice(0, limit) }",
    "a crashed worker is restarted, and its requests are tried again",
    "where is the queue bounded? how is a worker restarted?",
]
PAIRS = [
    ("where is the queue bounded?", "the request queue is bounded"),
    ("", ""),
    ("", "an empty query"),
    ("an empty text", ""),
    ("café naïve", "Größe 漢字 👩‍💻 한국어"),
    ("  leading spaces", "trailing spaces  \n"),
    ("queue", "function takeBatch(queue, limit) { return queue.splice(0, limit) } " * 12),
]
CUT = [24, 40]


def train(tokenizer: tokenizers.Tokenizer, trainer) -> tokenizers.Tokenizer:
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def bert() -> tokenizers.Tokenizer:
    tokenizer = tokenizers.Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    return train(tokenizer, trainers.WordPieceTrainer(vocab_size=160, special_tokens=special, show_progress=False))


def roberta() -> tokenizers.Tokenizer:
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    return train(tokenizer, trainer)


def xlm_roberta() -> tokenizers.Tokenizer:
    tokenizer = tokenizers.Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")]
    )
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    trainer = trainers.UnigramTrainer(vocab_size=160, special_tokens=special, unk_token="<unk>", show_progress=False)
    return train(tokenizer, trainer)


def special(tokenizer: tokenizers.Tokenizer, *tokens: str) -> list[tuple[str, int]]:
    return [(token, tokenizer.token_to_id(token)) for token in tokens]


def kinds():
    template = bert()
    template.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=special(template, "[CLS]", "[SEP]"),
    )
    yield "BERT, TemplateProcessing", template
    processing = bert()
    processing.post_processor = processors.BertProcessing(*special(processing, "[SEP]", "[CLS]"))
    yield "BERT, BertProcessing", processing
    bytes_ = roberta()
    bytes_.post_processor = processors.RobertaProcessing(*special(bytes_, "</s>", "<s>"))
    yield "RoBERTa, RobertaProcessing", bytes_
    both = roberta()
    both.post_processor = processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing(
                single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=special(both, "<s>", "</s>")
            ),
        ]
    )
    yield "ByteLevel and TemplateProcessing in a Sequence", both
    metaspace = xlm_roberta()
    metaspace.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=special(metaspace, "<s>", "</s>")
    )
    yield "XLM-RoBERTa, TemplateProcessing", metaspace
    yield "no post-processor", bert()


def encode(tokenizer: tokenizers.Tokenizer, query: str, text: str, limit: int | None) -> dict:
    tokenizer.no_truncation() if limit is None else tokenizer.enable_truncation(limit, strategy="only_second")
    one = tokenizer.encode(query, text)
    tokenizer.no_truncation()
    return {"query": query, "text": text, "limit": limit, "ids": one.ids, "types": one.type_ids}


def main() -> None:
    entries = []
    for name, tokenizer in kinds():
        whole = [encode(tokenizer, query, text, None) for query, text in PAIRS]
        cut = [encode(tokenizer, query, text, limit) for limit in CUT for query, text in PAIRS[-1:]]
        entries.append({"name": name, "tokenizer": json.loads(tokenizer.to_str()), "pairs": whole + cut})
    lines = ",\n".join(json.dumps(entry) for entry in entries)
    head = json.dumps({"madeWith": f"tokenizers {tokenizers.__version__}"})
    OUT.write_text(f'{head[:-1]}, "entries": [\n{lines}\n]}}\n', "utf-8", newline="\n")


main()
