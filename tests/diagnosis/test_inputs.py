"""What goes into a model, against NumPy."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from gradus.diagnosis.inputs import begins_with_normalization, distance, read_input, row_prints
from gradus.diagnosis.signs import InputSigns


def table(rows: int = 200, columns: int = 6) -> Tensor:
    return 2 + 3 * torch.randn(rows, columns, generator=torch.Generator().manual_seed(0))


def signs_of(tensor: Tensor, target: Tensor | None = None) -> InputSigns:
    signs = read_input(tensor, target=target)
    assert signs is not None
    return signs


def test_figures_are_those_of_numpy() -> None:
    x = table()
    signs, array = signs_of(x), x.double().numpy()
    expected = (array.mean(), array.std(), array.min(), array.max(), math.sqrt(array.var(axis=0).mean()))
    assert (signs.mean, signs.std, signs.low, signs.high, signs.varied) == pytest.approx(expected, rel=1e-5)
    assert (signs.columns, signs.constant, signs.non_finite, signs.repeated_rows) == (6, 0, 0, 0)
    assert signs.spread == pytest.approx(array.std(axis=0).max() / np.median(array.std(axis=0)), rel=0.05)


def test_a_wide_column_and_a_constant_one() -> None:
    x = table()
    x[:, 2] *= 1000
    x[:, 4] = 500.1  # no binary fraction: its deviation may not come out as 0
    signs = signs_of(x)
    deviations = x.double().numpy().std(axis=0)
    moving = np.delete(deviations, 4)
    assert signs.spread == pytest.approx(moving.max() / np.sort(moving)[2], rel=1e-4)
    assert signs.constant == pytest.approx(1 / 6)
    assert signs.loud_constant == pytest.approx(500.1 / np.sort(moving)[2], rel=1e-4)


@pytest.mark.parametrize(
    ("shape", "axis", "spread"),
    [((40, 24, 6), 2, 500.0), ((40, 6, 24), 1, 500.0), ((40, 6, 4, 4), 1, 500.0), ((40, 24, 24), 1, 1.0)],
)
def test_a_wide_channel_of_sequences_and_images(shape: tuple[int, ...], axis: int, spread: float) -> None:
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    x.select(axis, 3).mul_(500)
    signs = signs_of(x)
    assert signs.spread == pytest.approx(spread, rel=0.1)
    assert signs.columns == 0
    assert len(signs.column_stds) == (6 if spread > 1 else 0)


def test_columns_are_a_table_s() -> None:
    assert signs_of(table().reshape(200, 1, 2, 3)).columns == 0


def test_a_column_that_tells_the_target_is_that_of_the_largest_correlation() -> None:
    x = table()
    target = x[:, 3] + torch.randn(200, generator=torch.Generator().manual_seed(1))
    correlations = [abs(np.corrcoef(x[:, k].numpy(), target.numpy())[0, 1]) for k in range(6)]
    assert signs_of(x, target).tells_target == pytest.approx(max(correlations), rel=1e-4)
    assert signs_of(x, -target[:, None]).tells_target == pytest.approx(max(correlations), rel=1e-4)
    assert signs_of(x, target).also_tells == pytest.approx(sorted(correlations)[-2], rel=1e-3)
    assert signs_of(x, target[:100]).tells_target == 0  # of other examples
    assert signs_of(x, torch.ones(200)).tells_target == 0
    assert signs_of(x.repeat(1, 1)[:8], target[:8]).tells_target == 0  # of few rows some column always does


def test_an_input_that_is_to_be_restored() -> None:
    x = table().round().clamp(0, 1)
    assert signs_of(x, x.clone()).restored
    assert signs_of(x.reshape(200, 1, 2, 3), x.expand(5, 200, 6)).restored
    assert not signs_of(x, x.flip(0)).restored
    assert not signs_of(x, x[:, 0]).restored
    assert not signs_of(x).restored


def test_of_short_rows_the_different_numbers_are_counted() -> None:
    assert signs_of(torch.randint(0, 2, (100, 16)) - 0.5, torch.ones(100)).values == 2
    assert signs_of(torch.randn(100, 16), torch.ones(100)).values == 64 * 16
    assert signs_of(torch.randint(0, 2, (100, 784)).float(), torch.ones(100)).values == 0


def test_a_column_that_is_zero_for_one_class_alone_tells_all() -> None:
    """Such as calls that are counted from the outcome on."""
    x, label = torch.randn(200, 5), torch.arange(200) % 2
    x[:, 3] = label * (1 + torch.arange(200) % 7)
    assert signs_of(x, label).tells_target == 1
    assert signs_of(x, 1 - label).tells_target == 1
    x[1, 3] = 0  # one that was not called
    assert signs_of(x, label).tells_target < 0.9
    x[:, 3] = label * (1 + torch.arange(200) % 7)
    third = torch.arange(200) % 3
    x[:, 3] = (third < 2) * (1 + torch.arange(200) % 7)
    assert signs_of(x, third).tells_target < 0.9  # one class of three may well be told by a column


@pytest.mark.parametrize(
    ("made", "tells"),
    [
        (lambda y: torch.bucketize(y, torch.tensor([-1.0, -0.3, 0.3, 1.0])), True),
        (lambda y: y > 0.3, True),
        (lambda y: -y.exp(), True),
        (lambda y: torch.bucketize(y + 0.3 * torch.randn(200), torch.tensor([-1.0, -0.3, 0.3, 1.0])), False),
        (lambda y: torch.zeros(200), False),
    ],
)
def test_a_column_that_is_a_function_of_the_target_tells_all(made: Callable[[Tensor], Tensor], tells: bool) -> None:
    torch.manual_seed(0)
    x, target = torch.randn(200, 5), torch.randn(200)
    x[:, 2] = made(target)
    assert (signs_of(x, target).tells_target == 1) is tells
    assert signs_of(x, target).also_tells < 0.5


def test_a_group_that_lies_apart_is_no_bin_of_the_target() -> None:
    x = torch.randn(200, 5)
    x[:, 2] = torch.arange(200) % 3
    target = 9 * x[:, 2] + 0.5 * x[:, 0]
    assert signs_of(x, target).tells_target < 1


def test_a_column_that_has_one_number_for_each_class_tells_all() -> None:
    x, label = torch.randn(200, 5), torch.arange(200) % 5
    x[:, 2] = torch.tensor([0.3, -1, 2, 0.1, 0.7])[label]
    assert signs_of(x, label).tells_target == 1
    x[0, 2] = 0  # a mistake
    assert signs_of(x, label).tells_target < 1


def test_missing_values_do_not_spoil_the_others() -> None:
    x = table()
    x[::10, 0] = math.nan
    x[1, 1] = math.inf
    signs = signs_of(x)
    assert signs.non_finite == pytest.approx(21 / 1200)
    assert all(math.isfinite(each) for each in (signs.mean, signs.std, signs.low, signs.high, signs.varied))


def test_rows_that_come_again() -> None:
    x = table(32)
    assert signs_of(torch.cat([x, x[:8]])).repeated_rows == pytest.approx(8 / 40)


@pytest.mark.parametrize(
    "tensor",
    [torch.arange(12).reshape(3, 4), torch.ones(5), torch.ones(()), torch.ones(0, 3), torch.ones(3, 0),
     torch.ones(2, 3, dtype=torch.complex64), torch.eye(4).to_sparse()],
)  # fmt: skip
def test_what_is_no_batch_of_numbers_says_nothing(tensor: Tensor) -> None:
    assert read_input(tensor) is None


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_precisions(dtype: torch.dtype) -> None:
    assert signs_of(table().to(dtype)).std == pytest.approx(signs_of(table()).std, rel=0.01)


def test_a_single_example() -> None:
    signs = signs_of(table(1))
    assert (signs.varied, signs.spread, signs.repeated_rows) == (0, 1, 0)


def test_prints_are_equal_where_rows_are() -> None:
    x = table(20, 3000)
    again = x[torch.tensor([3, 3, 7])].clone()
    prints = row_prints(x)
    assert len(set(prints)) == 20
    assert row_prints(again) == [prints[3], prints[3], prints[7]]
    assert row_prints(x.double()) == prints  # what a loader gives and what a model casts
    assert len(row_prints(torch.arange(100))) == 64
    assert len(set(row_prints(torch.complex(torch.zeros(4, 2), table(4, 2))))) == 4
    tokens = torch.tensor([[3, 4, 0], [0, 3, 4], [4, 3, 0]])
    short, shifted, other = row_prints(tokens)
    assert row_prints(tokens[:1, :2]) == [short] == [shifted] != [other]  # whatever they are padded to
    for empty in (x[:0], x[:, :0], torch.eye(4).to_sparse()):
        assert row_prints(empty) == []


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (nn.Sequential(nn.Flatten(), nn.BatchNorm1d(3), nn.Linear(3, 1)), True),
        (nn.Sequential(nn.Sequential(nn.LayerNorm(3, elementwise_affine=False)), nn.Linear(3, 1)), True),
        (nn.Sequential(nn.Linear(3, 3), nn.LayerNorm(3)), False),
        (nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Linear(3, 1)), True),
        (nn.Sequential(nn.Conv2d(1, 3, 3), nn.InstanceNorm2d(3), nn.Linear(3, 1)), True),
        (nn.Sequential(nn.Conv2d(1, 3, 3), nn.GroupNorm(1, 3)), False),  # which leaves a mean that units share
        (nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3)), False),  # in which one wide column drowns the others
        (nn.Sequential(nn.Conv2d(1, 3, 3), nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3)), False),
        (nn.Sequential(nn.ReLU()), False),
        (nn.LazyLinear(3), False),
    ],
)
def test_whether_a_model_begins_by_normalizing(model: nn.Module, expected: bool) -> None:
    assert begins_with_normalization(model) is expected


def test_the_distance_between_inputs() -> None:
    x = table().reshape(200, 1, 2, 3)
    train = [signs_of(x), signs_of(x + 1)]
    now = [signs_of(2 * x + 9)]
    both = torch.cat([x, x + 1]).double().numpy()
    mean, std = both.mean(), both.std()
    assert distance(train, now) == pytest.approx(((now[0].mean - mean) / std, now[0].std / std))
    assert distance([], now) == distance(train, []) == (0, 1)
    assert distance([signs_of(torch.ones(4, 1, 3))], now) == (0, 1)


def test_batches_of_a_few_rows_lie_where_all_their_rows_do() -> None:
    x = table()
    train = [signs_of(x[:8])]
    one_by_one = [signs_of(x[at : at + 1] + 9) for at in range(8)]
    expected = distance(train, [signs_of(x[:8] + 9)])
    assert expected[0] > 1
    assert distance(train, one_by_one) == pytest.approx(expected, rel=1e-4)  # though one row has no deviation
    assert distance(train, [signs_of(x[:2] + 9), signs_of(x[2:8] + 9)]) == pytest.approx(expected, rel=1e-4)
    assert distance(train, one_by_one[:7]) == (0, 1)  # too few to tell


def test_columns_that_are_shifted_each_in_its_own_way_are_far() -> None:
    """Three go up and three go down, so the mean of all stays where it was."""
    x = table()
    columns = x.double().numpy()
    away = signs_of(x + torch.tensor([6.0, -6.0] * 3))
    assert distance([signs_of(x)], [away])[0] == pytest.approx(np.median(6 / columns.std(axis=0)), rel=1e-4)
