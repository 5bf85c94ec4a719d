"""Examples are mixed in the shares that the papers say, and so are their targets."""

from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from gradus.core.randomness import Stream, uniform
from gradus.core.spec import DataSpec
from gradus.data.augmentation import Augmentation
from gradus.data.augmentation.mixing import symmetric_beta
from tests.data.augmentation.examples import held, pictures

COUNT = 3000
EVERY = np.arange(COUNT)


@pytest.mark.parametrize("alpha", [0.2, 0.5, 1.0, 2.0, 30.0])
def test_shares_are_beta_distributed(alpha: float) -> None:
    shares = symmetric_beta(uniform(0, Stream.AUGMENTATION, 0, np.arange(20_000), 2), alpha)
    assert stats.kstest(shares, stats.beta(alpha, alpha).cdf).pvalue > 0.01


def test_shares_that_are_nearly_all_or_nothing_are_beta_distributed() -> None:
    """So many of them are 0 or 1 to the last bit that only what lies below a few thresholds can be told."""
    shares = symmetric_beta(uniform(0, Stream.AUGMENTATION, 0, np.arange(20_000), 2), 0.05)
    for threshold in (1e-9, 0.1, 0.5, 0.9, 1 - 1e-9):
        expected = stats.beta(0.05, 0.05).cdf(threshold)
        assert np.mean(shares < threshold) == pytest.approx(expected, abs=4 * np.sqrt(0.25 / 20_000))


@pytest.mark.parametrize("alpha", [1e-4, 0.2, 1.0, 1e4])
def test_shares_are_shares_at_the_ends_of_their_draws(alpha: float) -> None:
    ends = np.array([[a, b] for a in (0, 0.5, 1 - 2.0**-53) for b in (0, 0.25, 0.5, 0.75, 1 - 2.0**-53)])
    extreme = symmetric_beta(ends, alpha)
    assert np.isfinite(extreme).all()
    assert (extreme >= 0).all()
    assert (extreme <= 1).all()


def mixed(
    items: list[Any], x: Tensor, target: Tensor, spec: DataSpec, index: Any = EVERY, pool: Any = EVERY, epoch: int = 0
) -> tuple[Tensor, Tensor]:
    (made,), its = Augmentation(items, spec)(held(x, target), np.asarray(index), pool=pool, seed=0, epoch=epoch)
    return made, its


def test_mixup_mixes_inputs_and_values_in_one_share() -> None:
    """Where inputs and targets tell the example's number, two examples give one equation for share and partner."""
    numbers = torch.arange(float(COUNT))
    x = torch.stack((numbers, numbers**2 / COUNT), dim=1)  # on a parabola, so that a chord tells its ends
    spec = DataSpec(task="regression", inputs=((2,),), outputs=1)
    made, target = mixed([{"name": "mixup", "alpha": 1.0}], x, 3 * numbers[:, None], spec)
    torch.testing.assert_close(target[:, 0], 3 * made[:, 0], rtol=1e-5, atol=1e-2)
    line, curve = made.double().numpy().T
    own = EVERY.astype(float)
    far = np.abs(line - own) > 30  # the others are too near themselves for float32
    # The chord from (i, i^2 / N) has the slope (i + j) / N, which gives the partner j; then the share is left.
    partner = (curve - own**2 / COUNT)[far] / (line - own)[far] * COUNT - own[far]
    np.testing.assert_allclose(partner, np.rint(partner), atol=0.2)
    share = (line[far] - partner) / (own[far] - partner)
    assert far.mean() > 0.9
    assert np.abs(np.corrcoef(own[far], partner)[0, 1]) < 0.06, "any example may be the partner"
    assert stats.kstest(np.rint(partner), "uniform", (0, COUNT)).pvalue > 0.01
    assert stats.kstest(share, "uniform").statistic < 0.06  # Beta(1, 1), but for those left out


def one_colour(classes: int) -> tuple[Tensor, Tensor]:
    """Images of one value, 1 in the odd examples and 0 in the even, which is their class."""
    target = torch.arange(COUNT) % classes
    return target.float()[:, None, None, None].expand(COUNT, 1, 20, 30).contiguous(), target


SPEC = DataSpec(task="classification", inputs=((1, 20, 30),), outputs=2)


