import torch

from gradus.training.repair.judging import Score
from gradus.training.repair.readings import readings


def score(right: torch.Tensor, target: torch.Tensor) -> Score:
    return Score(torch.zeros(len(right)).double(), right.double(), target, "validation")


def told(share: float, target: torch.Tensor) -> Score:
    """As large a share of every class right."""
    right = torch.zeros(len(target))
    for each in target.unique():
        at = (target == each).nonzero().flatten()
        right[at[: round(share * len(at))]] = 1
    return score(right, target)


EVEN = torch.arange(10).repeat(40)


def causes(train: Score, held_out: Score) -> list[str]:
    return [each.cause for each in readings(train, held_out)]


def test_a_gap_that_may_be_luck_is_none() -> None:
    assert causes(told(1.0, EVEN), told(0.9, EVEN)) == ["overfitting"]
    assert causes(told(1.0, EVEN), told(0.96, EVEN)) == []
    few = torch.arange(10).repeat(2)
    assert causes(told(1.0, few), score((torch.arange(20) > 1).long(), few)) == []
    assert causes(told(0.8, EVEN), told(0.8, EVEN)) == []


def test_rare_classes_that_are_told_worse() -> None:
    uneven = torch.cat([torch.arange(5).repeat(100), torch.arange(5, 10).repeat(10)])
    neglected = score((uneven < 5).long(), uneven)
    assert causes(told(1.0, uneven), neglected)[0] == "class-imbalance"
    assert causes(told(1.0, uneven), told(1.0, uneven)) == []
    assert "class-imbalance" not in causes(told(1.0, EVEN), score((EVEN < 5).long(), EVEN))


def test_of_values_nothing_is_read() -> None:
    values = Score(torch.ones(5).double(), None, None, "validation")
    assert readings(values, values) == []
