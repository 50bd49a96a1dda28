"""Amazon's SDK, for clients.py: endpoints of SageMaker whose model server speaks chat completions, or TGI's API for the
calls of the API generate."""

import json

import boto3
import botocore.config


def connect(base_url, _client):
    client = boto3.client(
        "sagemaker-runtime",
        endpoint_url=base_url,
        region_name="us-east-1",
        aws_access_key_id="interop",
        aws_secret_access_key="interop",
        config=botocore.config.Config(retries={"total_max_attempts": 1}),
    )
    extra = {}
    client.meta.events.register("before-send.sagemaker-runtime", lambda request, **_: request.headers.update(extra))

    def make(call, line):
        extra.clear()
        extra.update(call.get("headers", {}))
        streamed = call["params"].get("stream", False)
        request = {
            "EndpointName": call["params"]["model"],
            "ContentType": "application/json",
            "Body": json.dumps(body(call, streamed)),
        }
        if not streamed:
            take(json.load(client.invoke_endpoint(**request)["Body"]), line)
            return
        stream = client.invoke_endpoint_with_response_stream(**request)["Body"]
        try:
            for data in line.pieces(events(stream)):
                take(json.loads(data), line)
        finally:
            stream.close()

    return make


def body(call, streamed):
    if call["api"] == "generate":
        return {"inputs": call["prompt"], "parameters": {"max_new_tokens": call["max_tokens"], "details": True}}
    ask = {"messages": [{"role": "user", "content": call["prompt"]}], "max_tokens": call["max_tokens"], "stream": streamed}
    if streamed:
        ask["stream_options"] = {"include_usage": True}
    return ask


def events(stream):
    """The data of the server-sent events that the payload parts of a stream have."""
    rest = b""
    for message in stream:
        *whole, rest = (rest + message["PayloadPart"]["Bytes"]).split(b"\n\n")
        for event in whole:
            data = event.removeprefix(b"data: ")
            if data != b"[DONE]":
                yield data


def take(reply, line):
    """Adds a whole answer, or an event of one."""
    for choice in reply.get("choices", []):
        line["text"] += (choice.get("message") or choice["delta"]).get("content") or ""
        line["finish"] = choice["finish_reason"]
    if reply.get("usage"):
        line["usage"] = reply["usage"]
    if "token" in reply:
        line["text"] += reply["token"]["text"]
    elif "generated_text" in reply:
        line["text"] = reply["generated_text"]
    if details := reply.get("details"):
        line["finish"] = details["finish_reason"]
        line["usage"] = details["generated_tokens"]
