import json

import openai
from checks import CHAT, CITY, EMBED, GROUNDED, QUESTION, URL, must, run

client = openai.OpenAI(base_url=f"{URL}/v1", api_key="any", max_retries=0)
MESSAGES = [{"role": "user", "content": QUESTION}]


def models():
    ids = [model.id for model in client.models.list()]
    must(CHAT in ids and EMBED in ids, "both models in the list")


def chat():
    answer = client.chat.completions.create(model=CHAT, messages=MESSAGES, max_tokens=24)
    must(answer.choices[0].message.content and answer.usage.completion_tokens > 0, "text and usage")


def stream():
    chunks = client.chat.completions.create(model=CHAT, messages=MESSAGES, max_tokens=24, stream=True)
    must("".join(chunk.choices[0].delta.content or "" for chunk in chunks), "text")


def tools():
    weather = {"type": "function", "function": {"name": "weather", "parameters": CITY}}
    answer = client.chat.completions.create(model=CHAT, messages=MESSAGES, tools=[weather], tool_choice="required")
    must("city" in json.loads(answer.choices[0].message.tool_calls[0].function.arguments), "a call of weather")


def schema():
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": CITY}}
    answer = client.chat.completions.create(model=CHAT, messages=MESSAGES, response_format=form)
    must("city" in json.loads(answer.choices[0].message.content), "an object by the schema")


def completions():
    answer = client.completions.create(model=CHAT, prompt="The queue", max_tokens=8, temperature=0)
    must(answer.choices[0].text, "text")


def embeddings():
    answer = client.embeddings.create(model=EMBED, input=["one", "two"])
    must([len(row.embedding) for row in answer.data] == [384, 384], "two vectors of 384")


def responses():
    answer = client.responses.create(model=CHAT, input=QUESTION, max_output_tokens=24)
    must(answer.output_text and answer.usage.output_tokens > 0, "text and usage")
    with client.responses.stream(model=CHAT, input=QUESTION) as events:  # one cut by its limit has no final response
        for _ in events:
            pass
        must(events.get_final_response().output_text, "streamed text")


def grounded():
    answer = client.chat.completions.create(model=GROUNDED, messages=MESSAGES)
    must(answer.model_extra["tandem"]["citations"], "citations")


def errors():
    try:
        client.chat.completions.create(model="no-such-model", messages=MESSAGES)
    except openai.NotFoundError:
        return
    must(False, "NotFoundError")


run(
    openai.__version__,
    {
        "models": models,
        "chat": chat,
        "chat stream": stream,
        "tools": tools,
        "schema": schema,
        "completions": completions,
        "embeddings": embeddings,
        "responses": responses,
        "project in a chat": grounded,
        "errors": errors,
    },
)
