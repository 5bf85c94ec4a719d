"""What it costs to have a training loop watched by the doctor.

Run from the root of the repository: ``python -m benchmarks.doctor_cost [--quick]``.
"""

import argparse
import contextlib
import itertools
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes

import gradus
from benchmarks import aten
from benchmarks.measure import Clock, Mark, Runner, Spent, Spread, interleave, table
from benchmarks.tasks import Task, digits_task
from gradus.core.spec import DataSpec
from gradus.diagnosis import probe
from gradus.diagnosis.rules import rules
from gradus.diagnosis.watch import Watch
from gradus.models.small_cnn import small_cnn

PARTS = ("direct", "share", "ratio", "memory", "operations")
SETTLED = 100
"""Steps after which the first examinations are over, and what is only done once is done."""
MOST_MICROSECONDS = 80.0
MOST_SHARE = {"digits MLP": 0.05, "28 x 28 CNN": 0.015, "ResNet-20": 0.015, "LSTM": 0.015}
MOST_MEMORY = 0.02, 5e6
"""The larger of a share and of bytes."""

# Cockpit's economy configuration on a CPU, as published: seconds of a run over those of one without it, by how many
# steps lie between two instruments' readings. Schneider, Dangel, Hennig (2021), Cockpit: A practical debugging tool for
# the training of deep neural networks, NeurIPS.
EVERY = (1, 16, 64, 256)
COCKPIT = {
    "logistic regression": (1.72, 1.07, 1.02, 1.02),
    "CIFAR-10 3c3d": (5.7, 1.34, 1.08, 1.02),
    "Fashion-MNIST 2c2d": (35.0, 3.3, 1.57, 1.14),
    "MNIST MLP": (63.0, 5.2, 2.06, 1.28),
}


# ---- what is trained -------------------------------------------------------------------------------------------------