@pytest.mark.parametrize("alpha", [0.2, 1.0])
def test_mixup_shares_the_classes_as_it_does_the_pixels(alpha: float) -> None:
    x, target = one_colour(2)
    made, shares = mixed([{"name": "mixup", "alpha": alpha}], x, target, SPEC)
    torch.testing.assert_close(made[:, 0, 0, 0], shares[:, 1])
    torch.testing.assert_close(shares.sum(1), torch.ones(COUNT))
    assert (made == made[:, :, :1, :1]).all()
    own = shares.gather(1, target[:, None])[:, 0].numpy()
    apart = own[own < 1]  # the partner is of the other class
    assert len(apart) / COUNT == pytest.approx(0.5, abs=0.05)
    assert stats.kstest(apart, stats.beta(alpha, alpha).cdf).pvalue > 0.01


def test_cutmix_shares_the_classes_by_area() -> None:
    x, target = one_colour(2)
    made, shares = mixed(["cutmix"], x, target, SPEC)
    assert set(made.unique().tolist()) == {0.0, 1.0}
    torch.testing.assert_close(made.mean(dim=(1, 2, 3)), shares[:, 1])
    other = (made != x)[:, 0]
    rectangles = other.any(2).sum(1) * other.any(1).sum(1)
    assert torch.equal(other.sum(dim=(1, 2)), rectangles), "what is pasted is a rectangle"


def test_a_cutmix_that_does_not_stick_out_has_the_area_that_was_drawn() -> None:
    from gradus.data.augmentation.mixing import cutmix

    one, other = torch.zeros(500, 1, 200, 400), torch.ones(500, 1, 200, 400)
    u = uniform(0, Stream.AUGMENTATION, 0, np.arange(500), 4)
    u[:, 2:] = 0.5
    made, share = cutmix(alpha=1.0).mix(one, other, u)
    drawn = symmetric_beta(u[:, :2], 1.0)
    np.testing.assert_allclose(share, drawn, atol=0.006)  # sides are whole pixels
    np.testing.assert_allclose(1 - made.mean(dim=(1, 2, 3)).numpy(), share, atol=1e-5)
    rows, columns = (made[:, 0].amax(axis).sum(1).numpy() for axis in (2, 1))
    np.testing.assert_allclose(rows / 200, columns / 400, atol=0.01)  # the rectangle has the image's own proportions


def test_partners_are_training_examples_and_others_in_another_epoch() -> None:
    x, target = torch.eye(64), torch.zeros(64, 1)
    spec = DataSpec(task="regression", inputs=((64,),), outputs=1)
    pool = np.array([3, 8, 30])
    seen = []
    for epoch in range(40):
        made, _ = mixed([{"name": "mixup", "alpha": 5.0}], x, target, spec, [3, 30], pool, epoch)
        seen.append(tuple(frozenset(row.nonzero()[:, 0].tolist()) for row in made))
    assert {example for rows in seen for row in rows for example in row} == {3, 8, 30}
    assert len(set(seen)) == 9, "either example comes with each of the three"


def test_a_partner_is_changed_as_in_its_own_batch() -> None:
    """What mixup mixes is exactly what a recipe without it shows."""
    x = pictures(64, 1, 8, 8)
    spec = DataSpec(task="regression", inputs=((1, 8, 8),), outputs=1)
    before = ["shift", "noise"]
    index, pool = np.array([5]), np.array([9])
    own, other = (mixed(before, x, torch.zeros(64, 1), spec, each)[0] for each in (index, pool))
    target = torch.arange(64.0)[:, None]
    made, value = mixed([*before, {"name": "mixup", "alpha": 1.0}], x, target, spec, index, pool)
    share = (9 - value.item()) / 4
    torch.testing.assert_close(made, share * own + (1 - share) * other, rtol=0, atol=1e-5)


def test_what_is_listed_after_is_made_to_the_mixed_example() -> None:
    x, target = one_colour(2)
    made, shares = mixed([{"name": "mixup", "alpha": 1.0}, {"name": "cutout", "side": 0.5}], x, target, SPEC)
    hidden = made == 0
    full = shares[:, 1] > 0
    assert (hidden[full].sum(dim=(1, 2, 3)) <= 100).all()
    assert (hidden[full].sum(dim=(1, 2, 3)) >= 25).all(), "one square of 10 by 10, or the part of it inside"
    torch.testing.assert_close(made[full].amax(dim=(1, 2, 3)), shares[full, 1])
