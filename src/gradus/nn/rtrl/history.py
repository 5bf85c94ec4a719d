"""Ways of learning that keep some steps of the past: truncated backpropagation, and RTRL block by block."""

from collections.abc import Mapping
from typing import Self

import torch
from torch import Tensor

from gradus.core.errors import InputError
from gradus.nn.rtrl.cells import Local, Recurrence, pull
from gradus.nn.rtrl.influence import Influenced, fold
from gradus.nn.rtrl.learner import Learner

# N examples, R parts of a state (h, or h and c), G gates, H units, P all that a gate reads: x, 1, h, 1


class _Past:
    """The last steps, and what was credited to each and is not collected yet."""

    def __init__(self) -> None:
        self.steps: list[Local] = []
        self.credits: list[Tensor | None] = []

    def add(self, local: Local) -> None:
        self.steps.append(local)
        self.credits.append(None)

    def credit(self, dh: Tensor) -> None:
        before = self.credits[-1]
        self.credits[-1] = dh if before is None else before + dh

    def collect(self, recurrence: Recurrence, state: Tensor) -> tuple[Tensor, Tensor] | None:
        """Backpropagate all credits to the oldest step: the gradient (G, H, P), and the adjoint before that step."""
        credited = [at for at, each in enumerate(self.credits) if each is not None]
        if not credited:
            return None
        weights = recurrence.weights
        adjoint = torch.zeros_like(state)
        to_inputs, to_hiddens = [], []
        used = self.steps[: credited[-1] + 1]
        for local, dh in zip(reversed(used), reversed(self.credits[: len(used)]), strict=True):
            if dh is not None:
                adjoint[:, 0] += dh
            to_input, to_hidden, adjoint = pull(local, weights, adjoint)
            to_inputs.append(to_input)
            to_hiddens.append(to_hidden)
        used.reverse()
        self.credits = [None] * len(self.steps)
        sides = [
            torch.cat(errors).flatten(1).T @ torch.cat(read)
            for errors, read in ((to_inputs, [each.x for each in used]), (to_hiddens, [each.h for each in used]))
        ]
        return torch.cat(sides, dim=1).view(recurrence.gates, recurrence.units, -1), adjoint

    def forget(self, rows: Tensor) -> None:
        """Of the examples `rows` no step leads to weights or to a step before it."""
        for local in self.steps:
            for each in {id(part): part for part in local[2:] if part is not None}.values():
                each[rows] = 0

    def tensors(self) -> dict[str, Tensor]:
        if not self.steps:
            return {}
        kept = dict(zip(Local._fields, zip(*self.steps, strict=True), strict=True))
        if kept["by_hidden"][0] is kept["by_input"][0]:
            del kept["by_hidden"]
        found = {f"past.{name}": torch.stack(parts) for name, parts in kept.items() if parts[0] is not None}
        waiting = [at for at, each in enumerate(self.credits) if each is not None]
        if waiting:
            found["past.credits"] = torch.stack([each for each in self.credits if each is not None])
            found["past.credited"] = torch.tensor(waiting)
        return found

    @classmethod
    def of(cls, saved: Mapping[str, Tensor]) -> Self:
        """The reverse of `tensors`."""
        past = cls()
        names = [name for name in Local._fields if f"past.{name}" in saved]
        for parts in zip(*(saved[f"past.{name}"] for name in names), strict=True):
            step = dict(zip(names, parts, strict=True))
            past.add(Local(**{"by_hidden": step["by_input"], "direct": None, **step}))
        if "past.credits" in saved:
            for at, dh in zip(saved["past.credited"].tolist(), saved["past.credits"], strict=True):
                past.credits[at] = dh
        return past


