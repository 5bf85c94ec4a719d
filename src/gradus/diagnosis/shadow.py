"""A copy of a model, run beside the run in evaluation mode: whether it mixes a batch's examples or drops numbers."""

import contextlib
import copy
import io
import math
from collections.abc import Iterator
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.modules import module as torch_modules
from torch.nn.utils.stateless import _reparametrize_module
from torch.utils._python_dispatch import TorchDispatchMode

from gradus.diagnosis.measure import first_tensor

_ROWS, _COMPILED_ROWS = 4, 16
MOST_ELEMENTS = 20_000_000
_SERIES = 16
"""Rows from which on it can be told that they follow each other in time."""


Seen = Literal["", "mixes", "crosses", "drops", "normalizes"]


def look_beside(model: nn.Module, args: Any, kwargs: Any) -> Seen:
    """What a model does in evaluation mode: mixes examples, drops, or normalizes by the batch's own statistics; or
    crosses the first axis, and not the second, which may then be that of the examples.

    A copy runs, on copies of a few rows, so that nothing the model keeps about itself changes.

    Returns:
        Nothing where it cannot be told, too: no batch, too large, cannot be copied, raises on fewer rows.
    """
    # Numbers in a row may be examples, as of users and items, or steps of one: whether they are mixed tells nothing.
    batch = batch_size(args)
    in_a_row = [each for each in args if isinstance(each, Tensor) and each.dim() == 1] if not batch else []
    batch = len(in_a_row[0]) if in_a_row else batch
    if batch < 2 or sum(each.numel() for each in model.parameters()) > MOST_ELEMENTS:
        return ""
    rows = min(_ROWS, batch)
    try:
        with beside(model) as twin:
            state = random_state(model)
            given = rows_of(args, batch, rows), rows_of(kwargs, batch, rows)
            of_a_graph = any(isinstance(each, Tensor) and each.shape[:2] == (batch, batch) for each in args)
            edges = bool(in_a_row) or of_a_graph
            kept = [each.clone() for each in twin.buffers() if each.is_floating_point()]  # no counters
            with _Dropping() as dropping:
                try:
                    before = None if edges else output_of(twin, given)
                except Exception:  # it takes no fewer, as of a graph whose edges are named
                    edges = True
                if edges:
                    output_of(twin, (rows_of(args, batch, batch), rows_of(kwargs, batch, batch)))
            now = [each for each in twin.buffers() if each.is_floating_point()]
            averages = any(not torch.equal(one, two) for one, two in zip(kept, now, strict=False))
            if dropping.dropped and not any(m.training for m in twin.modules()):
                return "drops"
            if edges or _drew(state, random_state(model)) or before is None or before.shape[0] != rows:
                return ""
            if _in_order(_first(args)) or _pairs(twin, given, before, rows):
                return ""
            # Statistics that go on being averaged are a norm's that takes no notice of the mode.
            mixing = _mixes(twin, given, before)
            return "normalizes" if mixing == "mixes" and averages else mixing
    except Exception:  # whatever a stranger's model does with what it was not made for says nothing about the run
        return ""


@contextlib.contextmanager
def beside(model: nn.Module) -> Iterator[nn.Module]:
    """A deep copy in evaluation mode that may run unseen: no gradients, no hooks, nothing printed.

    Torch's random state is put back.
    """
    state = random_state(model)
    silent = contextlib.redirect_stdout(io.StringIO())
    try:
        with torch.no_grad(), silent, contextlib.redirect_stderr(io.StringIO()), without_global_hooks():
            yield _bare_copy(model).eval()
    finally:
        put_back(state)


def run_beside(model: nn.Module, args: Any, kwargs: Any) -> Any:
    """What a compiled model's original makes of a few rows, with its graph. What it keeps about itself is put back."""
    buffers = {name: each.clone() for name, each in model.named_buffers()}
    batch = batch_size(args)
    given = rows_of(args, batch, _COMPILED_ROWS), rows_of(kwargs, batch, _COMPILED_ROWS)
    state = random_state(model)
    kept = [(each, dict(vars(each))) for each in model.modules()]
    silent = contextlib.redirect_stdout(io.StringIO())
    try:
        with _reparametrize_module(model, buffers), without_global_hooks(), silent:
            return model._call_impl(*given[0], **given[1])
    finally:
        for each, attributes in kept:
            vars(each).clear()
            vars(each).update(attributes)
        put_back(state)


def _bare_copy(model: nn.Module) -> nn.Module:
    """A deep copy without hooks: copied they would take their owners along, called they would tell them of our pass."""
    hooks = [vars(each)[name] for each in model.modules() for name in _HOOKS]
    return copy.deepcopy(model, {id(each): type(each)() for each in hooks})


_HOOKS = [name for name in vars(nn.Module()) if "hooks" in name]


@contextlib.contextmanager
def without_global_hooks() -> Iterator[None]:
    """No hook on all modules is called inside."""
    tables: list[dict[int, Any]] = [torch_modules._global_forward_pre_hooks, torch_modules._global_forward_hooks]
    kept = [dict(each) for each in tables]
    for each in tables:
        each.clear()
    try:
        yield
    finally:
        for each, hooks in zip(tables, kept, strict=True):
            each.update(hooks)


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


