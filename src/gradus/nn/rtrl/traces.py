"""Influence that every unit keeps for itself: exact where units do not read each other, else an approximation."""

from abc import abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor

from gradus.nn.rtrl.cells import Local, Recurrence
from gradus.nn.rtrl.elementwise import Elementwise
from gradus.nn.rtrl.learner import Learner

# N examples, R parts of a state (h, or h and c), G gates, H units, F inputs, P all that a gate reads


class Traced(Learner):
    """Keeps the influence of each weight on the state of its own unit: a trace, (N, R, G, H, P)."""

    def _start(self, examples: int, like: Tensor) -> None:
        self._trace = like.new_zeros(examples, self.recurrence.parts, *self._shape())

    @property
    def trace(self) -> Tensor:
        """(N, R, G, H, P): d (state of unit i) / d (weights of unit i)."""
        return self._trace

    @abstractmethod
    def _own(self, local: Local) -> Tensor:
        """(N, R, R, H): the derivative of a unit's new state with respect to its own old state."""

    @abstractmethod
    def _old(self, local: Local) -> Tensor:
        """What a unit's recurrent weights multiply, to be broadcast against (N, R, G, H, P')."""

    def _advance(self, local: Local) -> None:
        own = self._own(local)
        if own.shape[1] == 1:
            self._trace *= own[:, 0, :, None, :, None]
        else:
            self._trace = torch.einsum("nrqh,nqghp->nrghp", own, self._trace)
        # and the weights as they are used at this step
        width = local.x.shape[1]
        self._trace[..., :width].addcmul_(local.by_input[..., None], local.x[:, None, None, None])
        self._trace[..., width:].addcmul_(local.by_hidden[..., None], self._old(local))

    def _credit(self, dh: Tensor) -> None:
        assert self._sum is not None
        self._sum += (dh[:, None, :, None] * self._trace[:, 0]).sum(0)

    def _forget(self, rows: Tensor) -> None:
        self._trace = self._trace.masked_fill(rows[:, None, None, None, None], 0)

    def _memory(self) -> dict[str, Tensor]:
        return {"trace": self._trace}

    def _remember(self, saved: Mapping[str, Tensor]) -> None:
        self._trace = saved["trace"]


class SnAp1(Traced):
    """SnAp-1: of the influence matrix only what is not zero after one step, the influence on a weight's own unit.

    Exact where units do not read each other. Of an LSTM's output gate only the influence on h is kept, as within one
    step it does not reach c.

    Cost: O(H^2) time and memory for each example, as the forward step.
    Source: Menick, Elsen, Evci, Osindero, Simonyan, Graves (2020), A practical sparse approximation for real time
    recurrent learning, arXiv:2006.07232, section 3.
    """

    method = "snap1"
    recurrence: Recurrence

    def __init__(self, recurrence: Recurrence) -> None:
        super().__init__(recurrence)

    def _start(self, examples: int, like: Tensor) -> None:
        super()._start(examples, like)
        reach = torch.tensor(self.recurrence.kind.reach)
        self._cut = None if bool(reach.all()) else ~reach[:, :, None, None].to(like.device)

    def _own(self, local: Local) -> Tensor:
        gates, units = local.by_hidden.shape[2:]
        loops = self.recurrence.weights.hidden.view(gates, units, units).diagonal(dim1=1, dim2=2)  # (G, H)
        through = (local.by_hidden * loops).sum(2)
        if local.direct is None:
            return through[:, :, None]
        own = local.direct.clone()
        own[:, :, 0] += through
        return own

    def _old(self, local: Local) -> Tensor:
        return local.h[:, None, None, None]  # every unit's weights read all of h

    def _advance(self, local: Local) -> None:
        super()._advance(local)
        if self._cut is not None:
            self._trace.masked_fill_(self._cut, 0)


class Diagonal(Traced):
    """RTRL of a cell whose units do not read each other: exact, and each weight has one number to carry.

        e' = f'(z) (a e + z_now)

    with z_now what the weight multiplies: an input, 1, or the unit's old state.

    Cost: O(H F) time and memory for each example, as the forward step.
    Source: Mozer (1989), as for `ElementwiseRNNCell`; Irie, Gopalakrishnan, Schmidhuber (2023), Exploring the promise
    and limits of real-time recurrent learning, arXiv:2305.19044.
    """

    method = "diagonal"

    def __init__(self, recurrence: Elementwise) -> None:
        super().__init__(recurrence)

    def _own(self, local: Local) -> Tensor:
        assert local.direct is not None
        return local.direct

    def _old(self, local: Local) -> Tensor:
        return local.h[:, None, None, :, None]
