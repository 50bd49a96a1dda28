"""Makes calls with an SDK for Python and its own retry settings, and prints one JSON line a call: the attempts as the
client itself sees them, when the call began and ended for the application, and how. The calls are read from standard
input: [{"id", "sdk", "url", "prompt", "stream", "timeout_ms"}, ...]; timeout_ms is 0 for the SDK's own. They run at the
same time, each with a client of its own, and start one after the other. An SDK is imported where it is used: a process
makes calls with one of them."""

import functools
import json
import os
import sys
import threading
import time

START_APART_S = 0.025
LOCK = threading.Lock()


class Log:
    """What the client did for one call."""

    def __init__(self):
        self.attempts = []

    def observe(self, client):
        """Lets an HTTP client of httpx or httpx2 tell of requests and heads of responses."""
        client.event_hooks = {"request": [self.request], "response": [self.response]}

    def request(self, request):
        self.attempts.append({"start_ms": now()})

    def response(self, response):
        self.ended(status=response.status_code)

    def ended(self, **how):
        self.attempts[-1].update(how, end_ms=now())


def openai_python(call, log):
    import openai

    client = openai.OpenAI(base_url=call["url"] + "/v1", api_key="sk-interop", **seconds(call))
    log.observe(client._client)

    def make():
        answer = client.chat.completions.create(model="gpt-4o-mini", stream=call["stream"], messages=messages(call))
        if not call["stream"]:
            return answer.choices[0].message.content
        return "".join(c.delta.content or "" for chunk in answer for c in chunk.choices)

    return make


def anthropic_python(call, log):
    import anthropic

    client = anthropic.Anthropic(base_url=call["url"], api_key="sk-interop", **seconds(call))
    log.observe(client._client)

    def make():
        answer = client.messages.create(
            model="claude-sonnet-4-5", max_tokens=16, stream=call["stream"], messages=messages(call)
        )
        if not call["stream"]:
            return answer.content[0].text
        return "".join(e.delta.text for e in answer if e.type == "content_block_delta")

    return make


def google_genai_python(call, log):
    from google import genai

    options = {"base_url": call["url"]}
    if call["timeout_ms"]:
        options["timeout"] = call["timeout_ms"]
    client = genai.Client(api_key="interop", http_options=options)
    log.observe(client._api_client._httpx_client)

    def make():
        arguments = {"model": "gemini-2.5-flash", "contents": call["prompt"]}
        if not call["stream"]:
            return client.models.generate_content(**arguments).text
        return "".join(chunk.text or "" for chunk in client.models.generate_content_stream(**arguments))

    return make


def bedrock_python(call, log):
    import boto3
    import botocore.config

    config = {"read_timeout": call["timeout_ms"] / 1000} if call["timeout_ms"] else {}
    client = boto3.client(
        "bedrock-runtime",
        endpoint_url=call["url"],
        region_name="us-east-1",
        aws_access_key_id="interop",
        aws_secret_access_key="interop",
        config=botocore.config.Config(**config),
    )

    def received(response_dict, exception=None, **_):
        if exception:
            log.ended(error=type(exception).__name__)
        else:
            log.ended(status=response_dict["status_code"])

    client.meta.events.register("before-send.bedrock-runtime", lambda request, **_: log.request(request))
    client.meta.events.register("response-received.bedrock-runtime", received)

    def make():
        arguments = {
            "modelId": "anthropic.claude-sonnet-4-5",
            "messages": [{"role": "user", "content": [{"text": call["prompt"]}]}],
        }
        if not call["stream"]:
            return client.converse(**arguments)["output"]["message"]["content"][0]["text"]
        stream = client.converse_stream(**arguments)["stream"]
        return "".join(e["contentBlockDelta"]["delta"]["text"] for e in stream if "contentBlockDelta" in e)

    return make


def langchain_python(call, log):
    import langchain_openai

    model = langchain_openai.ChatOpenAI(
        model="gpt-4o-mini", base_url=call["url"] + "/v1", api_key="sk-interop", **seconds(call)
    )
    log.observe(model.root_client._client)

    def make():
        if not call["stream"]:
            return model.invoke(call["prompt"]).content
        return "".join(chunk.content for chunk in model.stream(call["prompt"]))

    return make


@functools.cache
def litellm_observed():
    """LiteLLM makes its clients itself, from a session that is the same for all calls: the URL tells them apart."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # it would look for prices on the Internet
    import httpx
    import litellm

    logs = {}

    def log_of(request):
        return next(log for base, log in logs.items() if str(request.url).startswith(base + "/"))

    litellm.suppress_debug_info = True
    litellm.client_session = httpx.Client(
        follow_redirects=True,
        event_hooks={
            "request": [lambda request: log_of(request).request(request)],
            "response": [lambda response: log_of(response.request).response(response)],
        },
    )
    return litellm, logs


def litellm_python(call, log):
    litellm, logs = litellm_observed()
    logs[call["url"]] = log

    def make():
        answer = litellm.completion(
            model="openai/gpt-4o-mini",
            api_base=call["url"] + "/v1",
            api_key="sk-interop",
            stream=call["stream"],
            messages=messages(call),
            **seconds(call),
        )
        if not call["stream"]:
            return answer.choices[0].message.content
        return "".join(chunk.choices[0].delta.content or "" for chunk in answer)

    return make


SDKS = {
    "openai-python": openai_python,
    "anthropic-python": anthropic_python,
    "google-genai-python": google_genai_python,
    "bedrock-python": bedrock_python,
    "langchain-python": langchain_python,
    "litellm": litellm_python,
}


def seconds(call):
    return {"timeout": call["timeout_ms"] / 1000} if call["timeout_ms"] else {}


def messages(call):
    return [{"role": "user", "content": call["prompt"]}]


def now():
    return time.time() * 1000


def run(call, log, make):
    line = {"id": call["id"], "start_ms": now()}
    try:
        line["text"] = make()
    except Exception as error:
        line["error"] = type(error).__name__
        line["message"] = str(error)
    line.update(end_ms=now(), attempts=log.attempts)
    with LOCK:
        print(json.dumps(line), flush=True)


def main():
    ready = []
    for call in json.load(sys.stdin):
        log = Log()
        ready.append((call, log, SDKS[call["sdk"]](call, log)))
    threads = []
    for what in ready:
        threads.append(threading.Thread(target=run, args=what))
        threads[-1].start()
        time.sleep(START_APART_S)
    for thread in threads:
        thread.join()


main()
