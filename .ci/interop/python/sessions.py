"""Asks for answers in WebSocket sessions with OpenAI's SDK for Python: of Responses, one after the other and in lanes, and
of Realtime. Prints one JSON line an answer. Usage: python sessions.py BASE_URL"""

import json
import pathlib
import sys

import openai

client = openai.OpenAI(base_url=sys.argv[1], api_key="sk-interop")
sessions = json.loads((pathlib.Path(__file__).parent.parent / "sessions.json").read_text())


def main():
    for questions in sessions["responses"]:
        with client.responses.connect() as connection:
            converse(connection, questions, lambda q: connection.response.create(**q["ask"]))
    for session in sessions["realtime"]:
        with client.realtime.connect(model=session["model"]) as connection:
            assert connection.recv().type == "session.created"

            def ask(question):
                content = [{"type": "input_text", "text": question["text"]}]
                connection.conversation.item.create(item={"type": "message", "role": "user", "content": content})
                connection.response.create(response=question["ask"])

            converse(connection, session["questions"], ask)


def converse(connection, questions, ask):
    """Asks all questions of a session: those with a lane at once, the others one after the other."""
    answers = {}
    for question in questions:
        lane = question["ask"].get("stream_id")
        answers[lane] = answer = {"name": question["name"], "text": "", "events": 0}
        ask(question)
        if lane is None:
            hear(connection, answers)
            print(json.dumps(answer))
    if None not in answers:
        while not all("done" in answer for answer in answers.values()):
            hear(connection, answers)
        for answer in answers.values():
            print(json.dumps(answer))


def hear(connection, answers):
    """Reads events until one of the answers is complete."""
    while True:
        event = json.loads(connection.recv_bytes())
        kind = event["type"]
        if kind != "error" and not kind.startswith("response."):
            continue
        answer = answers[event.get("stream_id")]
        answer["events"] += 1
        if kind == "response.output_text.delta":
            answer["text"] += event["delta"]
        response = event.get("response")
        if kind == "error":
            answer["error"] = {"code": event["error"]["code"], "type": event["error"]["type"]}
            if "status" in event:
                answer["error"]["status"] = event["status"]
        elif response and response["status"] != "in_progress":
            answer.update(id=response["id"], status=response["status"], usage=response["usage"])
        else:
            continue
        answer["done"] = True
        return


main()
