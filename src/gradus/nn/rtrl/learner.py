"""What all ways of learning a recurrence have in common: step, credit, gradients."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Protocol

import torch
from torch import Tensor

from gradus.core.errors import InputError
from gradus.nn.rtrl.cells import Local

# N examples, R parts of a state (h, or h and c), G gates, H units, F inputs, P all that a gate reads


class Steps(Protocol):
    """A cell that tells the derivatives of a step: `cells.Recurrence` and `elementwise.Elementwise`."""

    inputs: int
    units: int
    parts: int
    gates: int

    @property
    def dtype(self) -> torch.dtype: ...
    @property
    def read(self) -> tuple[int, int]: ...
    def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Local]: ...
    def named(self, gradient: Tensor) -> dict[str, Tensor]: ...


class Learner(ABC):
    """Runs a cell step by step, and knows the gradient of every loss at the time of the step.

        h = learner.step(x)               # (N, F) to (N, H); no graph is kept
        learner.credit(dL_dh)             # (N, H), the loss's derivative with respect to that h
        grads = learner.gradients()       # by parameter: of all credited losses since the last call, summed

    Gradients are summed over examples, as autograd does: of a loss that is a mean over N, `dL_dh` holds the 1 / N.
    They are exact, where a method is exact, while the weights stay as they are. The cell's parameters are read anew at
    every step and may be changed at any time; what earlier steps left behind then belongs to the weights before.
    """

    method: str

    def __init__(self, recurrence: Steps) -> None:
        self.recurrence = recurrence
        self._state: Tensor | None = None
        self._sum: Tensor | None = None

    @property
    def state(self) -> Tensor | tuple[Tensor, ...] | None:
        """h (N, H), of an LSTM (h, c); None before the first step."""
        if self._state is None:
            return None
        parts = self._state.unbind(1)
        return parts[0] if len(parts) == 1 else parts

    def step(self, x: Tensor) -> Tensor:
        """The cell's h (N, H) after `x` (N, F), which begins from a state of zeros.

        Raises:
            InputError: if `x` is of another shape, or of another number of examples than before.
        """
        self._check(x)
        with torch.no_grad():
            if self._state is None:
                self._begin(x)
            assert self._state is not None
            state, local = self.recurrence.step(x.detach(), self._state)
            self._advance(local)
            self._state = state
            return state[:, 0].clone()

    def credit(self, dh: Tensor) -> None:
        """Take in a loss of the last step by its derivative `dh` (N, H) with respect to that step's h.

        Raises:
            InputError: before the first step, or for another shape.
        """
        if self._state is None:
            raise InputError("rtrl", "`credit` is for a step that was taken", repair="Call `step` first.")
        _check_tensor("dh", dh, self._state.dtype)
        if dh.shape != self._state[:, 0].shape:
            wanted = tuple(self._state[:, 0].shape)
            raise InputError("rtrl", f"`dh` must be of the shape {wanted} of h", tuple(dh.shape))
        with torch.no_grad():
            self._credit(dh.detach())

    def gradients(self) -> dict[str, Tensor]:
        """Of the losses credited since the last call, summed, by the names of the cell's parameters."""
        if self._state is None:
            raise InputError("rtrl", "`gradients` are there after a step", repair="Call `step` first.")
        with torch.no_grad():
            self._collect()
            assert self._sum is not None
            found, self._sum = self._sum, torch.zeros_like(self._sum)
            return self.recurrence.named(found)

    def reset(self, rows: Tensor | None = None) -> None:
        """Begin anew, from a state of zeros without a past; only the examples where `rows` (N,) is true, if given.

        What was credited before stays in the next `gradients`, if `rows` is given.
        """
        if rows is None:
            self._state = self._sum = None
        elif self._state is not None:
            if rows.shape != (len(self._state),) or rows.dtype != torch.bool:
                rule = f"`rows` must be {len(self._state)} truth values"
                raise InputError("rtrl", rule, (rows.dtype, tuple(rows.shape)))
            with torch.no_grad():
                self._collect()
                self._state = self._state.masked_fill(rows[:, None, None], 0)
                self._forget(rows)

    def state_dict(self) -> dict[str, Any]:
        """All that later gradients depend on, but for the weights: the state and what the method remembers."""
        if self._state is None:
            return {"method": self.method}
        assert self._sum is not None
        return {
            "method": self.method,
            "state": self._state.clone(),
            "sum": self._sum.clone(),
            **{name: each.clone() for name, each in self._memory().items()},
        }

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` gave.

        Raises:
            InputError: if that is of another method, or of another cell.
        """
        if saved.get("method") != self.method:
            raise InputError("rtrl", f"this state is not of the method `{self.method}`", saved.get("method"))
        self.reset()
        if "state" not in saved:
            return
        state: Tensor = saved["state"]
        wanted = (len(state), self.recurrence.parts, self.recurrence.units)
        if state.shape != wanted or saved["sum"].shape != self._shape():
            raise InputError("rtrl", "this state is of a cell of another size", tuple(state.shape))
        self._begin(state[:, 0])
        self._state, self._sum = state.clone(), saved["sum"].clone()
        self._remember({name: each.clone() for name, each in saved.items() if isinstance(each, Tensor)})

    def _shape(self) -> tuple[int, int, int]:
        """(G, H, P)."""
        return self.recurrence.gates, self.recurrence.units, sum(self.recurrence.read)

    def _begin(self, like: Tensor) -> None:
        """Zeros for as many examples as `like` has rows."""
        self._state = like.new_zeros(len(like), self.recurrence.parts, self.recurrence.units)
        self._sum = like.new_zeros(self._shape())
        self._start(len(like), like)

    def _check(self, x: Tensor) -> None:
        _check_tensor("x", x, self.recurrence.dtype if self._state is None else self._state.dtype)
        examples = "N" if self._state is None else len(self._state)
        if x.dim() != 2 or x.shape[1] != self.recurrence.inputs or (examples != "N" and len(x) != examples):
            raise InputError(
                "rtrl",
                f"`x` must be one step of shape ({examples}, {self.recurrence.inputs})",
                tuple(x.shape),
                "`reset` begins anew with other examples.",
            )

    @abstractmethod
    def _start(self, examples: int, like: Tensor) -> None:
        """Nothing remembered yet."""

    @abstractmethod
    def _advance(self, local: Local) -> None:
        """A step was taken."""

    @abstractmethod
    def _credit(self, dh: Tensor) -> None:
        """A loss of the last step."""

    def _collect(self) -> None:  # noqa: B027 (most methods put off nothing)
        """Add to the sum what was put off."""

    @abstractmethod
    def _forget(self, rows: Tensor) -> None:
        """What the examples `rows` (N,) remember becomes nothing."""

    @abstractmethod
    def _memory(self) -> dict[str, Tensor]:
        """What is remembered, as tensors."""

    @abstractmethod
    def _remember(self, saved: Mapping[str, Tensor]) -> None:
        """The reverse of `_memory`."""


def _check_tensor(name: str, given: Tensor, dtype: torch.dtype) -> None:
    if not isinstance(given, Tensor) or given.dtype != dtype:
        rule = f"`{name}` must be a tensor of {dtype}, as the cell's weights are"
        raise InputError("rtrl", rule, str(given.dtype) if isinstance(given, Tensor) else type(given).__name__)
