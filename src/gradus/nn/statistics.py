"""The statistics that batch normalization goes by in evaluation, over a whole set instead of running averages."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from gradus.core.batch import Batch
from gradus.core.errors import InputError
from gradus.core.untouched import as_written, untouched


def recompute_statistics(
    model: nn.Module, batches: Iterable[Any], *, method: Literal["exact", "one_pass"] = "exact"
) -> int:
    """Give every batch normalization the mean and variance of its input over all `batches`.

    Running averages lag behind the weights, remember the last batches best, and take batch variances for the
    population's. Here batches of unequal size count by size, and the variance between batches is added:
    ``sum(n_b (var_b + (mean_b - mean)^2)) / n``, the variance over the whole set, with divisor n.

    A later layer's input depends on how earlier layers normalize. "exact" goes layer by layer, those before already in
    evaluation mode: every layer ends with the statistics of what it sees in evaluation, whatever the batch size; it
    takes a pass over the data for each layer, as far as that layer. "one_pass" normalizes by each batch's own
    statistics meanwhile, as in training (Ioffe and Szegedy's algorithm 2): one pass, exact for the first layer and
    close for the others if batches are large.

    Which layers there are, and in which order, the first batch shows; what it does not call is left, and so is what
    `gradus.models.reuse.freeze` has made still.

    Everything but the statistics comes out as it was: modes, momentum, gradients, random state. Dropout is off.

    Args:
        batches: gone through several times by "exact". Each is a tensor, a tuple or list whose first item is the
            input, or a `Batch`.
    Returns:
        How many layers were given statistics.
    Raises:
        InputError: without any example, for an unknown method, or if `batches` can be gone through only once and must
            be several times.
    Source: Ioffe, Szegedy (2015), arXiv:1502.03167, algorithm 2; Wu, Johnson (2021), Rethinking "batch" in BatchNorm,
    arXiv:2105.07576, section 3.
    """
    if method not in ("exact", "one_pass"):
        raise InputError("recompute_statistics", "`method` must be `exact` or `one_pass`", method)
    layers = _layers(model)
    if not layers:
        return 0
    with _evaluating(model):
        if method == "one_pass":
            found = _by_batch(model, layers, batches)
            for layer, sums in found.items():
                sums.store(layer)
            return len(found)
        calls = _calls(model, layers, batches)
        if len(calls) > 1 and iter(batches) is batches:
            repair = "Give a list or a loader, or ask for `one_pass`."
            raise InputError(
                "recompute_statistics", "must be able to go through the batches several times", repair=repair
            )
        for layer, count in calls.items():
            _until(model, layer, count, batches).store(layer)
    return len(calls)


def has_statistics(model: nn.Module) -> bool:
    """Whether there is anything in a model that `recompute_statistics` would change."""
    return bool(_layers(model))


def _layers(model: nn.Module) -> list[_BatchNorm]:
    found = [each for each in model.modules() if isinstance(each, _BatchNorm) and each.running_mean is not None]
    return [each for each in found if not getattr(each, "still", False)]


class _Sums:
    """Mean and variance of a channel, gathered batch by batch without losing small differences of large numbers."""

    def __init__(self) -> None:
        self.count = 0
        self.mean: Any = 0.0
        self.squares: Any = 0.0  # sum of (x - mean)^2

    def add(self, x: Tensor) -> None:
        x_CM = x.detach().double().transpose(0, 1).flatten(1)
        count = x_CM.shape[1]
        if not count:
            return
        variance, mean = torch.var_mean(x_CM, dim=1, correction=0)
        total = self.count + count
        shift = mean - self.mean
        # Chan, Golub, LeVeque (1983), equation 1.5
        self.squares = self.squares + variance * count + shift**2 * (self.count * count / total)
        self.mean = self.mean + shift * (count / total)
        self.count = total

    def store(self, layer: _BatchNorm) -> None:
        if not self.count:
            raise InputError("recompute_statistics", "needs at least one example")
        assert layer.running_mean is not None
        assert layer.running_var is not None
        layer.running_mean.copy_(self.mean)
        layer.running_var.copy_(self.squares / self.count)


class _Reached(Exception):
    """A forward pass has come as far as it is wanted."""


def _calls(model: nn.Module, layers: list[_BatchNorm], batches: Iterable[Any]) -> dict[_BatchNorm, int]:
    """How often a pass calls each layer, in order of first calls; a peek that leaves the first batch there."""
    counts: dict[_BatchNorm, int] = {}

    def count(layer: Any, x: Tensor) -> None:
        counts[layer] = counts.get(layer, 0) + 1

    with _hooked(layers, count):
        if not any(True for _ in _run(model, islice(batches, 1))):
            raise InputError("recompute_statistics", "needs at least one batch")
    return counts


def _until(model: nn.Module, layer: _BatchNorm, calls: int, batches: Iterable[Any]) -> _Sums:
    """The statistics of what comes to `layer`, each pass ended with its last call of it."""
    sums, seen = _Sums(), 0

    def see(layer: Any, x: Tensor) -> None:
        nonlocal seen
        sums.add(x)
        seen += 1
        if seen == calls:
            seen = 0
            raise _Reached

    with _hooked([layer], see):
        for _ in _run(model, batches):
            pass
    return sums


def _by_batch(model: nn.Module, layers: list[_BatchNorm], batches: Iterable[Any]) -> dict[_BatchNorm, _Sums]:
    """The statistics of what comes to all layers while each normalizes by its batch's own."""
    found: dict[_BatchNorm, _Sums] = {}
    for each in layers:
        each.train()
        each.momentum, each.track_running_stats = 0.0, False  # its buffers are not written

    def see(layer: Any, x: Tensor) -> None:
        found.setdefault(layer, _Sums()).add(x)

    with _hooked(layers, see):
        seen = sum(1 for _ in _run(model, batches))
    if not seen:
        raise InputError("recompute_statistics", "needs at least one batch")
    return found


def _run(model: nn.Module, batches: Iterable[Any]) -> Iterator[None]:
    """A forward pass for each batch."""
    for batch in batches:
        inputs: Any = (batch,)
        if isinstance(batch, Batch):
            inputs = batch.inputs
        elif isinstance(batch, tuple | list):
            inputs = batch[:1]
        with suppress(_Reached):
            model(*inputs)
        yield


@contextmanager
def _hooked(layers: Iterable[nn.Module], see: Callable[[Any, Tensor], None]) -> Iterator[None]:
    """`see` is called with a layer and what comes to it."""

    def hook(layer: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        see(layer, args[0] if args else kwargs["input"])

    handles = [each.register_forward_pre_hook(hook, with_kwargs=True) for each in layers]
    try:
        yield
    finally:
        for each in handles:
            each.remove()


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    with untouched(model), as_written(), torch.no_grad():
        model.eval()
        yield
