"""Whether one network is better than another, on the same examples."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from gradus.data.batching import Loader
from gradus.training.evaluation import evaluating
from gradus.training.objective import output_of
from gradus.training.prepare import Prepared

MOST_EXAMPLES = 8192
_BY_LUCK = 1.28
"""Standard errors of a paired difference of accuracies that luck alone exceeds once in ten."""
_ERRORS = 2.0
"""How many standard errors of a paired difference of losses count as a gain."""


@dataclass(frozen=True, eq=False)
class Score:
    """What a network makes of a fixed set of examples.

    Attributes:
        loss: (N,) log loss of each example, or its squared error in the data's own units.
        right: (N,) whether the class is right, 0 or 1; None for values.
        target: (N,) classes; None for values.
        split: where the examples come from.
    """

    loss: Tensor
    right: Tensor | None
    target: Tensor | None
    split: str

    @property
    def value(self) -> float:
        """Accuracy, or the root mean squared error."""
        return float(self.loss.mean().sqrt()) if self.right is None else float(self.right.mean())

    def worse_than(self, other: "Score") -> bool:
        """Whether its value is the lesser one, by however little."""
        if self.right is not None:
            return self.value < other.value
        return not self.value <= other.value


@dataclass(frozen=True)
class Verdict:
    """Whether the treated network is better, and by which measure: its values before and after.

    Attributes:
        margin: the gain that was needed.
    """

    better: bool
    by: str
    before: float
    after: float
    margin: float


def score(prepared: Prepared, model: nn.Module, loader: Loader | None = None) -> Score:
    """On the validation split; where there is none, on the first examples of the training split, unchanged.

    Args:
        loader: other examples, in the order it has them.
    """
    loader = loader or prepared.evaluation.get("validation", prepared.population)
    split = "train" if loader is prepared.population else "validation"
    output, target = _answers(model, loader)
    if prepared.spec.task == "classification":
        loss = functional.cross_entropy(output, target, reduction="none")
        return Score(_told(loss), (output.argmax(1) == target).double(), target, split)
    restore = prepared.preprocessing.restore
    loss = (restore(output) - restore(target)).square().flatten(1).mean(1)
    return Score(_told(loss), None, None, split)


def judge(treated: Score, untreated: Score, *, by_class: bool = False) -> Verdict:
    """Better is: more right answers by more than luck gives, or no fewer and a lower loss.

    A loss counts as lower, of classes and of values, if the mean difference is more than two of its standard errors.
    Differences are paired, example by example, so the luck of which examples these are cancels.

    Args:
        by_class: count each class the same, however many examples it has.
    """
    lower, needed = _lower(untreated.loss, treated.loss)
    if treated.right is None or untreated.right is None or untreated.target is None:
        return Verdict(lower, "rmse", untreated.value, treated.value, needed)
    share = _shares(untreated.target) if by_class else torch.full_like(treated.right, 1 / len(treated.right))
    difference = treated.right - untreated.right
    more = float((share * difference).sum())
    error = _BY_LUCK * float((share * (difference - more)).square().sum().sqrt())
    before, after = (float((share * each).sum()) for each in (untreated.right, treated.right))
    if more > error or more < 0 or not lower:
        name = "balanced accuracy" if by_class else "accuracy"
        return Verdict(more > error, name, before, after, error)
    return Verdict(True, "log loss", float(untreated.loss.mean()), float(treated.loss.mean()), needed)


def _answers(model: nn.Module, loader: Loader) -> tuple[Tensor, Tensor]:
    outputs, targets, seen = [], [], 0
    with evaluating(model):
        for batch in loader.batches(epoch=0):
            outputs.append(output_of(model(*batch.inputs)).float().cpu())
            targets.append(batch.target.cpu())
            seen += len(batch)
            if seen >= MOST_EXAMPLES:
                break
    output, target = torch.cat(outputs), torch.cat(targets)
    if target.dim() == 2 and not target.is_floating_point():  # every step is judged by itself
        return output.flatten(0, 1), target.flatten()
    return output, target


def _told(loss: Tensor) -> Tensor:
    """In double precision, an example that nothing finite is said of as bad as can be."""
    return loss.double().nan_to_num(nan=math.inf, posinf=math.inf)


def _lower(before: Tensor, after: Tensor) -> tuple[bool, float]:
    """Whether `after` is lower by more than `_ERRORS` standard errors of the mean difference; how much they are."""
    if not after.isfinite().all() or not before.isfinite().all():
        return bool(after.isfinite().all() and not before.isfinite().all()), 0.0
    difference = before - after
    needed = _ERRORS * float(difference.std(correction=0)) / math.sqrt(len(difference))
    return float(difference.mean()) > needed, needed


def _shares(target: Tensor) -> Tensor:
    """(N,) weights that sum to 1, the same over each class."""
    counts = torch.bincount(target)
    return 1.0 / (counts[target].double() * int((counts > 0).sum()))
