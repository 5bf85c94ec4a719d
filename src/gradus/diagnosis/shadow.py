"""A copy of a model, run beside the run: whether it mixes a batch's examples, whether dropout acts in evaluation."""

import contextlib
import copy
import io
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

_ROWS = 4
_MOST_ELEMENTS = 20_000_000


def look_beside(model: nn.Module, args: Any, kwargs: Any) -> tuple[bool, bool]:
    """Whether examples are mixed, and whether dropout acts, in evaluation mode.

    A deep copy runs, on copies of a few rows, so that nothing the model keeps about itself changes; torch's random
    state is put back, and what it prints is not shown.

    Returns:
        Both False where it cannot be told: no batch, too large, cannot be copied, raises on fewer rows.
    """
    batch = batch_size(args)
    if batch < 2 or sum(each.numel() for each in model.parameters()) > _MOST_ELEMENTS:
        return False, False
    rows = min(_ROWS, batch)
    state = random_state(model)
    silent = contextlib.redirect_stdout(io.StringIO())
    try:
        with torch.no_grad(), silent, contextlib.redirect_stderr(io.StringIO()):
            twin = copy.deepcopy(model).eval()
            given = rows_of(args, batch, rows), rows_of(kwargs, batch, rows)
            if any(isinstance(each, Tensor) and each.shape[:2] == (batch, batch) for each in args):  # a graph's edges
                return False, False
            with _Randomness() as randomness:
                before = _output(twin, given)
            if randomness.dropped and not any(m.training for m in twin.modules()):
                return False, True
            if randomness.drew or before is None or before.shape[0] != rows:
                return False, False
            return _mixes(twin, given, before, rows), False
    except Exception:  # whatever a stranger's model does with what it was not made for says nothing about the run
        return False, False
    finally:
        put_back(state)


RandomState = tuple[Tensor, dict[torch.device, Tensor]]


def random_state(model: nn.Module) -> RandomState:
    """The state of torch's generators that a pass of `model` may draw from."""
    devices = {each.device for each in model.parameters() if each.is_cuda}
    return torch.random.get_rng_state(), {each: torch.cuda.get_rng_state(each) for each in devices}


def put_back(state: RandomState) -> None:
    """Set the generators to what they were."""
    torch.random.set_rng_state(state[0])
    for device, each in state[1].items():
        torch.cuda.set_rng_state(each, device)


def _mixes(twin: nn.Module, given: tuple[Any, Any], before: Tensor, rows: int) -> bool:
    """Whether another last row changes the outputs of the first ones, and the batch is not on another axis."""
    if not _changes(twin, given, before, axis=0):
        return False
    first = _first(given[0])
    for axis in range(1, min(first.dim(), before.dim(), 3)):
        size = first.shape[axis]
        # Sequences may come with time first: then the second axis holds the examples.
        if size > 1 and size == before.shape[axis] and not _changes(twin, given, before, axis=axis):
            return False
    return True


def _changes(twin: nn.Module, given: tuple[Any, Any], before: Tensor, axis: int) -> bool:
    changed = tuple(_other_last(each, axis) for each in given[0]), given[1]
    after = _output(twin, changed)
    if after is None or after.shape != before.shape:
        return False
    size = before.shape[axis] - 1
    one, two = before.narrow(axis, 0, size), after.narrow(axis, 0, size)
    scale = float(one.abs().mean()) + 1e-12
    return not float((one - two).abs().max()) < 1e-3 * scale


def _other_last(value: Any, axis: int) -> Any:
    if not isinstance(value, Tensor) or value.dim() <= axis or value.shape[axis] < 2:
        return value
    other = value.clone()
    last, first = other.select(axis, -1), value.select(axis, 0)
    last.copy_(first if not value.is_floating_point() else 2 * first - last + 1)
    return other


def _output(twin: nn.Module, given: tuple[Any, Any]) -> Tensor | None:
    result = twin(*given[0], **given[1])
    while isinstance(result, tuple | list) and result:
        result = result[0]
    return result.float() if isinstance(result, Tensor) and result.dim() else None


def batch_size(args: Any) -> int:
    """Examples in the first tensor of some arguments; 0 if there is none."""
    first = _first(args)
    return first.shape[0] if first is not None and first.dim() > 1 else 0


def _first(args: Any) -> Any:
    return next((each for each in args if isinstance(each, Tensor)), None)


def rows_of(value: Any, batch: int, rows: int) -> Any:
    """`value` with only the first rows of every tensor that holds the batch; copies, without their graph."""
    if isinstance(value, Tensor):
        return value.detach()[:rows].clone() if value.dim() and value.shape[0] == batch else value.detach()
    if isinstance(value, tuple | list):
        return tuple(rows_of(each, batch, rows) for each in value)
    if isinstance(value, dict):
        return {name: rows_of(each, batch, rows) for name, each in value.items()}
    return value


class _Randomness(TorchDispatchMode):
    """Notes which operations draw random numbers."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.dropped = self.drew = False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        if name in ("bernoulli", "bernoulli_", "native_dropout"):
            self.dropped = True
        elif torch.Tag.nondeterministic_seeded in func.tags:
            self.drew = True
        return func(*args, **(kwargs or {}))
