"""UORO: the influence matrix as an outer product of two random vectors, right in the mean."""

from collections.abc import Mapping

import torch
from torch import Tensor

from gradus.nn.rtrl.cells import Local, Recurrence, push
from gradus.nn.rtrl.learner import Learner

# N examples, R parts of a state (h, or h and c), G gates, H units, P all that a gate reads: x, 1, h, 1

_LEAST = 1e-7
"""Bound on what balances the two factors; any positive number leaves the mean right."""


class UORO(Learner):
    """Unbiased online recurrent optimization: M is stood for by s w^T, whose mean is M.

        s' = rho_0 J s + rho_1 v,   w' = w / rho_0 + (v^T M_now) / rho_1,   v = +-1 by chance

    rho_0 = sqrt(|w| / |J s|) and rho_1 = sqrt(|v^T M_now| / |v|) keep the variance small. Every example has draws of
    its own, so the mean over a batch is steadier than one.

    Args:
        generator: of the signs; torch's own if None.
    Cost: O(H^2) time and memory for each example. The noise grows with the units; small rates average it out.
    Source: Tallec, Ollivier (2017), Unbiased online recurrent optimization, arXiv:1702.05043, algorithm 1; J s is
    exact here, where the paper takes a difference.
    """

    method = "uoro"
    recurrence: Recurrence

    def __init__(self, recurrence: Recurrence, *, generator: torch.Generator | None = None) -> None:
        super().__init__(recurrence)
        self._generator = generator

    def _start(self, examples: int, like: Tensor) -> None:
        self._left = like.new_zeros(examples, self.recurrence.parts, self.recurrence.units)
        self._right = like.new_zeros(examples, *self._shape())

    def _advance(self, local: Local) -> None:
        shape = self._left.shape
        draws = torch.randint(2, shape, generator=self._generator, device=self._left.device, dtype=self._left.dtype)
        signs = 2 * draws - 1
        carried = push(local, self.recurrence.weights, self._left)
        # v^T M_now is an outer product on each side: weights of a unit are reached through its own state only.
        to_input = (local.by_input * signs[:, :, None]).sum(1)
        to_hidden = (local.by_hidden * signs[:, :, None]).sum(1)
        now = torch.hypot(_norm(to_input) * _norm(local.x), _norm(to_hidden) * _norm(local.h))
        old, new = _balance(_norm(self._right), _norm(carried)), _balance(now, _norm(signs))
        self._left = old[:, None, None] * carried + new[:, None, None] * signs
        width = local.x.shape[1]
        self._right /= old[:, None, None, None]
        for side, errors, read in (
            (self._right[..., :width], to_input, local.x),
            (self._right[..., width:], to_hidden, local.h),
        ):
            side.addcmul_((errors / new[:, None, None])[..., None], read[:, None, None])

    def _credit(self, dh: Tensor) -> None:
        assert self._sum is not None
        self._sum += torch.einsum("n,nghp->ghp", (dh * self._left[:, 0]).sum(1), self._right)

    def _forget(self, rows: Tensor) -> None:
        self._left = self._left.masked_fill(rows[:, None, None], 0)
        self._right = self._right.masked_fill(rows[:, None, None, None], 0)

    def _memory(self) -> dict[str, Tensor]:
        return {"left": self._left, "right": self._right}

    def _remember(self, saved: Mapping[str, Tensor]) -> None:
        self._left, self._right = saved["left"], saved["right"]


def _norm(each: Tensor) -> Tensor:
    """Of each example, (N,)."""
    norm: Tensor = torch.linalg.vector_norm(each.flatten(1), dim=1)
    return norm


def _balance(above: Tensor, below: Tensor) -> Tensor:
    """The root of a ratio of norms."""
    return (above / below.clamp(min=_LEAST)).sqrt().clamp(_LEAST, 1 / _LEAST)
