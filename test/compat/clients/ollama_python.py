from importlib.metadata import version

import ollama
from checks import CHAT, EMBED, QUESTION, URL, must, run

client = ollama.Client(host=URL)
MESSAGES = [{"role": "user", "content": QUESTION}]
OPTIONS = {"num_predict": 24}


def models():
    must(any(model.model.startswith(CHAT) for model in client.list().models), "the chat model in the list")
    client.show(CHAT)
    client.ps()


def chat():
    answer = client.chat(model=CHAT, messages=MESSAGES, options=OPTIONS)
    must(answer.message.content and answer.eval_count > 0, "text and counts")


def stream():
    parts = client.chat(model=CHAT, messages=MESSAGES, options=OPTIONS, stream=True)
    must("".join(part.message.content for part in parts), "text")


def completions():
    must(client.generate(model=CHAT, prompt="The queue", raw=True, options=OPTIONS).response, "text")


def embeddings():
    rows = client.embed(model=EMBED, input=["one", "two"]).embeddings
    must([len(row) for row in rows] == [384, 384], "two vectors of 384")


def errors():
    try:
        client.chat(model="no-such-model", messages=MESSAGES)
    except ollama.ResponseError as thrown:
        must(thrown.status_code == 404, "status 404")
        return
    must(False, "a ResponseError")


run(
    version("ollama"),
    {
        "models": models,
        "chat": chat,
        "chat stream": stream,
        "completions": completions,
        "embeddings": embeddings,
        "errors": errors,
    },
)
