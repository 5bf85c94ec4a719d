"""Passes without gradients: in which mode, on what, and what the program measured of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from gradus.diagnosis import measure
from gradus.diagnosis.inputs import distance, read_input, row_prints
from gradus.diagnosis.places import Places
from gradus.diagnosis.signs import Evaluation, InputSigns

_LOOKED_AT = 4
"""Passes of an evaluation whose inputs are looked at."""
_ROWS = 16
"""Of a later pass so many rows tell whether it is of training examples."""
_EVERY = 16
"""Of evaluations that come at every step so many are passed over for each one that is looked at."""
_MOST_KEPT = 400
_CLASSES = 64
"""The first so many are counted, as in training."""


@dataclass
class _Run:
    """Passes on examples that training has seen, or on those it has not."""

    passes: int = 0
    examples: int = 0
    loss: float = 0.0
    loss_examples: int = 0
    squares: float = 0.0
    square_examples: int = 0
    right: float = 0.0
    compared: int = 0
    likeliest_right: float = 0.0
    likeliest: int = 0
    training: bool = False
    repeated: bool = False
    seen: list[float] = field(default_factory=list)
    known: int = 0
    inputs: list[InputSigns] = field(default_factory=list)
    targets: list[Tensor] = field(default_factory=list)
    labels: set[int] = field(default_factory=set)
    by_class: Tensor | None = None
    place: str = ""


class EvaluationWatch:
    """Gathers passes without gradients between two steps of training into Evaluations."""

    def __init__(self, places: Places) -> None:
        self.open = False
        self.reported: tuple[float | None, float | None] = None, None
        self._places = places
        self._runs: dict[bool, _Run] = {}
        self._current: _Run | None = None
        self._batch = 0
        self._output: Tensor | None = None
        self._prints: dict[int, tuple[list[int], list[int]]] = {}
        self._refreshed = 0
        self._waiting = False
        self._steps: list[int] = []
        self._known = False
        self._number = 0
        self._each_time = 0
        self._figures = False

    @property
    def at_every_step(self) -> bool:
        """Whether the last ten evaluations came at ten steps in a row."""
        return len(self._steps) == 10 and self._steps[-1] - self._steps[0] == 9

    @property
    def usual(self) -> bool:
        """Whether a pass that comes now is one of those that come at every step.

        Where the program makes figures of them, as one does that has one batch an epoch, one is looked at now and then.
        """
        if self._figures and self._steps[-1] % _EVERY == 0:
            return False
        return self.at_every_step and (self._number if self.open else 0) < self._each_time

    def passed(
        self, model: nn.Module, inputs: Sequence[Tensor], result: Any, rows: set[int], train: list[InputSigns]
    ) -> None:
        """A model ran without gradients."""
        output = measure.first_tensor(result)
        if not self.open:
            self._runs, self.open, self._number, self._known, self._refreshed = {}, True, 0, False, 0
            self._prints = {}
        looking = not self.usual
        self._number += 1
        closely = looking and self._number <= _LOOKED_AT
        first = inputs[0] if inputs else None
        # What an encoder has made for its decoder is no data.
        made = first is not None and self._output is not None and _same_place(first, self._output)
        prints, share = [], -1.0
        if looking and first is not None and first.dim() > 1:
            prints = row_prints(first, most=64 if closely else _ROWS)
            if first.is_floating_point():  # short sequences of tokens come again by chance
                share = sum(each in rows for each in prints) / max(len(prints), 1)
                self._known = share > 0.05
        run = self._runs.setdefault(self._known, _Run())
        run.passes += 1
        self._batch = output.shape[0] if output is not None and output.dim() else 0
        run.examples += self._batch
        self._output = output
        # A Monte Carlo draw may be of one batch, or of all of them before the next draw; two models may be compared.
        # Of one example several things may be asked.
        if prints:
            others = [row for each in inputs[1:] if each.dim() for row in row_prints(each, most=_ROWS)]
            whole = prints[:_ROWS] + others
            first_prints, last = self._prints.get(id(model), ([], []))
            run.repeated |= whole in (first_prints, last)
            self._prints[id(model)] = first_prints or whole, whole
        sensitive = self._places.sensitive(model)
        if any(each.training and not _keeps_all(each) for each in sensitive):
            run.training = True
            run.place = (self._places.module(model) or "").rpartition(":")[0]
            self._refreshed = id(model)
        elif sensitive and self._refreshed == id(model):
            # What runs in training mode just before it is evaluated has its statistics computed anew.
            for each in self._runs.values():
                each.training = False
        if share >= 0:
            run.seen.append(share)
            run.known = len(rows)
        if closely and first is not None and train and not made:
            signs = read_input(first)
            if signs is not None and signs.shape[1:] == train[0].shape[1:]:
                run.inputs.append(signs)
        self._current, self._waiting = run, True

    def measured(self, value: Any, target: Any, reduction: str, output: Any = None) -> None:
        """The program computed a loss; it belongs to the last pass if it is over as many examples.

        Args:
            output: what the loss compares: of one of classes it tells the likeliest. There may be several answers to an
                example.
        """
        if self._current is None or not isinstance(value, Tensor) or not isinstance(target, Tensor):
            return
        if value.numel() != 1 or not target.dim() or not self._batch:
            return
        answers = _answers(output, target)
        if target.shape[0] != self._batch and (answers is None or target.shape[0] % self._batch):
            return
        if answers is not None:
            self._current.likeliest_right += self._batch * (1 - float((answers != target).float().mean()))
            self._current.likeliest += self._batch
        number = float(value)
        if target.is_floating_point():
            self._current.targets.append(_some(target))
        elif target.dim() == 1 and len(self._current.labels) <= _MOST_KEPT:
            self._current.labels.update(target.unique().tolist())
        self._current.loss += number if reduction == "sum" else number * self._batch
        self._current.loss_examples += self._batch

    def compared(self, result: Any, one: Any, other: Any) -> None:
        """Two tensors were compared; the first time after a pass, with one value per example, is its score.

        Or that of all passes, whose answers were put together.
        """
        if not self._waiting or self._current is None:
            return
        if not (isinstance(result, Tensor) and isinstance(one, Tensor) and isinstance(other, Tensor)):
            return
        number = result.numel()
        together = not self._current.compared and number == self._current.examples
        if result.dtype is not torch.bool or not number == one.numel() == other.numel():
            return
        if not number or (number != self._batch and not together):
            return
        self._waiting = False
        self._current.right += float(result.sum())
        self._current.compared += number
        self._count(result, one, other)

    def _count(self, result: Tensor, one: Tensor, other: Tensor) -> None:
        """How many of each class there are, and are told right, where one of two is the likeliest class."""
        output, run = self._output, self._current
        if run is None or output is None or output.dim() != 2 or output.shape[1] < 2:
            return
        if any(each.is_floating_point() or each.dtype is torch.bool for each in (one, other)):
            return  # answers yes or no
        answer, pair = output.argmax(dim=1), (one.flatten(), other.flatten())
        target = next((pair[1 - at] for at in (0, 1) if torch.equal(pair[at], answer)), None)
        if target is None:
            return
        known = (target >= 0) & (target < _CLASSES)
        all_right = [target[known], target[known & result.flatten()]]
        counted = torch.stack([torch.bincount(each, minlength=_CLASSES) for each in all_right]).cpu()
        run.by_class = counted if run.by_class is None else run.by_class + counted

    def subtracted(self, result: Any, one: Any, other: Any) -> None:
        """Two tensors were subtracted; the first time one is the output of the last pass, the other is its targets."""
        output = self._output
        if self._current is None or output is None or not isinstance(result, Tensor) or not self._batch:
            return
        if not isinstance(one, Tensor) or not isinstance(other, Tensor) or one.numel() != result.numel():
            return
        if one.shape != other.shape or not result.is_floating_point():
            return
        for given, target in ((one, other), (other, one)):
            if given.numel() == output.numel() and given.data_ptr() == output.data_ptr():
                self._output = None
                self._current.squares += float(result.detach().square().mean()) * self._batch
                self._current.square_examples += self._batch
                self._current.targets.append(_some(target))
                return

    def close(
        self,
        step: int,
        train: list[InputSigns],
        *,
        dropping: bool,
        normalizing: bool = False,
        squared: bool = False,
        share: float = 1.0,
    ) -> list[Evaluation]:
        """Training goes on, or the program ends.

        Args:
            normalizing: whether batch norm acts as in training whatever the mode.
            share: about which share of training's examples is known.
            squared: whether training's loss is a mean squared error, so that one that was written out is its like.
        """
        if not self.open:
            return []
        self.open, self._current, self._output = False, None, None
        self._steps, self._each_time = [*self._steps, step][-10:], self._number
        if not self.at_every_step:
            self._figures = any(each.compared or each.loss_examples for each in self._runs.values())
        loss, accuracy = self.reported
        self.reported = None, None
        found = []
        for run in self._runs.values():
            shift, scale = distance(train, run.inputs)
            if squared and run.square_examples and not run.loss_examples:
                run.loss, run.loss_examples = run.squares, run.square_examples
            if run.likeliest and not run.compared:
                run.right, run.compared = run.likeliest_right, run.likeliest
            found.append(
                Evaluation(
                    step=step,
                    passes=run.passes,
                    examples=run.examples,
                    loss=run.loss / run.loss_examples if run.loss_examples else loss,
                    accuracy=run.right / run.compared if run.compared else accuracy,
                    training=run.training or normalizing,
                    repeated=run.repeated,
                    seen=sum(run.seen) / len(run.seen) if run.seen else 0.0,
                    known=run.known,
                    share_known=share,
                    shift=shift if math.isfinite(shift) else 0.0,
                    scale=scale,
                    dropped=dropping and not run.training,
                    every_step=len(self._steps) > 2 and self._steps[-1] - self._steps[-3] == 2,
                    place=run.place,
                    labels=tuple(sorted(run.labels)),
                    counts=() if run.by_class is None else tuple(run.by_class[0].tolist()),
                    right=() if run.by_class is None else tuple(run.by_class[1].tolist()),
                    variance=_variance(run.targets),
                )
            )
        return found


def _same_place(one: Tensor, other: Tensor) -> bool:
    strided = one.layout is torch.strided and other.layout is torch.strided
    return strided and one.data_ptr() == other.data_ptr() != 0


def _answers(output: Any, target: Tensor) -> Tensor | None:
    """The likeliest classes (N,) of what a loss of classes is given; None of another."""
    if not isinstance(output, Tensor) or output.dim() != 2 or target.dim() != 1:
        return None
    return output.argmax(dim=1) if 0 < len(target) == len(output) and output.shape[1] > 1 else None


def _some(target: Tensor) -> Tensor:
    return measure.sample(target).float()


def _variance(targets: Sequence[Tensor]) -> float | None:
    known = [each for each in targets if each.numel()]
    return float(torch.cat(known).var(correction=0)) if known else None


def _keeps_all(module: nn.Module) -> bool:
    """Batch norm that is averaging its statistics anew over a whole set, as ``update_bn`` has it."""
    return getattr(module, "momentum", 0.1) is None


def trimmed(evaluations: list[Evaluation]) -> list[Evaluation]:
    """No more than are needed to read a curve: of the older half every other one goes."""
    if len(evaluations) <= _MOST_KEPT:
        return evaluations
    half = len(evaluations) // 2
    return evaluations[:half:2] + evaluations[half:]