class TBPTT(Learner):
    """Truncated backpropagation through time: a loss reaches back over the last `back` steps, and no further.

    Called k2 in BPTT(k1, k2); k1 is how many steps pass from one call of `gradients` to the next. The state is carried
    on. With as many steps as there were, and without a change of weights, it is BPTT.

    Cost: O(H^2) a step where `gradients` is called every `back` steps, `back` times as much where after each; memory
    O(back H).
    Source: Williams, Peng (1990), An efficient gradient-based algorithm for on-line training of recurrent network
    trajectories, Neural Computation 2, BPTT(h; h').
    """

    method = "tbptt"
    recurrence: Recurrence

    def __init__(self, recurrence: Recurrence, *, back: int) -> None:
        super().__init__(recurrence)
        if back < 1:
            raise InputError("rtrl `tbptt`", "`back` must be 1 step or more", back)
        self.back = back

    def _start(self, examples: int, like: Tensor) -> None:
        self._past = _Past()

    def _advance(self, local: Local) -> None:
        if len(self._past.steps) == self.back:
            if self._past.credits[0] is not None:
                self._collect()  # a loss is not dropped because nobody has asked yet
            del self._past.steps[0], self._past.credits[0]
        self._past.add(local)

    def _credit(self, dh: Tensor) -> None:
        self._past.credit(dh)

    def _collect(self) -> None:
        assert self._state is not None
        assert self._sum is not None
        found = self._past.collect(self.recurrence, self._state)
        if found is not None:
            self._sum += found[0]

    def _forget(self, rows: Tensor) -> None:
        self._past.forget(rows)

    def _memory(self) -> dict[str, Tensor]:
        return self._past.tensors()

    def _remember(self, saved: Mapping[str, Tensor]) -> None:
        self._past = _Past.of(saved)


class Block(Influenced):
    """RTRL block by block: the influence is brought up to date once every `length` steps, the rest is backpropagated.

    With M the influence at the start of a block of T steps, and lambda its adjoint there,

        dL/dw = (BPTT within the block) + lambda M,    M' = (J_T ... J_1) M + sum_t (J_T ... J_{t+1}) M_now_t

    which is exact at every step, and cheap where `gradients` is asked for once a block: all products of a block are
    those of square matrices, so a block of H steps costs as much as a few steps of `exact`.

    Cost: O(H^3) a step, amortized over blocks of H; asked for gradients at every step O(H^3) too, with a larger
    constant. Memory O(H^3), as `exact`.
    Source: Schmidhuber (1992), A fixed size storage O(n^3) time complexity learning algorithm for fully recurrent
    continually running networks, Neural Computation 4.
    """

    method = "block"

    def __init__(self, recurrence: Recurrence, *, length: int | None = None) -> None:
        """
        Args:
            length: steps of a block; by default as many as the cell has units.
        """
        super().__init__(recurrence)
        self.length = recurrence.units if length is None else length
        if self.length < 1:
            raise InputError("rtrl `block`", "`length` must be 1 step or more", length)

    @property
    def at_end(self) -> bool:
        """Whether the last step was the last of its block, where `gradients` cost least."""
        return self._state is not None and len(self._past.steps) == self.length

    def _start(self, examples: int, like: Tensor) -> None:
        super()._start(examples, like)
        self._past = _Past()

    def _advance(self, local: Local) -> None:
        if len(self._past.steps) == self.length:
            self._refresh()
        self._past.add(local)

    def _refresh(self) -> None:
        """Begin a block: the influence where the last one ended."""
        self._collect()
        weights = self.recurrence.weights
        made = torch.empty_like(self._influence)
        self._carry(fold(self._past.steps, weights, made), None)
        self._influence += made
        self._past = _Past()

    def _credit(self, dh: Tensor) -> None:
        if self._past.steps:
            self._past.credit(dh)
        else:  # `influence` was asked for, and is that of the last step
            assert self._state is not None
            assert self._sum is not None
            adjoint = torch.zeros_like(self._state)
            adjoint[:, 0] = dh
            self._sum += self._weigh(adjoint)

    def _collect(self) -> None:
        assert self._state is not None
        assert self._sum is not None
        found = self._past.collect(self.recurrence, self._state)
        if found is not None:
            self._sum += found[0] + self._weigh(found[1])

    @property
    def influence(self) -> Tensor:
        """(N, R, H, G, H, P): d state / d weights now; the block ends here."""
        if self._past.steps:
            with torch.no_grad():
                self._refresh()
        return self._influence

    def _forget(self, rows: Tensor) -> None:
        super()._forget(rows)
        self._past.forget(rows)

    def _memory(self) -> dict[str, Tensor]:
        return {**super()._memory(), **self._past.tensors()}

    def _remember(self, saved: Mapping[str, Tensor]) -> None:
        super()._remember(saved)
        self._past = _Past.of(saved)