def _drew(before: RandomState, after: RandomState) -> bool:
    """Whether random numbers were drawn. Attention counts as random for torch's tags even where nothing is dropped."""
    cpu, devices = after
    return not torch.equal(before[0], cpu) or any(not torch.equal(before[1][each], devices[each]) for each in devices)


def _in_order(inputs: Tensor) -> bool:
    """Whether rows are the steps of one series, (T, F) or (T, 1, F), of which each is much like the one before.

    sum (x_t+1 - x_t)^2 / sum (x_t - mean)^2       von Neumann (1941): about 2, +- 2 / sqrt(T), of independent rows
    """
    steps = inputs.shape[0]
    if steps < _SERIES or inputs.numel() != steps * inputs.shape[-1] or not inputs.is_floating_point():
        return False
    x_TF = inputs.detach().reshape(steps, -1).float()
    ratio_F = x_TF.diff(dim=0).square().sum(0) / (x_TF - x_TF.mean(0)).square().sum(0)
    return bool(ratio_F.nanmedian() < 1)


def _pairs(twin: nn.Module, given: tuple[Any, Any], before: Tensor, rows: int) -> bool:
    """Whether the model compares all examples with each other: it has as many outputs for each as there are examples.

    Fewer rows tell this from as many classes.
    """
    if before.shape[1:2] != (rows,) or rows < 3:
        return False
    fewer = output_of(twin, (rows_of(given[0], rows, rows - 1), rows_of(given[1], rows, rows - 1)))
    return fewer is not None and fewer.shape[:2] == (rows - 1, rows - 1)


def _mixes(twin: nn.Module, given: tuple[Any, Any], before: Tensor) -> Seen:
    """Whether another first row changes the outputs of the others, and the batch may be on another axis."""
    if not _changes(twin, given, before, axis=0):
        return ""
    first = _first(given[0])
    for axis in range(1, min(first.dim(), before.dim(), 3)):
        size = first.shape[axis]
        # Sequences may come with time first: then the second axis holds the examples.
        if size > 1 and size == before.shape[axis] and not _changes(twin, given, before, axis=axis):
            return "crosses"
    return "mixes"


def _changes(twin: nn.Module, given: tuple[Any, Any], before: Tensor, axis: int) -> bool:
    # The first, since what runs along this axis, as a recurrent layer does, looks back only.
    changed = tuple(_other_first(each, axis) for each in given[0]), given[1]
    after = output_of(twin, changed)
    if after is None or after.shape != before.shape:
        return False
    size = before.shape[axis] - 1
    one, two = before.narrow(axis, 1, size), after.narrow(axis, 1, size)
    scale = float(one.abs().mean()) + 1e-12
    return float((one - two).abs().max()) >= 1e-3 * scale  # numbers that are not finite tell nothing


def _other_first(value: Any, axis: int) -> Any:
    if not isinstance(value, Tensor) or value.dim() <= axis or value.shape[axis] < 2:
        return value
    other = value.clone()
    first, last = other.select(axis, 0), value.select(axis, -1)
    first.copy_(last if not value.is_floating_point() else 2 * last - first + 1)
    return other


def output_of(twin: nn.Module, given: tuple[Any, Any]) -> Tensor | None:
    """The first tensor that a copy makes of arguments, as floats; None of none, and of complex numbers."""
    result = first_tensor(twin(*given[0], **given[1]))
    return result.float() if result is not None and result.dim() and not result.is_complex() else None


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


_BY_CHANCES = (torch.ops.aten.bernoulli.default, torch.ops.aten.bernoulli_.Tensor)


class _Dropping(TorchDispatchMode):
    """Notes whether dropout acts: torch's, or by hand, where numbers drawn evenly are compared with one chance, and
    something is divided by what is kept.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.dropped = False
        self._even: dict[int, Tensor] = {}  # kept, for another tensor could come to the same place
        self._chances: set[float] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        if name in ("bernoulli", "bernoulli_", "native_dropout"):
            self.dropped |= func not in _BY_CHANCES or not _vary(args[-1])
        result = func(*args, **(kwargs or {}))
        other = _number(args[1]) if len(args) > 1 else None
        if name in ("rand", "rand_like", "uniform_") and result.numel() > 1:
            self._even[result.data_ptr()] = result
        elif name in ("gt", "ge", "lt", "le") and args[0].data_ptr() in self._even:
            self._chances |= {other} if other is not None and 0 < other < 1 else set()
        elif other and name in ("div", "div_", "mul", "mul_"):
            kept = other if name.startswith("div") else 1 / other
            shares = (share for each in self._chances for share in (each, 1 - each))
            self.dropped |= any(math.isclose(kept, each, rel_tol=1e-5) for each in shares)
        return result


def _number(value: Any) -> float | None:
    """A number that a tensor is compared with or divided by, which torch may have made a tensor of."""
    alone = isinstance(value, Tensor) and not value.dim() and not value.is_complex()
    return float(value) if alone or isinstance(value, int | float) else None


def _vary(chances: Any) -> bool:
    """Whether each number is drawn with a chance of its own, as spikes and binary latents are: dropout has only one."""
    return isinstance(chances, Tensor) and bool((chances != chances.flatten()[:1]).any())
