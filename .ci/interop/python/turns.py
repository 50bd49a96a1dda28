"""Asks three questions in one session of an agent with one tool, and prints a line of JSON for each turn:
the calls of the model, the time of the turn and that of its tools, as the application sees them."""

import asyncio
import json
import sys
import time

framework, base = sys.argv[1], sys.argv[2]
QUESTIONS = ["What is the weather in Rome?", "And in Oslo?", "And in Lima?"]
PAUSE = 0.5  # of the human between two turns
spent = []


def weather(city: str) -> str:
    """Looks up the weather of a city."""
    begun = time.time()
    time.sleep(0.4)
    spent.append(time.time() - begun)
    return "sunny"


def report(calls, begun):
    print(json.dumps({"calls": calls, "all_s": time.time() - begun, "tool_s": sum(spent)}), flush=True)
    spent.clear()


async def openai_agents(api):
    from agents import Agent, ModelSettings, OpenAIChatCompletionsModel, OpenAIResponsesModel, Runner, SQLiteSession
    from agents import function_tool, set_tracing_disabled
    from openai import AsyncOpenAI

    set_tracing_disabled(True)
    kind = OpenAIChatCompletionsModel if api == "chat" else OpenAIResponsesModel
    model = kind(model="sim-large", openai_client=AsyncOpenAI(base_url=base, api_key="none"))
    # The choice is automatic again once a tool was called.
    agent = Agent(name="agent", instructions="Be brief.", tools=[function_tool(weather)], model=model,
                  model_settings=ModelSettings(tool_choice="required"))
    session = SQLiteSession("session")
    for question in QUESTIONS:
        begun = time.time()
        result = await Runner.run(agent, question, session=session)
        report(len(result.raw_responses), begun)
        await asyncio.sleep(PAUSE)


def langgraph():
    import warnings

    warnings.simplefilter("ignore")
    from langchain_core.tools import tool
    from langchain_openai import ChatOpenAI
    from langgraph.checkpoint.memory import MemorySaver
    from langgraph.prebuilt import create_react_agent

    look = tool(weather)
    model = ChatOpenAI(model="sim-large", base_url=base, api_key="none", streaming=True)
    agent = create_react_agent(model.bind_tools([look], tool_choice="auto"), [look], checkpointer=MemorySaver())
    answers = 0
    for question in QUESTIONS:
        begun = time.time()
        result = agent.invoke({"messages": [("user", question)]}, {"configurable": {"thread_id": "1"}})
        now = sum(m.type == "ai" for m in result["messages"])
        report(now - answers, begun)
        answers = now
        time.sleep(PAUSE)


if framework == "langgraph":
    langgraph()
else:
    asyncio.run(openai_agents(framework))
