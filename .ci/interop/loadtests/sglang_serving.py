"""Runs SGLang's load test without the engine around it: the packages of the engine import PyTorch, and the load test
needs of them a file about the network and one constant. Usage: sglang_serving.py ARGUMENTS OF sglang.benchmark.serving"""

import importlib.metadata
import pathlib
import runpy
import sys
import types


def main():
    root = pathlib.Path(importlib.metadata.distribution("sglang").locate_file("sglang"))
    for name in ("sglang", "sglang.srt", "sglang.srt.utils", "sglang.srt.disaggregation"):
        package = types.ModuleType(name)
        package.__path__ = [str(root.joinpath(*name.split(".")[1:]))]
        sys.modules[name] = package
    engine = types.ModuleType("sglang.srt.disaggregation.utils")
    engine.FAKE_BOOTSTRAP_HOST = "2.2.2.2"  # used only with servers that split prefill from decode
    sys.modules[engine.__name__] = engine
    runpy.run_module("sglang.benchmark.serving", run_name="__main__", alter_sys=True)


main()