class Block(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut, which is a 1 x 1 convolution where the shape changes."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        stride = after // before
        self.conv1 = nn.Conv2d(before, after, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(after)
        self.shortcut = nn.Identity() if stride == 1 else nn.Conv2d(before, after, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        hidden = functional.relu(self.norm1(self.conv1(x)))
        return functional.relu(self.norm2(self.conv2(hidden)) + self.shortcut(x))


def resnet20() -> nn.Module:
    """Twenty layers for 32 x 32 images, shortcuts with a convolution. Source: He et al. (2016), arXiv 1512.03385."""
    widths = (16, 16, 16, 16, 32, 32, 32, 64, 64, 64)
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        *(Block(before, after) for before, after in itertools.pairwise(widths)),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, 10),
    )


class Recurrent(nn.Module):
    """An LSTM whose last output is classified."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(8, 64, batch_first=True)
        self.output = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.output(self.lstm(x)[0][:, -1])
        return output


def noisy_classes(count: int, shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Ten patterns under noise, which can be learned, so that a watched run is a healthy one."""
    draw = torch.Generator().manual_seed(0)
    target = torch.randint(10, (count,), generator=draw)
    patterns = torch.randn(10, *shape, generator=draw)
    return 0.5 * patterns[target] + torch.randn(count, *shape, generator=draw), target


def invented_task(name: str, make: Callable[[], nn.Module], shape: tuple[int, ...], *, count: int, batch: int) -> Task:
    """A network on `noisy_classes`."""
    inputs, target = noisy_classes(count, shape)
    return Task(name=name, make=make, inputs=inputs, target=target, batch_size=batch)


def cnn_task(count: int = 3200, batch: int = 64) -> Task:
    """The model zoo's small CNN, with batch norm."""
    spec = DataSpec(task="classification", inputs=((1, 28, 28),), outputs=10)
    return invented_task("28 x 28 CNN", lambda: small_cnn(spec), (1, 28, 28), count=count, batch=batch)


def null_task() -> Task:
    """One weight, one bias, one example a step."""
    inputs = torch.randn(1000, 1, generator=torch.Generator().manual_seed(0))
    return Task(
        name="null model",
        make=lambda: nn.Linear(1, 1),
        inputs=inputs,
        target=2 * inputs + 1 + 0.1 * inputs.roll(1),
        criterion=functional.mse_loss,
        batch_size=1,
        lr=0.01,
    )


TASKS: dict[str, Callable[[], Task]] = {
    "digits MLP": lambda: replace(digits_task(), batch_size=64),
    "28 x 28 CNN": cnn_task,
    "ResNet-20": lambda: invented_task("ResNet-20", resnet20, (3, 32, 32), count=1024, batch=32),
    "LSTM": lambda: invented_task("LSTM", Recurrent, (32, 8), count=3200, batch=64),
}
QUICK_STEPS = 15
STEPS = {"digits MLP": 5000, "28 x 28 CNN": 500, "ResNet-20": 400, "LSTM": 5000}
WHOLE_RUNS = {"digits MLP": 2000, "28 x 28 CNN": 100, "LSTM": 300}
LARGE_BATCHES: dict[str, Callable[[], Task]] = {
    "digits MLP, batch 1,797": lambda: replace(digits_task(), batch_size=1797),
    "28 x 28 CNN, batch 256": lambda: cnn_task(1024, 256),
}
COMPARED = ("digits MLP", "28 x 28 CNN")
LOOPS = ("unwatched", "unwatched, again", "watched")
WATCHED = LOOPS[-1]
RECORDED = 24
"""Steps: the first ten are examined, some later ones, most not; some have their gradients looked at."""
DIAGNOSIS = Path(probe.__file__).parent
TRAIN_ALONE = """
import sys
from pathlib import Path
from benchmarks import doctor_cost
loop = doctor_cost.Loop(doctor_cost.LARGE_BATCHES[sys.argv[1]](), watched=bool(sys.argv[2]))
loop.run(doctor_cost.SETTLED // 4)
status = Path("/proc/self/status").read_text().split()  # getrusage would count the process that started this one
print(status[status.index("VmHWM:") + 1])
"""


# ---- how -------------------------------------------------------------------------------------------------------------


def optimizer_of(task: Task, network: nn.Module) -> torch.optim.Optimizer:
    """Adam, as most scripts have it; SGD where nothing but the loop is to be measured."""
    if task.batch_size == 1:
        return torch.optim.SGD(network.parameters(), lr=task.lr)
    return torch.optim.Adam(network.parameters(), lr=task.lr)


class Loop:
    """A training loop as one writes it by hand; `watched` puts ``gradus.watch`` around it and changes nothing else."""

    def __init__(self, task: Task, *, watched: bool) -> None:
        self.task = task
        self.network = task.network()
        self.optimizer = optimizer_of(task, self.network)
        self.watch = gradus.watch(self.network, self.optimizer, quiet=True) if watched else None
        self._draw = torch.Generator().manual_seed(0)
        self._rest: list[Tensor] = []

    def step(self) -> None:
        if not self._rest:
            order = torch.randperm(len(self.task.target), generator=self._draw)
            self._rest = list(order.split(self.task.batch_size))
        index = self._rest.pop()
        x, y = self.task.inputs[index], self.task.target[index]
        self.optimizer.zero_grad()
        loss = self.task.criterion(self.network(x), y)
        loss.backward()
        self.optimizer.step()

    def run(self, steps: int) -> None:
        with self.watch or contextlib.nullcontext():
            for _ in range(steps):
                self.step()

    @property
    def doctor(self) -> Watch:
        assert self.watch is not None
        return self.watch


@dataclass(frozen=True)
class Watched:
    """A watched run, step by step.

    Attributes:
        share: of the time since the first step, in callbacks.
        later: the same after the step `SETTLED`, or NaN.
        idle: seconds of callbacks in a step that is not examined.
        examined: seconds of callbacks in one that is.
        step: seconds of a step without its callbacks.
        total: seconds of callbacks in all.
    """

    steps: int
    share: float
    later: float
    idle: Spread
    examined: Spread
    examinations: int
    step: Spread
    total: float
    settled: float
    findings: tuple[str, ...]


def watch_run(task: Task, steps: int) -> Watched:
    """Train, and note what each step's callbacks took."""
    loop = Loop(task, watched=True)
    at_work, history = loop.doctor.probe, loop.doctor.history
    idle: list[float] = []
    examined: list[float] = []
    bare: list[float] = []
    settled_at = settled = 0.0
    with loop.doctor:
        for number in range(steps):
            spent, known, began = at_work.spent, len(history.examinations), time.perf_counter()
            loop.step()
            ended = time.perf_counter()
            took = at_work.spent - spent
            bare.append(ended - began - took)
            (examined if len(history.examinations) > known else idle).append(took)
            if number + 1 == SETTLED:
                settled_at, settled = ended, at_work.spent
        end, share, total = time.perf_counter(), at_work.overhead, at_work.spent
    return Watched(
        steps=steps,
        share=share,
        later=(total - settled) / (end - settled_at) if steps > SETTLED else float("nan"),
        idle=Spread.of(idle),
        examined=Spread.of(examined),
        examinations=len(examined),
        step=Spread.of(bare),
        total=total,
        settled=settled,
        findings=tuple(each.symptom for each in loop.doctor.findings),
    )


def runner(task: Task, steps: int, *, watched: bool, first: int = 0) -> Runner:
    """Calls the first mark after `first` steps, and the second at the end."""

    def run(epochs: int, mark: Mark) -> None:
        if epochs != 2:
            raise ValueError(f"epochs: must be 2, of which the second is timed, got {epochs}")
        loop = Loop(task, watched=watched)
        with loop.watch or contextlib.nullcontext():
            for number in range(steps):
                if number == first:
                    mark()
                loop.step()
        mark()

    return run


def surroundings() -> str:
    """The versions and the machine that the figures hold for."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    processor = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return f"""# What watching costs

gradus {gradus.__version__}, torch {torch.__version__}, Python {platform.python_version()};
{processor or platform.machine()}, {os.cpu_count()} processors, {torch.get_num_threads()} thread"""


def warm_up() -> None:
    """Import the rules, and let torch do what it does once a process."""
    rules.cards()
    for watched in (False, True):
        Loop(null_task(), watched=watched).run(2 * SETTLED)


# ---- parts -----------------------------------------------------------------------------------------------------------


def direct(*, steps: int, rounds: int, part: int) -> str:
    """Part (a): microseconds a step on a model that computes nearly nothing."""
    task = null_task()
    whole = watch_run(task, steps)
    runners = {name: runner(task, SETTLED + part, watched=name == WATCHED, first=SETTLED) for name in LOOPS}
    spent = interleave(runners, 2, rounds)

    def beyond(name: str, clock: Clock) -> str:
        pairs = zip(spent[name], spent[LOOPS[0]], strict=True)
        return Spread.of([1e6 * (one.by(clock) - other.by(clock)) / part for one, other in pairs]).text(1)

    rows = [
        [
            name,
            Spread.of([1e6 * each.cpu / part for each in spent[name]]).text(1),
            *(("", "") if name == LOOPS[0] else (beyond(name, "cpu"), beyond(name, "wall"))),
        ]
        for name in LOOPS
    ]
    reached = 1e6 * whole.total / steps
    later = 1e6 * (whole.total - whole.settled) / max(1, steps - SETTLED)
    return f"""
## (a) Direct cost of a step

On a model of two numbers, one example a step, SGD. In a run of {steps:,} steps, {whole.examinations} of them examined,
callbacks took {reached:.1f} microseconds a step by the wall clock, and {later:.1f} from step {SETTLED} on; in a step
that is not examined {_micro(whole.idle)}. Findings: {", ".join(whole.findings) or "none"}.

Below, {rounds} interleaved rounds of {part:,} steps after the first {SETTLED}: microseconds a step, median [quartiles].

{table(["loop", "CPU time", "beyond unwatched, CPU time", "beyond unwatched, wall clock"], rows)}

Target, at most {MOST_MICROSECONDS:g} in callbacks: {_verdict(reached <= MOST_MICROSECONDS)} with {reached:.1f}."""


def share(*, quick: bool) -> str:
    """Part (b): which share of a run's time passes in callbacks."""
    runs = {name: watch_run(make(), QUICK_STEPS if quick else STEPS[name]) for name, make in TASKS.items()}
    shares = [
        [
            name,
            f"{run.steps:,}",
            f"{1e3 * run.step.middle:.3g}",
            str(run.examinations),
            f"{run.share:.2%}",
            f"{run.later:.2%}" if run.steps > SETTLED else "",
            ", ".join(run.findings) or "none",
        ]
        for name, run in runs.items()
    ]
    costs = [
        [
            name,
            _micro(run.idle),
            f"{run.idle.middle / run.step.middle:.2%}",
            Spread(*(1e3 * each for each in (run.examined.low, run.examined.middle, run.examined.high))).text(1),
            f"{run.examined.middle / run.step.middle:.2f}",
            f"{1e3 * (run.settled or run.total):.0f}",
        ]
        for name, run in runs.items()
    ]
    targets = [
        f"- {name}, at most {MOST_SHARE[name]:.1%}: {_verdict(run.share <= MOST_SHARE[name])} with {run.share:.2%}."
        for name, run in runs.items()
    ]
    ours = [[f"gradus.watch, {name}", "", "", "", "", f"{1 / (1 - run.share):.3f}"] for name, run in runs.items()]
    cockpit = [[f"Cockpit, {name}", *(f"{each:.2f}" for each in ratios), ""] for name, ratios in COCKPIT.items()]
    header = ["share of time", "steps", "step, ms", "examined", "in callbacks", f"from step {SETTLED}", "findings"]
    return f"""
## (b) Share of a run's time

Seconds in callbacks over seconds since the first step, with the default budget. `step` is without callbacks.

{table(header, shares)}

What callbacks take, the median [quartiles] of steps: microseconds in one that is not examined, milliseconds in one that
is, and each over a step; last the milliseconds of the first {SETTLED} steps together.

{table(["cost", "idle, us", "over step", "examined, ms", "over step", "first, ms"], costs)}

{chr(10).join(targets)}

Time with instruments over time without. Ours follows from the share above. Cockpit's are the published ones of its
economy configuration on a CPU, of another machine and other networks, by how many steps lie between two readings
(Schneider, Dangel, Hennig (2021), Cockpit, NeurIPS).

{table(["with / without", *(f"every {each}" for each in EVERY), "default"], [*ours, *cockpit])}"""


def ratio(*, quick: bool, rounds: int) -> str:
    """Part (c): whole runs, watched and not, beside a control."""
    rows = []
    for name, number in WHOLE_RUNS.items():
        steps = QUICK_STEPS if quick else number
        task = TASKS[name]()
        spent = interleave({each: runner(task, steps, watched=each == WATCHED) for each in LOOPS}, 2, rounds)
        for each in LOOPS[1:]:
            ratios = [_ratio(spent, each, clock).text(3) for clock in ("wall", "cpu")]
            rows.append([f"{name}, {each}", f"{steps:,}", *ratios])
    return f"""
## (c) Whole runs

Seconds over those of the unwatched loop, {rounds} interleaved rounds, taken round by round; median [quartiles]. Of the
second unwatched loop all is noise, and no smaller difference means anything.

{table(["loop", "steps", "wall clock", "CPU time"], rows)}"""


def memory(*, rounds: int) -> str:
    """Part (d): the most memory of processes that have imported the same modules."""
    rows, targets = [], []
    for name in LARGE_BATCHES:
        taken = [[peak(name, watched=watched) for watched in (False, True)] for _ in range(rounds)]
        bare, watched = (Spread.of([each[side] / 1e6 for each in taken]) for side in (0, 1))
        more = Spread.of([(with_it - without) / 1e6 for without, with_it in taken])
        most = max(MOST_MEMORY[0] * bare.middle, MOST_MEMORY[1] / 1e6)
        rows.append([name, bare.text(1), watched.text(1), more.text(1)])
        targets.append(f"- {name}, at most {most:.1f} MB more: {_verdict(more.middle <= most)} with {more.middle:.1f}.")
    return f"""
## (d) Memory

The most that a process of its own ever had, in MB; {rounds} of each, one after the other; median [quartiles].

{table(["task", "unwatched", "watched", "difference"], rows)}

{chr(10).join(targets)}"""


def peak(name: str, *, watched: bool) -> int:
    """Most bytes of a process that trains a task of `LARGE_BATCHES`."""
    done = subprocess.run(
        [sys.executable, "-c", TRAIN_ALONE, name, "watched" if watched else ""],
        check=True,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parent.parent,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    return 1024 * int(done.stdout)


def operations() -> tuple[str, bool]:
    """Part (e): what torch is asked for, and the weights that come of it; whether watching changes either."""
    rows, differences = [], []
    for name in COMPARED:
        task = TASKS[name]()
        plain, apart = Loop(task, watched=False), Apart()
        unwatched = aten.record(partial(plain.run, RECORDED))
        watched = Loop(task, watched=True)
        kept = aten.record(partial(apart.run, watched))
        found = aten.difference(unwatched, kept)
        same = all(map(torch.equal, plain.network.parameters(), watched.network.parameters()))
        equal = ["no" if different else "yes" for different in (found, not same)]
        examined = len(watched.doctor.history.examinations)
        rows.append([name, str(examined), str(len(unwatched)), str(len(kept)), str(len(apart.doctors)), *equal])
        differences += ["", f"{name}:", "", *(f"    {line}" for line in found)] if found else []
        differences += [] if same else ["", f"{name}: the weights differ"]
    header = ["task", "examined", "unwatched", "watched", "the doctor's own", "equal", "same weights"]
    text = f"""
## (e) Operations

Everything below autograd that torch is asked for in {RECORDED} steps, examined and not, and the tensors it takes: the
program's own must be the same, one for one. Weights are compared bit by bit.

{table(header, rows)}"""
    return "\n".join([text, *differences]), not differences


class Apart(TorchDispatchMode):
    """Keeps what the doctor asks of torch from recorders around it, and notes it in `doctors`."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.doctors: list[str] = []

    def run(self, loop: Loop) -> None:
        """Train where a recorder sees only what the program asks for."""
        with self:
            loop.run(RECORDED)

    def __torch_dispatch__(
        self, func: Any, types: Iterable[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if not _asked_by_doctor():
            return func(*args, **(kwargs or {}))
        self.doctors.append(str(func))
        with _disable_current_modes():
            return func(*args, **(kwargs or {}))


def _asked_by_doctor() -> bool:
    """Whether code of the doctor is running; the taps are not, beneath which the program's backward pass runs."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.parent == DIAGNOSIS and path.name != "taps.py":
            return True
        frame = frame.f_back
    return False


def _ratio(spent: dict[str, list[Spent]], name: str, clock: Clock) -> Spread:
    pairs = zip(spent[name], spent[LOOPS[0]], strict=True)
    return Spread.of([one.by(clock) / other.by(clock) for one, other in pairs])


def _micro(spread: Spread) -> str:
    return Spread(1e6 * spread.low, 1e6 * spread.middle, 1e6 * spread.high).text(0)


def _verdict(met: bool) -> str:
    return "met" if met else "missed"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 if watching changes what is computed, which noise cannot explain."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="few and short runs: see that it works, not what it costs")
    parser.add_argument("--rounds", type=int, default=15, help="of interleaved runs (default: 15)")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="what to measure (default: all)")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    rounds = 2 if options.quick else options.rounds
    print(surroundings(), flush=True)
    warm_up()
    unchanged = True
    if "direct" in options.parts:
        print(
            direct(steps=400 if options.quick else 20_000, rounds=rounds, part=50 if options.quick else 1000),
            flush=True,
        )
    if "share" in options.parts:
        print(share(quick=options.quick), flush=True)
    if "ratio" in options.parts:
        print(ratio(quick=options.quick, rounds=rounds), flush=True)
    if "memory" in options.parts:
        print(memory(rounds=1 if options.quick else 5), flush=True)
    if "operations" in options.parts:
        text, unchanged = operations()
        print(text, flush=True)
    return 0 if unchanged else 1


if __name__ == "__main__":
    sys.exit(main())
