"""What a network costs, as gradus and other tools tell it, beside counts by hand; and what it costs to be told.

Run from the root of the repository: ``python -m benchmarks.inspectors``. A tool that is not installed is left out.
"""

import argparse
import ctypes
import gc
import io
import json
import multiprocessing
import os
import subprocess
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib import import_module, metadata
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence
from torch.utils._pytree import tree_map

from benchmarks.inspector_cases import CASES, TIMED, Case, Inputs
from benchmarks.measure import Spread, table

Verdict = Literal["right", "convention", "wrong", "missing", "crashed"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
CONVENTION = 1.025
"""Biases, normalization and gates add no more than this to any case, and no mistake that was seen adds so little."""


@dataclass(frozen=True)
class Answer:
    """What a tool says of a network.

    Attributes:
        macs: None if it gives no number.
        parameters: None if it counts none.
        failure: why it gave up; "" if it did not.
    """

    macs: int | None = None
    parameters: int | None = None
    failure: str = ""


@dataclass(frozen=True)
class Tool:
    """A way of counting.

    Attributes:
        module: what must be imported to use it.
        distribution: the package that it comes in.
    """

    name: str
    count: Callable[[nn.Module, Inputs], Answer]
    module: str
    distribution: str


def gradus(model: nn.Module, inputs: Inputs) -> Answer:
    """Gives no number where it could not follow the network to its end, or met what it cannot count."""
    from gradus.analysis.inspect import inspect

    found = inspect(model, *inputs)
    return Answer(None if found.unresolved or found.uncounted else found.macs, found.parameters)


def torchinfo(model: nn.Module, inputs: Inputs) -> Answer:
    """https://github.com/TylerYep/torchinfo."""
    from torchinfo import summary

    found = summary(model, input_data=list(inputs), verbose=0)
    return Answer(int(found.total_mult_adds), found.total_params)


def fvcore(model: nn.Module, inputs: Inputs) -> Answer:
    """https://github.com/facebookresearch/fvcore/blob/main/docs/flop_count.md; its flops are multiply-adds."""
    from fvcore.nn import FlopCountAnalysis, parameter_count

    counted = FlopCountAnalysis(model, inputs).unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    return Answer(int(counted.total()), parameter_count(model)[""])


class Whole(nn.Module):
    """A network around one: of the outermost module thop finds no parameters, and ptflops divides by its batch."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, inputs: Inputs) -> Any:
        return self.model(*inputs)


def ptflops(model: nn.Module, inputs: Inputs, backend: str = "pytorch") -> Answer:
    """https://github.com/sovrasov/flops-counter.pytorch: by modules, and functions that it patches."""
    from ptflops import get_model_complexity_info

    options = {"as_strings": False, "print_per_layer_stat": False, "backend": backend}
    with redirect_stdout(io.StringIO()) as said:
        macs, parameters = get_model_complexity_info(
            Whole(model), (1,), input_constructor=lambda _: {"inputs": inputs}, **options
        )
    if macs is None:  # it prints the reason, on the second line
        raise RuntimeError(said.getvalue().splitlines()[1])
    return Answer(int(macs), parameters)


def ptflops_aten(model: nn.Module, inputs: Inputs) -> Answer:
    """The same, by the operations that run."""
    return ptflops(model, inputs, "aten")


def thop(model: nn.Module, inputs: Inputs) -> Answer:
    """https://github.com/Lyken17/pytorch-OpCounter."""
    from thop import profile

    macs, parameters = profile(Whole(model), inputs=(inputs,), verbose=False)
    return Answer(int(macs), int(parameters))


def calflops(model: nn.Module, inputs: Inputs) -> Answer:
    """https://github.com/MrYxJ/calculate-flops.pytorch."""
    from calflops import calculate_flops

    _, macs, parameters = calculate_flops(model, args=list(inputs), print_results=False, output_as_string=False)
    return Answer(int(macs), parameters)


def flop_counter(model: nn.Module, inputs: Inputs) -> Answer:
    """torch's own, in a real run; it counts two of each multiply-add."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        model(*inputs)
    return Answer(counter.get_total_flops() // 2)


def flop_counter_meta(model: nn.Module, inputs: Inputs) -> Answer:
    """The same on the meta device, to which weights and inputs are moved, so that nothing is computed."""

    def is_packed(part: Any) -> bool:  # whose lengths must stay where they can be read
        return isinstance(part, PackedSequence)

    with torch.device("meta"):
        return flop_counter(model.to("meta"), tree_map(lambda leaf: leaf.to(device="meta"), inputs, is_leaf=is_packed))


def forward_pass(model: nn.Module, inputs: Inputs) -> Answer:
    """No tool: what it takes to run the network."""
    with torch.no_grad():
        model(*inputs)
    return Answer()


GRADUS = Tool("gradus", gradus, "gradus.analysis.inspect", "torchgradus")
TOOLS = (
    GRADUS,
    Tool("torchinfo", torchinfo, "torchinfo", "torchinfo"),
    Tool("fvcore", fvcore, "fvcore.nn", "fvcore"),
    Tool("ptflops", ptflops, "ptflops", "ptflops"),
    Tool("ptflops, aten", ptflops_aten, "ptflops", "ptflops"),
    Tool("thop", thop, "thop", "thop"),
    Tool("calflops", calflops, "calflops", "calflops"),
    Tool("FlopCounter", flop_counter, "torch.utils.flop_counter", "torch"),
    Tool("on meta", flop_counter_meta, "torch.utils.flop_counter", "torch"),
)
FORWARD = Tool("forward pass, no tool", forward_pass, "torch", "torch")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; fails if gradus is wrong anywhere."""
    from benchmarks.recipes import processor  # later: it loads much of gradus, which is to be measured

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--parts", nargs="+", choices=("counts", "cost"), default=("counts", "cost"))
    parser.add_argument("--rounds", type=int, default=7, help="analyses of each network by each tool (default: 7)")
    parser.add_argument("--threads", type=int, default=1, help="that torch computes with (default: 1)")
    options = parser.parse_args(arguments)
    print(f"# Inspectors\n\n{processor()}, {os.cpu_count()} processors, torch {torch.__version__}", flush=True)
    tools = [each for each in TOOLS if is_installed(each)]
    right = True
    if "counts" in options.parts:
        text, right = counts(tools)
        print(text, flush=True)
    if "cost" in options.parts:
        for case in TIMED:
            print(cost(tools, case, options.rounds, options.threads), flush=True)
            print(in_turn([each for each in tools if each.count in (gradus, fvcore)], case, options), flush=True)
    return 0 if right else 1


def is_installed(tool: Tool) -> bool:
    """Whether it can be imported, with all that it needs."""
    try:
        import_module(tool.module)
    except ImportError:
        return False
    return True


def verdict(hand: int | None, answer: Answer) -> Verdict:
    """Of a network whose cost depends on numbers it is right to give up, and wrong to give a number."""
    if hand is None:
        return "right" if answer.macs is None else "wrong"
    if answer.failure:
        return "crashed"
    if answer.macs == hand:
        return "right"
    if not answer.macs:
        return "missing"
    return "convention" if hand < answer.macs <= CONVENTION * hand else "wrong"


def counts(tools: Sequence[Tool]) -> tuple[str, bool]:
    """Every tool on every case; and whether gradus is right on all, parameters included."""
    import_module("torch._dynamo")  # most tools come to load it: once, for all the processes that come of this one
    answers = {tool.name: [ask(tool, case) for case in CASES] for tool in tools}
    rows = [
        [case.name, "depends" if case.macs is None else f"{case.macs:,}", *(_cell(case.macs, each) for each in given)]
        for case, *given in zip(CASES, *answers.values(), strict=True)
    ]
    reasons = [
        f"- {name}, {case.name}: {answer.failure}"
        for name, given in answers.items()
        for case, answer in zip(CASES, given, strict=True)
        if answer.failure
    ]
    summary = [_summary(tool, answers.get(tool.name)) for tool in TOOLS]
    text = f"""
## Counts

Multiply-adds by hand, and what each tool says. *conv.*: up to {CONVENTION - 1:.1%} more, which is biases, normalization
or gates, that some count and some do not. A factor is what a wrong count is over the hand's. *missing*: 0, or no
number. *silent*: a number, where it depends on the numbers that the network is given.

{table(["network", "by hand", *answers], rows)}

Of {len(CASES)} networks, and how often parameters are right:

{table(["tool", "version", *VERDICTS, "parameters"], summary)}

Said by those that gave up:

{chr(10).join(reasons)}"""
    ours = zip(CASES, answers[GRADUS.name], strict=True)
    return text, all(verdict(case.macs, each) == "right" and each.parameters == case.parameters for case, each in ours)


def _cell(hand: int | None, answer: Answer) -> str:
    given = verdict(hand, answer)
    if given not in ("wrong", "convention"):
        return given
    if not hand:
        return "silent" if hand is None else f"{answer.macs:,}"
    ratio = (answer.macs or 0) / hand
    return f"conv. +{ratio - 1:.2%}" if given == "convention" else f"x {ratio:.3g}"


def _summary(tool: Tool, given: Sequence[Answer] | None) -> list[str]:
    if given is None:
        return [tool.name, "not installed", *[""] * len(VERDICTS), ""]
    number = Counter(verdict(case.macs, answer) for case, answer in zip(CASES, given, strict=True))
    right = sum(answer.parameters == case.parameters for case, answer in zip(CASES, given, strict=True))
    parameters = "none counted" if all(each.parameters is None for each in given) else str(right)
    return [tool.name, metadata.version(tool.distribution), *(str(number[each]) for each in VERDICTS), parameters]


def ask(tool: Tool, case: Case) -> Answer:
    """In a process of its own, for a tool that fails may leave torch patched."""
    fork = multiprocessing.get_context("fork")
    receiver, sender = fork.Pipe(duplex=False)
    child = fork.Process(target=lambda: sender.send(_answer(tool, case)))
    child.start()
    sender.close()
    try:
        answer: Answer = receiver.recv()
    except EOFError:
        answer = Answer(failure="its process ended")
    child.join()
    return answer


def _answer(tool: Tool, case: Case) -> Answer:
    torch.manual_seed(0)
    torch.set_num_threads(1)  # threads are not forked: torch would wait for them
    warnings.simplefilter("ignore")
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            return tool.count(case.build().eval(), case.inputs())
    except Exception as error:
        said = next(iter(str(error).splitlines()), "")
        return Answer(failure=f"{type(error).__name__}: {said}"[:120])


@dataclass(frozen=True)
class Cost:
    """Seconds, and megabytes by which the memory of the process rose at its peak."""

    seconds: float
    memory: float


def cost(tools: Sequence[Tool], case: Case, rounds: int, threads: int) -> str:
    """What each tool's analysis of a network takes, each in a process of its own, in turn."""
    asked = [*tools, FORWARD]
    spent: dict[str, list[tuple[Cost, Cost]]] = {tool.name: [] for tool in asked}
    for turn in range(rounds):
        first = turn % len(asked)
        for tool in asked[first:] + asked[:first]:
            spent[tool.name].append(alone(tool, case, threads))
        print(f"{case.name}: round {turn + 1} of {rounds} done", file=sys.stderr, flush=True)
    return f"""
## Cost for {case.name}

Medians [quartiles] of {rounds} processes, torch on {threads} thread(s). The network and its input are there before
anything is measured. Of the analysis alone, in a process in which the tool has analysed one linear layer before:

{_costs({name: [analysis for analysis, _ in given] for name, given in spent.items()})}

With that layer, and with loading the tool and whatever it loads itself when it is first used; not with loading torch:

{_costs({name: [in_all for _, in_all in given] for name, given in spent.items()})}"""


def in_turn(tools: Sequence[Tool], case: Case, options: argparse.Namespace) -> str:
    """The same network again and again in this process, by tools that leave torch as it is, in turn."""
    torch.set_num_threads(options.threads)
    model, inputs = case.build().eval(), case.inputs()
    spent: dict[str, list[float]] = {tool.name: [] for tool in tools}
    for turn in range(-1, options.rounds):  # the first does not count
        for tool in tools:
            gc.collect()
            began = time.perf_counter()
            tool.count(model, inputs)
            if turn >= 0:
                spent[tool.name].append(time.perf_counter() - began)
    ratios = {
        name: [each / ours for each, ours in zip(s, spent[GRADUS.name], strict=True)] for name, s in spent.items()
    }
    rows = [[name, Spread.of(spent[name]).text(3), Spread.of(ratios[name]).text(2)] for name in spent]
    written = table(["tool", "seconds", "times gradus's"], rows)
    return f"\nAgain in one process, in turn, {options.rounds} times:\n\n{written}"


def _costs(spent: Mapping[str, Sequence[Cost]]) -> str:
    rows = []
    for name, costs in spent.items():
        ratios = [each.seconds / ours.seconds for each, ours in zip(costs, spent[GRADUS.name], strict=True)]
        seconds, memory = [each.seconds for each in costs], [each.memory for each in costs]
        rows.append([name, Spread.of(seconds).text(3), Spread.of(ratios).text(2), Spread.of(memory).text(1)])
    return table(["tool", "seconds", "times gradus's", "MB"], rows)


def alone(tool: Tool, case: Case, threads: int) -> tuple[Cost, Cost]:
    """In a process that does nothing else: what the analysis takes, and what it takes with all that was loaded."""
    done = subprocess.run(
        [sys.executable, "-c", f"from benchmarks.inspectors import measure; measure({tool.name!r}, {case.name!r})"],
        check=True,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parent.parent,
        env=os.environ | {"OMP_NUM_THREADS": str(threads)},
    )
    analysis, in_all = json.loads(done.stdout)
    return Cost(*analysis), Cost(*in_all)


def measure(tool_name: str, case_name: str) -> None:
    """Print what `alone` returns, as JSON."""
    warnings.simplefilter("ignore")
    tool = next(each for each in (*TOOLS, FORWARD) if each.name == tool_name)
    case = next(each for each in TIMED if each.name == case_name)
    model, inputs = case.build().eval(), case.inputs()
    small = nn.Sequential(nn.Linear(3, 2)).eval(), (torch.zeros(1, 3),)
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # memory that building the network left free would be taken without a rise
    before, began = _memory("VmRSS:"), time.perf_counter()
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        import_module(tool.module)
        tool.count(*small)
        loaded, ready, loading_peak = _memory("VmRSS:"), time.perf_counter(), _memory("VmHWM:")
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        tool.count(model, inputs)
        ended, peak = time.perf_counter(), _memory("VmHWM:")
    in_all = ended - began, max(0.0, max(loading_peak, peak) - before)
    print(json.dumps([[ended - ready, max(0.0, peak - loaded)], in_all]))


def _memory(name: str) -> float:
    """In megabytes; of resident memory Linux tells some pages too many or too few."""
    status = Path("/proc/self/status").read_text().split()
    return int(status[status.index(name) + 1]) * 1024 / 1e6


if __name__ == "__main__":
    sys.exit(main())
