"""What second-order optimizers share: all parameters as one vector, and a step that is taken whole or not at all."""

from abc import abstractmethod
from collections.abc import Iterable
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.optimizer import ParamsT

from gradus.core.cards import checked, options_of
from gradus.core.errors import GradusError, InputError
from gradus.optim.foreach import Closure


class NonFiniteError(GradusError, ArithmeticError):
    """The objective, or its gradient, is not finite where a step is to begin."""


class SecondOrder(Optimizer):
    """An optimizer of one vector, all parameters end to end, that evaluates the objective as often as it needs.

    A step makes up to `max_iter` iterations, and leaves in each ``.grad`` the gradient that it saw last. An error, of
    the closure or ours, leaves the parameters bit for bit as they were.

    Attributes:
        wants: what the closure returns. "gradients": the loss, after a backward pass of its own, as torch's L-BFGS has
            it; "loss": the loss with its graph, no backward pass; "residuals": a vector with its graph, whose squares
            sum to the loss.
    """

    wants: ClassVar[Literal["gradients", "loss", "residuals"]]

    def __init__(self, parameters: ParamsT, **options: Any) -> None:
        """
        Raises:
            InputError: for an option out of its constraint; for parameters in several groups, or not all float32 or
                float64 on one device.
        """
        super().__init__(parameters, checked(self.owner, options_of(type(self)), options))
        vector = self._vector
        if not vector:
            raise InputError(self.owner, "needs a parameter that requires a gradient")
        kinds = {(each.dtype, each.device) for each in vector}
        if len(kinds) > 1 or vector[0].dtype not in (torch.float32, torch.float64):
            found = ", ".join(sorted({f"{dtype} on {device}" for dtype, device in kinds}))
            raise InputError(self.owner, "needs parameters all float32 or all float64, on one device", found)

    @property
    def owner(self) -> str:
        return f"optimizer `{type(self).__name__}`"

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        if self.param_groups:
            raise InputError(self.owner, "takes one group of parameters, since curvature couples them all")
        super().add_param_group(param_group)

    @torch.no_grad()
    def step(self, closure: Closure) -> Tensor:  # type: ignore[override]
        """Up to `max_iter` iterations; returns the loss before them.

        Raises:
            NonFiniteError: if the loss or its gradient is NaN or infinite where the step begins.
            InputError: if the closure does not return what this optimizer `wants`.
        """
        start = self._point()
        try:
            return self._iterate(torch.enable_grad()(closure))
        except BaseException:
            self._move_to(start)
            raise

    @abstractmethod
    def _iterate(self, closure: Closure) -> Tensor:
        """Move the parameters; the loss before that."""

    # ---- the vector -------------------------------------------------------------------------------------------------

    @property
    def _vector(self) -> list[Tensor]:
        return [each for each in self.param_groups[0]["params"] if each.requires_grad]

    def _point(self) -> Tensor:
        return flat(each.detach() for each in self._vector)

    def _pieces(self, vector: Tensor) -> list[Tensor]:
        """`vector` cut up and shaped as the parameters are."""
        sizes = [each.numel() for each in self._vector]
        return [piece.view(each.shape) for piece, each in zip(vector.split(sizes), self._vector, strict=True)]

    def _move_to(self, point: Tensor) -> None:
        for each, piece in zip(self._vector, self._pieces(point), strict=True):
            each.copy_(piece)

    def _leave_gradient(self, gradient: Tensor) -> None:
        for each, piece in zip(self._vector, self._pieces(gradient), strict=True):
            each.grad = piece.clone()

    # ---- the objective ----------------------------------------------------------------------------------------------

    @property
    def _memory(self) -> dict[str, Any]:
        """What outlasts a step, under the first parameter, as torch's L-BFGS keeps it."""
        state: dict[str, Any] = self.state[self._vector[0]]
        if not state:
            state.update(n_iter=0, func_evals=0)
        return state

    def _call(self, closure: Closure) -> Any:
        self._memory["func_evals"] += 1
        return closure()

    def _check_graph(self, value: Any, what: str) -> Tensor:
        if not isinstance(value, Tensor) or not value.requires_grad:
            rule = f"its closure must return {what} with the graph, and not call backward"
            raise InputError(self.owner, rule, repair="See docs/second-order.md.")
        if value.dtype != self._vector[0].dtype:
            rule = f"its closure must return {what} in the precision of the parameters, {self._vector[0].dtype}"
            raise InputError(self.owner, rule, value.dtype)
        return value

    def _check_finite(self, value: Tensor | float, what: str) -> None:
        value = torch.as_tensor(value)
        if not bool(value.isfinite().all()):
            where = f"at iteration {self._memory['n_iter'] + 1}"
            shown = value.item() if value.numel() == 1 else f"{int((~value.isfinite()).sum())} of {value.numel()}"
            raise NonFiniteError(
                self.owner, f"the {what} must be finite {where}", shown, "The parameters are as they were."
            )


def flat(pieces: Iterable[Tensor]) -> Tensor:
    """Tensors end to end."""
    return torch.cat([each.reshape(-1) for each in pieces])


def rounding(vector: Tensor) -> float:
    """The relative distance between neighbouring numbers of a tensor's dtype."""
    return torch.finfo(vector.dtype).eps
