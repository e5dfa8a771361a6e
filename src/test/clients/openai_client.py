"""Completes, streams and provokes typed errors with the official Python client against a running server.

    pip install openai && python3 src/test/clients/openai_client.py http://127.0.0.1:8000/v1
"""

import sys

import openai

base_url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000/v1"
client = openai.OpenAI(base_url=base_url, api_key="none", max_retries=0)
model = client.models.list().data[0].id
question = [{"role": "user", "content": "What is the capital of France?"}]
checks = 0


def check(holds, what):
    global checks
    if not holds:
        sys.exit(f"FAILED: {what}")
    checks += 1


answer = client.chat.completions.create(model=model, messages=question, temperature=0)
text = answer.choices[0].message.content
check("Paris" in text, f"chat says Paris, got {text!r}")
check(answer.choices[0].finish_reason == "stop", "chat stops")
check(answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens, "usage adds up")

chunks = list(
    client.chat.completions.create(
        model=model, messages=question, temperature=0, stream=True, stream_options={"include_usage": True}
    )
)
streamed = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
check(streamed == text, f"the stream says the same, got {streamed!r}")
check(chunks[0].choices[0].delta.role == "assistant", "the first chunk has the role")
check(chunks[-1].choices == [] and chunks[-1].usage == answer.usage, "the last chunk has the usage")

completion = client.completions.create(model=model, prompt="Once upon a time", max_tokens=8, temperature=0)
check(completion.usage.completion_tokens == 8, "completion of 8 tokens")
pieces = client.completions.create(model=model, prompt="Once upon a time", max_tokens=8, temperature=0, stream=True)
check("".join(p.choices[0].text for p in pieces) == completion.choices[0].text, "completion streams the same")
several = client.completions.create(model=model, prompt=["One", "Two"], max_tokens=4, n=2, seed=1)
check([c.index for c in several.choices] == [0, 1, 2, 3], "two prompts, two answers each")
logprobs = client.chat.completions.create(model=model, messages=question, max_tokens=2, logprobs=True, top_logprobs=3)
check(len(logprobs.choices[0].logprobs.content[0].top_logprobs) == 3, "top_logprobs")
tools = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Get the weather of a city",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
]
weather = [{"role": "user", "content": "What is the weather in Paris?"}]
called = client.chat.completions.create(model=model, messages=weather, tools=tools, temperature=0).choices[0]
check(called.finish_reason == "tool_calls", f"a tool call, got {called}")
check(called.message.tool_calls[0].function.name == "get_weather", "the tool's name")
check("Paris" in called.message.tool_calls[0].function.arguments, "the tool's argument")


def provoke(kind, what, **arguments):
    try:
        client.chat.completions.create(**{"model": model, "messages": question, **arguments})
    except kind as e:
        check(e.body["message"], f"{what} has a message")
    else:
        sys.exit(f"FAILED: {what} raised nothing")


provoke(openai.NotFoundError, "unknown model", model="nobody")
provoke(openai.BadRequestError, "temperature out of range", temperature=3)
provoke(openai.BadRequestError, "prompt too long", messages=[{"role": "user", "content": "word " * 100_000}])
provoke(openai.BadRequestError, "max_tokens below one", max_tokens=0)
provoke(openai.BadRequestError, "top_logprobs without logprobs", top_logprobs=3)
print(f"{checks} passed, 0 failed")
