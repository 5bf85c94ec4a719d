"""The influence matrix: how the state changes with the weights."""

from collections.abc import Mapping

import torch
from torch import Tensor

from gradus.nn.rtrl.cells import Local, Recurrence, Weights, jacobian
from gradus.nn.rtrl.learner import Learner

# N examples, R parts of a state (h, or h and c), G gates, H units, P all that a gate reads: x, 1, h, 1


class Influenced(Learner):
    """Keeps M = d state / d weights, (N, R, H, G, H, P)."""

    recurrence: Recurrence

    def _start(self, examples: int, like: Tensor) -> None:
        shape = (examples, self.recurrence.parts, self.recurrence.units, *self._shape())
        self._influence = like.new_zeros(shape)
        # The old matrix is read while the new one is written; the two take turns.
        self._spare = torch.empty_like(self._influence)

    @property
    def influence(self) -> Tensor:
        """(N, R, H, G, H, P): d state / d weights, P in the order x, 1, h, 1."""
        return self._influence

    def _weigh(self, adjoint: Tensor) -> Tensor:
        """An `adjoint` (N, R, H) of the state at which M is, times M, summed over examples: (G, H, P)."""
        found = torch.bmm(adjoint.flatten(1)[:, None], self._influence.flatten(3).flatten(1, 2))
        return found.sum((0, 1)).view(self._shape())

    def _carry(self, transfer: Tensor, direct: Tensor | None) -> None:
        """M becomes `transfer` (N, R, H, R', H) M: all columns, or with R' = 1 those of h, and `direct` the rest."""
        parts = transfer.shape[3]
        old, new = self._influence.flatten(3), self._spare.flatten(3)
        torch.bmm(transfer.flatten(3).flatten(1, 2), old[:, :parts].flatten(1, 2), out=new.flatten(1, 2))
        if direct is not None:
            for source in range(parts, old.shape[1]):
                for target in range(old.shape[1]):
                    new[:, target].addcmul_(direct[:, target, source, :, None], old[:, source])
        self._influence, self._spare = self._spare, self._influence

    def _forget(self, rows: Tensor) -> None:
        self._influence[rows] = 0

    def _memory(self) -> dict[str, Tensor]:
        return {"influence": self._influence}

    def _remember(self, saved: Mapping[str, Tensor]) -> None:
        self._influence.copy_(saved["influence"])


class Exact(Influenced):
    """Real-time recurrent learning: the influence of the weights on the state goes forward with the state.

        M' = J M + M_now,  dL/dw = dL/ds M

    J is the derivative of the new state with respect to the old, and M_now that with respect to the weights as they
    are used at this step, in which unit k of the state depends on row k of each gate's matrix alone.

    Cost: O(H^4) time a step and O(H^3) memory for each example, with constants G.
    Source: Williams, Zipser (1989), A learning algorithm for continually running fully recurrent neural networks,
    Neural Computation 1.
    """

    method = "exact"

    def __init__(self, recurrence: Recurrence) -> None:
        super().__init__(recurrence)

    def _advance(self, local: Local) -> None:
        self._carry(jacobian(local, self.recurrence.weights)[:, :, :, None], local.direct)
        width = local.x.shape[1]
        own = self._influence.diagonal(dim1=2, dim2=4)  # (N, R, G, P, H)
        own[..., :width, :] += local.by_input[..., None, :] * local.x[:, None, None, :, None]
        own[..., width:, :] += local.by_hidden[..., None, :] * local.h[:, None, None, :, None]

    def _credit(self, dh: Tensor) -> None:
        found = torch.bmm(dh[:, None], self._influence[:, 0].flatten(2))
        assert self._sum is not None
        self._sum += found.sum((0, 1)).view(self._shape())


def fold(steps: list[Local], weights: Weights, made: Tensor) -> Tensor:
    """What a block of steps adds to the influence at its end, into `made` (N, R, H, G, H, P); all from its start.

        M_now = sum_t (J_T ... J_{t+1}) M_now_t

    Returns:
        J_T ... J_1, (N, R, H, R, H).
    """
    examples, parts, gates, units = steps[0].by_input.shape
    rows = parts * units
    through = torch.eye(rows, dtype=made.dtype, device=made.device).expand(examples, -1, -1)
    through = through.reshape(examples, rows, parts, units)
    shared = steps[0].by_input is steps[0].by_hidden
    sides = [made.new_empty(examples, len(steps), rows, gates, units) for _ in range(1 if shared else 2)]
    for at in range(len(steps) - 1, -1, -1):
        local = steps[at]
        for side, by in zip(sides, (local.by_input, local.by_hidden), strict=False):
            torch.sum(through[:, :, :, None] * by[:, None], dim=2, out=side[:, at])
        before = through.flatten(2) @ jacobian(local, weights).flatten(1, 2)  # (N, K, H): with respect to the old h
        if parts == 1:
            through = before[:, :, None]
        else:
            assert local.direct is not None
            rest = (through[:, :, :, None] * local.direct[:, None, :, 1:]).sum(2)
            through = torch.cat([before[:, :, None], rest], dim=2)
    x, h = torch.stack([each.x for each in steps], dim=1), torch.stack([each.h for each in steps], dim=1)
    flat = made.view(examples, rows * gates * units, -1)
    factors = [side.flatten(2).transpose(1, 2) for side in sides]
    if shared:
        torch.bmm(factors[0], torch.cat([x, h], dim=2), out=flat)
    else:
        flat[..., : x.shape[2]] = torch.bmm(factors[0], x)
        flat[..., x.shape[2] :] = torch.bmm(factors[1], h)
    return through.view(examples, parts, units, parts, units)
