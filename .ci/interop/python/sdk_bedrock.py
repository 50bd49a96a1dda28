"""AWS's SDK, as a client of Bedrock, for drive.py. The text of an answer is that of its content blocks; blocks has the
rest of them."""

import json

import boto3
import shape
from botocore.config import Config

__all__ = ["CALLS", "Client", "piece", "request", "whole"]

CALLS = "calls_bedrock.json"


class Client(shape.Client):
    def __init__(self, **account):
        super().__init__(**account)
        # Its session reads the model of the API once.
        self.session = boto3.Session(aws_access_key_id="interop", aws_secret_access_key="interop")

    def runtime(self, call):
        config = Config(retries={"total_max_attempts": 1 + self.max_retries})
        if self.timeout:
            config = config.merge(Config(read_timeout=self.timeout))
        client = self.session.client("bedrock-runtime", "us-east-1", endpoint_url=self.base_url, config=config)
        head = call.get("headers", {})
        client.meta.events.register("before-call", lambda params, **_: params["headers"].update(head))
        return client


def request(client, call):
    runtime, params = client.runtime(call), dict(call["params"])
    model, stream = params.pop("model"), params.pop("stream", False)
    if call["api"] == "converse":
        converse = runtime.converse_stream if stream else runtime.converse
        data = converse(modelId=model, **params)
    else:
        invoke = runtime.invoke_model_with_response_stream if stream else runtime.invoke_model
        data = invoke(modelId=model, contentType="application/json", body=json.dumps(params))
    headers = dict(data["ResponseMetadata"]["HTTPHeaders"])
    headers.pop("content-length", None)  # a whole answer has times in its body, whose length differs
    return shape.Reply(shape.Stream(data.get("stream") or data["body"]) if stream else data, headers)


def whole(call, reply, line):
    """Takes over an answer that came in one piece."""
    if call["api"] == "invoke":
        inner = json.loads(reply["body"].read())
        line["text"][0] = inner["generation"] if "generation" in inner else inner["content"][0]["text"]
        line["finish_reason"][0] = inner["stop_reason"]
        if "usage" in inner:
            line["usage"] = inner["usage"]
        return
    line["usage"], line["finish_reason"][0] = reply["usage"], reply["stopReason"]
    line["blocks"] = []
    for index, block in enumerate(reply["output"]["message"]["content"]):
        if call := block.get("toolUse"):
            line["text"][index] = json.dumps(call["input"], ensure_ascii=False, separators=(",", ":"))
            line["blocks"].append({"type": "call", "name": call["name"], "id": call["toolUseId"]})
        elif reasoning := block.get("reasoningContent"):
            line["text"][index] = reasoning["reasoningText"]["text"]
            line["blocks"].append({"type": "thinking", "signature": reasoning["reasoningText"]["signature"]})
        else:
            line["text"][index] = block["text"]
            line["blocks"].append({"type": "text"})


def piece(call, event, line):
    """Adds one event of a stream."""
    line.setdefault("blocks", [])
    if call["api"] == "invoke":
        inner_piece(json.loads(event["chunk"]["bytes"]), line)
    elif start := event.get("contentBlockStart"):
        tool = start["start"]["toolUse"]
        begin(start["contentBlockIndex"], {"type": "call", "name": tool["name"], "id": tool["toolUseId"]}, line)
    elif delta := event.get("contentBlockDelta"):
        index, new = delta["contentBlockIndex"], delta["delta"]
        reasoning = new.get("reasoningContent", {})
        begin(index, {"type": "thinking" if reasoning else "text"}, line)
        text = new.get("text") or reasoning.get("text") or new.get("toolUse", {}).get("input")
        line["text"][index] += text or ""
        if "signature" in reasoning:
            line["blocks"][index]["signature"] = reasoning["signature"]
    elif stop := event.get("messageStop"):
        line["finish_reason"][0] = stop["stopReason"]
    elif metadata := event.get("metadata"):
        line["usage"] = metadata["usage"]


def begin(index, block, line):
    if index == len(line["blocks"]):
        line["blocks"].append(block)
        line["text"][index] = ""


def inner_piece(inner, line):
    """Adds one event in the format of a model."""
    delta = inner.get("delta", {})
    line["text"][0] = line["text"].get(0, "") + (inner.get("generation") or delta.get("text") or "")
    if reason := inner.get("stop_reason") or delta.get("stop_reason"):
        line["finish_reason"][0] = reason
    if metrics := inner.get("amazon-bedrock-invocationMetrics"):
        line["usage"] = {k: metrics[k] for k in ("inputTokenCount", "outputTokenCount")}
