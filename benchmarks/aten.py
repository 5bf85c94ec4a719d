"""The operations torch is asked for, in order."""

from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from itertools import zip_longest
from typing import Any

from torch import Tensor
from torch.optim.lr_scheduler import OneCycleLR
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks import ours, twin
from benchmarks.tasks import Task


class _Recorder(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operations: list[str] = []

    def __torch_dispatch__(
        self, func: Any, types: Iterable[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func.namespace != "profiler":  # names that torch's optimizers give the profiler; they compute nothing
            taken = []
            for each in args:
                taken += each if isinstance(each, list) else [each]
            shapes = [f"{str(each.dtype)[6:]}{[*each.shape]}" for each in taken if isinstance(each, Tensor)]
            self.operations.append(f"{func}({', '.join(shapes)})")
        return func(*args, **(kwargs or {}))


def record(function: Callable[[], object]) -> list[str]:
    """Every operation below autograd that `function` asks for, backward passes included, with the tensors it takes."""
    recorder = _Recorder()
    with recorder:
        function()
    return recorder.operations


def record_training(task: Task, *, scheduled: bool = False, epochs: int = 2) -> tuple[list[str], list[str]]:
    """The operations of the hand-written loop, and those of the Trainer, with the same model, optimizer and rates."""
    recorded = []
    for by_hand in (True, False):
        network = task.network()
        optimizer = task.optimizer(network)
        scheduler = None
        if scheduled:
            scheduler = OneCycleLR(optimizer, task.lr, total_steps=epochs * task.steps, cycle_momentum=False)
        fit: Callable[[], object]
        if by_hand:
            order = twin.shuffled(task)
            fit = partial(twin.train_in_memory, task, network, optimizer, epochs, order, scheduler=scheduler)
        else:
            fit = ours.make_trainer(task, network, optimizer, epochs, scheduler=scheduler).fit
        recorded.append(record(fit))
    return recorded[0], recorded[1]


def difference(by_hand: list[str], by_trainer: list[str]) -> list[str]:
    """What differs, a line each: where first, then how many more (+) or fewer (-) of which. Empty if nothing does."""
    if by_hand == by_trainer:
        return []
    both = zip_longest(by_hand, by_trainer, fillvalue="nothing more")
    place, hand, trainer = next((at, a, b) for at, (a, b) in enumerate(both) if a != b)
    counts, others = Counter(by_hand), Counter(by_trainer)
    return [
        f"operation {place}: by hand {hand}, by the Trainer {trainer}",
        *(f"+{number} {name}" for name, number in (others - counts).items()),
        *(f"-{number} {name}" for name, number in (counts - others).items()),
    ]
