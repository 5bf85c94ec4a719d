"""How much memory a training step takes, before it runs: what is alive at once, through forward, backward and update.

The step is gone through on stand-ins that have sizes and no memory, with torch's own autograd and optimizers, and every
storage is watched from when it is made until nothing refers to it. Memory that kernels take for themselves and give
back is not seen.
"""

import inspect
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.optim import Optimizer
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from gradus.core.errors import InputError
from gradus.core.graph import settled, trace
from gradus.core.standins import Fake
from gradus.core.trees import mapped, tensors
from gradus.core.untouched import as_written, untouched
from gradus.core.workspaces import scratch, with_workspace

Optimizers = Callable[[Sequence[Tensor]], Optimizer]

OPTIMIZERS: Mapping[str, Optimizers] = {
    "sgd": partial(torch.optim.SGD, lr=1e-3),
    "momentum": partial(torch.optim.SGD, lr=1e-3, momentum=0.9),
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "nadam": torch.optim.NAdam,
    "radam": torch.optim.RAdam,
    "rmsprop": torch.optim.RMSprop,
    "adagrad": torch.optim.Adagrad,
    "adadelta": torch.optim.Adadelta,
}
PRECISIONS = ("float32", "bf16")


@dataclass(frozen=True, slots=True)
class TrainingMemory:
    """Bytes that a training step takes.

    Attributes:
        peak: alive at once at most, in the second step, when the optimizer's state is there.
        during: what then goes on: forward, backward or update.
        parameters, buffers, inputs: there all the time.
        gradients: of all that learns.
        optimizer_state: kept from step to step.
        activations: more than all of these, alive when the loss is known: kept for the backward pass, and the outputs.
    """

    peak: int
    during: str
    parameters: int
    buffers: int
    inputs: int
    gradients: int
    optimizer_state: int
    activations: int


def training_memory(
    model: nn.Module,
    *inputs: Any,
    optimizer: str | Optimizers = "adamw",
    precision: str = "float32",
    criterion: Callable[[Any], Tensor] | None = None,
    **named: Any,
) -> TrainingMemory:
    """What one step of training takes, on the device of the model.

    Args:
        model: any module; it is not touched.
        inputs, named: example tensors, a whole batch.
        optimizer: a name, or a function that makes one for a list of parameters.
        precision: float32, or bf16 for automatic mixed precision.
        criterion: the loss of the model's outputs; if None their mean square.

    Raises:
        InputError: an optimizer or precision that is not known; a model that cannot be called so, or whose course
            depends on numbers.
    """
    if precision not in PRECISIONS:
        raise InputError("precision", f"must be one of {', '.join(PRECISIONS)}", precision)
    make = _maker(optimizer)
    seen = trace(model, inputs, named, training=True)  # which says in which layer what does not fit
    if seen.unresolved:
        raise InputError("model", "takes an amount of memory that depends on its numbers", seen.unresolved)
    model, live = settled(model, inputs, named), _Live()
    home = next((each.device for each in model.parameters()), torch.device("cpu"))
    fake = Fake(torch.device("cpu") if home.type == "meta" else home)
    parameters = {name: fake.stand_in(each) for name, each in model.named_parameters(remove_duplicate=False)}
    buffers = {name: fake.stand_in(each) for name, each in model.named_buffers(remove_duplicate=False)}
    arguments, keywords = mapped(fake.stand_in, (inputs, named))
    learned: list[Tensor] = list({id(each): each for each in parameters.values() if each.requires_grad}.values())
    with (
        torch.inference_mode(False),
        torch.enable_grad(),
        untouched(model, copied=True),
        as_written(),
        fake.mode(),
        live,
    ):
        model.train()
        weights, kept, given = (live.hold(each) for each in (parameters, buffers, (arguments, keywords)))
        updater = _updater(make, learned) if learned else None
        passes = _Passes(model, criterion or _mean_square, precision, live)
        state = {f"model.{name}": each for name, each in (parameters | buffers).items()}
        for _ in range(2):
            live.restart()
            for each in learned:
                each.grad = None
            forward = functional_call(passes, dict(state), arguments, keywords)  # which writes into it
            gradients = live.hold([each.grad for each in learned])
            live.phase = "update"
            if updater is not None:
                updater.step()
    stored = live.hold([list(each.values()) for each in updater.state.values()]) if updater is not None else 0
    activations = forward - weights - kept - given - stored
    return TrainingMemory(live.peak, live.during, weights, kept, given, gradients, stored, activations)


def _maker(optimizer: str | Optimizers) -> Optimizers:
    if not isinstance(optimizer, str):
        return optimizer
    if optimizer not in OPTIMIZERS:
        raise InputError("optimizer", f"must be one of {', '.join(OPTIMIZERS)}", optimizer)
    return OPTIMIZERS[optimizer]


def _updater(make: Optimizers, learned: Sequence[Tensor]) -> Optimizer:
    updater = make(learned)
    if any(each.default is each.empty for each in inspect.signature(updater.step).parameters.values()):
        raise InputError(
            "optimizer", "must update once for each backward pass, without a closure", type(updater).__name__
        )
    return updater


def _mean_square(outputs: Any) -> Tensor:
    made = [each.float().square().mean() for each in tensors(outputs)]
    if not made:
        raise InputError("model", "must give tensors, to be trained", type(outputs).__name__, "Or give a criterion.")
    return torch.stack(made).sum() if len(made) > 1 else made[0]


class _Passes(nn.Module):
    """Forward and backward: a checkpoint calls the model again in the backward pass, with stand-ins still in place."""

    def __init__(self, model: nn.Module, criterion: Callable[[Any], Tensor], precision: str, live: "_Live") -> None:
        super().__init__()
        self.model, self.criterion, self.precision, self.live = model, criterion, precision, live

    def forward(self, *inputs: Any, **named: Any) -> int:
        """Bytes that are alive when the loss is known."""
        device = next((each.device.type for each in self.model.parameters()), "cpu")
        with torch.autocast(device, torch.bfloat16, enabled=self.precision == "bf16"):
            outputs = self.model(*inputs, **named)
            loss = self.criterion(outputs)
        alive, self.live.phase = self.live.now, "backward"
        if loss.requires_grad:
            loss.backward()
        return alive


class _Live(TorchDispatchMode):
    """Adds up the storages that are alive, and remembers the most that ever were at once."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.peak = 0
        self.phase = self.during = "forward"
        self._sizes: dict[int, int] = {}

    def restart(self) -> None:
        self.peak, self.phase, self.during = self.now, "forward", "forward"

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if self.phase == "update" and func is torch.ops.aten._local_scalar_dense.default:
            return 0.5  # steps so far or a product of decays, which optimizers ask for and which change no sizes
        result = with_workspace(func, args, func(*args, **(kwargs or {})))
        self.hold(result, besides=scratch(func, args, result))
        return result

    def hold(self, tree: Any, *, besides: int = 0) -> int:
        """Watch the storages of tensors from now on, `besides` bytes that are there for this moment. Returns theirs."""
        storages = {
            each.untyped_storage()._cdata: each.untyped_storage()
            for each in tree_leaves(tree)
            if isinstance(each, Tensor)
        }
        for key, storage in storages.items():
            if key not in self._sizes:
                self._sizes[key] = storage.nbytes()
                self.now += storage.nbytes()
                weakref.finalize(storage, self._gone, key)
        if self.now + besides > self.peak:
            self.peak, self.during = self.now + besides, self.phase
        return sum(each.nbytes() for each in storages.values())

    def _gone(self, key: int) -> None:
        self.now -= self._sizes.pop(key)
