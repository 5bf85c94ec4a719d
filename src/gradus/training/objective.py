"""What the Trainer optimizes. docs/objective.md shows how six kinds of training fit this shape."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from gradus.core.batch import Batch
from gradus.core.errors import InputError

Signs = Mapping[str, Tensor]
"""Detached scalars worth recording beside the loss, by name."""


@dataclass(frozen=True, eq=False)
class Phase:
    """One player's turn.

    Attributes:
        name: unique within its objective.
        parameters: what a step of this phase may move.
        optimizer: holds exactly these parameters.
        every: the phase takes part in every k-th step.
        closure: the optimizer's step evaluates the loss itself (L-BFGS, Newton).
        scheduler: advanced after each step of the phase.
    """

    name: str
    parameters: tuple[nn.Parameter, ...]
    optimizer: Optimizer
    every: int = 1
    closure: bool = False
    scheduler: LRScheduler | None = None

    @property
    def differentiates(self) -> bool:
        """Whether the optimizer takes the derivatives itself, of the loss or the residuals; it says so by `wants`."""
        return self.closure and getattr(self.optimizer, "wants", "gradients") != "gradients"


class Objective(Protocol):
    """Networks, losses and optimizers together. Only the Trainer calls backward and step."""

    @property
    def phases(self) -> Sequence[Phase]:
        """Whose turn it is within a step, in order."""
        ...

    def modules(self) -> Mapping[str, nn.Module]:
        """Every network by name; the Trainer sets their mode, saves and averages them."""
        ...

    def compute(self, phase: Phase, batch: Batch) -> tuple[Tensor, Signs]:
        """The phase's loss, a scalar mean over the batch with its graph, and its signs.

        Where the phase's optimizer wants residuals, they take the place of the loss: a vector whose squares sum to it.
        """
        ...

    def state_dict(self) -> dict[str, Any]:
        """What must survive beyond modules, optimizers and schedulers."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None: ...


def output_of(result: Any) -> Tensor:
    """The output in what a model returned: the tensor itself, or the first field of a tuple."""
    output: Tensor = result[0] if isinstance(result, tuple) else result
    return output


class Supervised:
    """A model learns to give the target: one phase, one loss.

    A model may return a tuple whose first field is the output. To the loss of that are added, if it has such fields,
    `weight` times the losses of its `auxiliary` outputs (Szegedy et al. (2015), arXiv:1409.4842, section 5), and its
    `penalty`.

    Args:
        criterion: gives the loss, or the residuals where `optimizer` wants those.
        penalties: what is added to the loss, whatever the batch: prices on weights.
    """

    def __init__(
        self,
        model: nn.Module,
        criterion: Callable[[Tensor, Tensor], Tensor],
        optimizer: Optimizer,
        *,
        closure: bool = False,
        scheduler: LRScheduler | None = None,
        penalties: Sequence[Callable[[], Tensor]] = (),
    ) -> None:
        self.model = model
        self.criterion = criterion
        self.penalties = tuple(penalties)
        parameters = tuple(each for group in optimizer.param_groups for each in group["params"])
        self.phases = (Phase("train", parameters, optimizer, closure=closure, scheduler=scheduler),)

    def modules(self) -> Mapping[str, nn.Module]:
        return networks(self.model, self.criterion)

    def compute(self, phase: Phase, batch: Batch) -> tuple[Tensor, Signs]:
        result = self.model(*batch.inputs)
        loss = self.criterion(output_of(result), batch.target)
        signs: dict[str, Tensor] = {}
        # A model may hand back outputs from half-way and a penalty of its own, as GoogLeNet and a sparse autoencoder
        # do; a tensor has no such fields.
        half_way: Sequence[Tensor] = getattr(result, "auxiliary", ())
        own: Tensor | None = getattr(result, "penalty", None)
        if half_way:
            _one_number(loss, "the auxiliary losses of a model")
            losses = [self.criterion(each, batch.target) for each in half_way]
            signs["auxiliary"] = result.weight * torch.stack(losses).sum()
        if own is not None or self.penalties:
            _one_number(loss, "the penalty of a model")
            signs["penalty"] = penalty(self.penalties, loss.device, *([] if own is None else [own]))
        for term in signs.values():
            loss = loss + term
        return loss, signs

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        pass


def networks(model: nn.Module, criterion: Callable[[Tensor, Tensor], Tensor]) -> dict[str, nn.Module]:
    """By name, as an objective's `modules`: a criterion that is one may hold state of its own (weights, centres)."""
    return {"model": model, **({"criterion": criterion} if isinstance(criterion, nn.Module) else {})}


def penalty(prices: Sequence[Callable[[], Tensor]], device: torch.device, *others: Tensor) -> Tensor:
    """The sum of all prices, a scalar; in full precision, for sums over all weights need more than bfloat16 has."""
    with torch.autocast(device.type, enabled=False):
        return torch.stack([*(each() for each in prices), *others]).sum()


def _one_number(loss: Tensor, added: str) -> None:
    """Refuse residuals, each of which would take on what is added."""
    if loss.dim():
        raise InputError(
            "optimizer",
            f"needs a sum of squares, to which {added} cannot be added",
            repair="Use `bfgs` or `newton_cg`.",
        )


def with_gradients(value: Tensor, parameters: Sequence[Tensor], gradients: Sequence[Tensor]) -> Tensor:
    """A scalar equal to `value` whose derivative with respect to `parameters` is `gradients`.

    For algorithms that find gradients without a graph, such as real-time recurrent learning.
    """
    result: Tensor = _Attached.apply(value.detach(), tuple(gradients), *parameters)  # type: ignore[no-untyped-call]
    return result


class _Attached(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor, gradients: tuple[Tensor, ...], *parameters: Tensor) -> Tensor:
        ctx.gradients = gradients
        return value.detach().clone()

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        return (None, None, *(upstream[0] * each for each in ctx.gradients))
