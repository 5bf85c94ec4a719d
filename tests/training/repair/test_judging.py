import pytest
import torch

from gradus.training.repair.judging import Score, judge


def classes(right: list[int], loss: float = 1.0, target: list[int] | None = None) -> Score:
    known = torch.tensor(target or [0, 1] * (len(right) // 2))
    return Score(torch.full((len(right),), loss).double(), torch.tensor(right).double(), known, "validation")


def values(losses: list[float]) -> Score:
    return Score(torch.tensor(losses).double(), None, None, "validation")


def test_one_more_right_answer_is_luck_and_many_are_not() -> None:
    half = [1, 0] * 50
    assert not judge(classes([1, 1, *half[2:]]), classes(half)).better
    verdict = judge(classes([1, 1] * 10 + half[20:]), classes(half))
    assert verdict.better
    assert (verdict.by, verdict.before) == ("accuracy", 0.5)
    assert verdict.after == pytest.approx(0.6)
    # Ten changes, all for the better: the deviation of the paired differences over ten.
    assert verdict.margin == pytest.approx(1.28 * (0.1 * 0.9 / 100) ** 0.5)


def test_as_many_right_answers_with_more_confidence_are_better() -> None:
    assert judge(classes([1, 0] * 8, loss=0.5), classes([1, 0] * 8, loss=1.0)).by == "log loss"
    assert judge(classes([1, 0] * 8, loss=0.5), classes([1, 0] * 8, loss=1.0)).better
    assert not judge(classes([1, 0] * 8, loss=1.0), classes([1, 0] * 8, loss=1.0)).better


def test_fewer_right_answers_are_never_better() -> None:
    assert not judge(classes([1, 0] * 7 + [0, 0], loss=0.1), classes([1, 0] * 8, loss=1.0)).better


def test_by_class_a_rare_one_counts_as_much_as_a_frequent_one() -> None:
    target = [0] * 90 + [1] * 10
    before = classes([1] * 90 + [0] * 10, target=target)
    after = classes([1] * 70 + [0] * 20 + [1] * 10, target=target)
    assert not judge(after, before).better
    verdict = judge(after, before, by_class=True)
    assert verdict.better
    assert (verdict.by, verdict.before) == ("balanced accuracy", 0.5)
    assert verdict.after == pytest.approx((70 / 90 + 1) / 2)


def test_values_go_by_their_errors() -> None:
    before = [1.0, 1.2, 0.8, 1.0] * 5
    verdict = judge(values([each / 4 for each in before]), values(before))
    assert verdict.better
    assert verdict.by == "rmse"
    assert verdict.after == pytest.approx(verdict.before / 2)
    assert not judge(values(before), values(before)).better


def test_what_is_not_finite_is_worse_than_anything_and_no_better_than_itself() -> None:
    lost = values([float("inf"), 1.0])
    assert judge(values([9.0, 9.0]), lost).better
    assert not judge(lost, values([9.0, 9.0])).better
    assert not judge(lost, lost).better
