"""What held-out figures say at the end of a course, which the doctor lets pass.

The doctor speaks to people, who stop reading one that cries wolf, so it waits for gaps that are beyond doubt. Here a
wrong guess costs one more course and is undone, so a gap that is only likely is worth a try.
"""

import math

import torch

from gradus.training.repair.judging import Score
from gradus.training.repair.trouble import Trouble

_GAP = 0.06
_ERRORS = 2.0
_RARE = 5.0
"""How many times as many examples the largest class has as a rare one."""
_NEGLECT = 0.15
_LIKELY = 0.7


def readings(train: Score, held_out: Score) -> list[Trouble]:
    """Rare classes that are told worse than the others, and a gap between training and held-out accuracy.

    Args:
        train: of examples that were trained on.
        held_out: of others.
    """
    if train.right is None or train.target is None or held_out.right is None or held_out.target is None:
        return []
    found = []
    if _neglects(train.target, held_out.target, held_out.right):
        found.append(Trouble(cause="class-imbalance", confidence=_LIKELY, since=0))
    gap = float(train.right.mean() - held_out.right.mean())
    error = math.sqrt(sum(float(each.var(correction=0)) / len(each) for each in (train.right, held_out.right)))
    if gap > max(_GAP, _ERRORS * error):
        found.append(Trouble(cause="overfitting", confidence=_LIKELY, since=0))
    return found


def _neglects(trained: torch.Tensor, target: torch.Tensor, right: torch.Tensor) -> bool:
    """Whether the classes of which training has few examples are told less often than the others."""
    counts = torch.bincount(trained, minlength=int(target.max()) + 1)
    rare = counts[target] * _RARE <= counts.max()
    if not rare.any() or rare.all():
        return False
    few, others = right[rare], right[~rare]
    error = math.sqrt(float(few.var(correction=0)) / len(few) + float(others.var(correction=0)) / len(others))
    return float(others.mean() - few.mean()) > max(_NEGLECT, _ERRORS * error)
