"""Criteria for classes against torch, SciPy, scikit-learn and closed forms in float64."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, softmax
from scipy.stats import entropy
from sklearn import metrics
from sklearn._loss.loss import ExponentialLoss
from torch import Tensor
from torch.autograd import gradcheck
from torch.nn import functional

from gradus.core.errors import InputError
from gradus.losses import criteria
from gradus.losses.classification import exponential_loss, focal_loss, hinge_loss, kl_loss

N, C = 60, 5
RANDOM = np.random.default_rng(0)
Z, Y = 3 * RANDOM.normal(size=(N, C)), RANDOM.integers(C, size=N)
SHARES = RANDOM.dirichlet(np.ones(C), size=N)
LOGITS, CLASSES, MIXED = torch.from_numpy(Z), torch.from_numpy(Y), torch.from_numpy(SHARES)
WEIGHT = torch.from_numpy(RANDOM.uniform(0.5, 2.0, size=C))
LOSSES = {
    "focal": focal_loss,
    "hinge": hinge_loss,
    "squared hinge": lambda *given, **options: hinge_loss(*given, squared=True, **options),
    "exponential": exponential_loss,
}
EACH = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES.keys())


def exactly(value: float) -> Any:
    return pytest.approx(value, rel=1e-12, abs=0)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_focal_loss_without_focus_is_torchs_cross_entropy(weight: Tensor | None, reduction) -> None:  # type: ignore[no-untyped-def]
    expected = functional.cross_entropy(LOGITS, CLASSES, weight=weight, reduction=reduction)
    found = focal_loss(LOGITS, CLASSES, gamma=0, weight=weight, reduction=reduction)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=0)
    if weight is None:  # torch divides the weighted loss of shares by N
        expected = functional.cross_entropy(LOGITS, MIXED, reduction=reduction)
        torch.testing.assert_close(
            focal_loss(LOGITS, MIXED, gamma=0, reduction=reduction), expected, rtol=1e-12, atol=0
        )


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0, 5.0])
def test_focal_loss_is_the_papers(gamma: float) -> None:
    log_p = log_softmax(Z, axis=1)[np.arange(N), Y]
    expected = -((1 - np.exp(log_p)) ** gamma) * log_p
    np.testing.assert_allclose(focal_loss(LOGITS, CLASSES, gamma=gamma, reduction="none"), expected, rtol=1e-11)


def test_hinge_loss_is_scikit_learns() -> None:
    assert hinge_loss(LOGITS, CLASSES).item() == exactly(metrics.hinge_loss(Y, Z, labels=range(C)))
    weighted = metrics.hinge_loss(Y, Z, labels=range(C), sample_weight=WEIGHT.numpy()[Y])
    assert hinge_loss(LOGITS, CLASSES, weight=WEIGHT).item() == exactly(weighted)


@pytest.mark.parametrize("squared", [False, True])
def test_hinge_loss_of_two_classes_is_torchs_margin_loss(squared: bool) -> None:
    """Which sums over the one other class, and divides by two."""
    logits = LOGITS[:, :2]
    expected = 2 * functional.multi_margin_loss(logits, CLASSES % 2, p=1 + squared, margin=0.7)
    found = hinge_loss(logits, CLASSES % 2, margin=0.7, squared=squared)
    assert found.item() == exactly(expected.item())
    by_name = criteria.get("squared_hinge" if squared else "hinge").build(torch.tensor([1, 1]), margin=0.7)
    assert by_name(logits, CLASSES % 2).item() == exactly(expected.item())


def test_hinge_loss_of_level_logits_is_the_margin() -> None:
    """And whichever class is right, it is pulled up and one rival down: a zero output layer learns of all classes."""
    logits = torch.zeros(3, 3, dtype=torch.float64, requires_grad=True)
    loss = hinge_loss(logits, torch.arange(3), reduction="sum")
    assert loss.item() == 3
    (gradient,) = torch.autograd.grad(loss, logits)
    assert gradient.diag().tolist() == [-1] * 3
    assert gradient.sum(1).tolist() == [0] * 3


def test_exponential_loss_of_two_classes_is_adaboosts() -> None:
    """exp(-+f) with f = (z_1 - z_0) / 2, as scikit-learn's gradient boosting has it."""
    raw = (Z[:, 1] - Z[:, 0]) / 2
    truth = (Y % 2).astype(np.float64)
    expected, slope = ExponentialLoss().loss_gradient(truth, raw)
    logits = LOGITS[:, :2].clone().requires_grad_()
    loss = exponential_loss(logits, CLASSES % 2, reduction="none")
    np.testing.assert_allclose(loss.detach(), expected, rtol=1e-12)
    (gradient,) = torch.autograd.grad(loss.sum(), logits)
    np.testing.assert_allclose(gradient[:, 1], slope / 2, rtol=1e-12)


def test_exponential_loss_is_least_at_the_logarithms_of_the_probabilities() -> None:
    logits = torch.from_numpy(np.log(SHARES) + 0.3).requires_grad_()
    (gradient,) = torch.autograd.grad(exponential_loss(logits, MIXED), logits)
    torch.testing.assert_close(gradient, torch.zeros_like(gradient), rtol=0, atol=1e-15)


def test_kl_divergence_is_scipys() -> None:
    expected = entropy(SHARES, softmax(Z, axis=1), axis=1)
    np.testing.assert_allclose(kl_loss(LOGITS, MIXED, reduction="none"), expected, rtol=1e-11)
    assert kl_loss(LOGITS, MIXED).item() == exactly(expected.mean())


def test_kl_divergence_from_one_class_is_cross_entropy() -> None:
    expected = metrics.log_loss(Y, softmax(Z, axis=1), labels=range(C))
    assert kl_loss(LOGITS, CLASSES).item() == exactly(expected)
    assert kl_loss(LOGITS, functional.one_hot(CLASSES, C).double()).item() == exactly(expected)


@EACH
def test_one_share_of_1_is_the_class_itself(loss) -> None:  # type: ignore[no-untyped-def]
    one_hot = functional.one_hot(CLASSES, C).double()
    for weight in (None, WEIGHT):
        for reduction in ("mean", "sum", "none"):
            torch.testing.assert_close(
                loss(LOGITS, one_hot, weight=weight, reduction=reduction),
                loss(LOGITS, CLASSES, weight=weight, reduction=reduction),
                rtol=1e-12,
                atol=0,
            )


@EACH
def test_a_mixed_examples_loss_is_the_mean_of_its_classes_losses(loss) -> None:  # type: ignore[no-untyped-def]
    """What mixup asks for: share times the loss as one class, and so on."""
    by_class = torch.stack([loss(LOGITS, torch.full((N,), c), reduction="none") for c in range(C)], dim=1)
    torch.testing.assert_close(loss(LOGITS, MIXED, reduction="none"), (MIXED * by_class).sum(1), rtol=1e-12, atol=0)


@EACH
@pytest.mark.parametrize("target", [CLASSES, MIXED], ids=["classes", "shares"])
def test_gradient_equals_finite_differences(loss, target: Tensor) -> None:  # type: ignore[no-untyped-def]
    logits = LOGITS[:8].clone().requires_grad_()
    assert gradcheck(lambda given: loss(given, target[:8], weight=WEIGHT), (logits,))
    assert gradcheck(lambda given: kl_loss(given, target[:8]), (logits,))


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
def test_extreme_logits_stay_finite(gamma: float) -> None:
    logits = torch.tensor([[1e4, -1e4, 0.0], [1e4, -1e4, 0.0]], requires_grad=True)
    classes = torch.tensor([0, 1])
    mixed = torch.tensor([[0.0, 1.0, 0.0], [0.5, 0.0, 0.5]])
    for target in (classes, mixed):
        for loss in (focal_loss(logits, target, gamma=gamma), hinge_loss(logits, target), kl_loss(logits, target)):
            (gradient,) = torch.autograd.grad(loss, logits)
            assert loss.isfinite()
            assert gradient.isfinite().all()
    # The right class is certain, the wrong one costs the difference.
    assert focal_loss(logits, classes, gamma=gamma, reduction="none").tolist() == [0, 2e4]


def test_exponential_loss_is_exponential() -> None:
    """Beyond exp(88) it overflows in float32; a class without share does not count, however large its loss."""
    logits = torch.tensor([[60.0, -60.0, 0.0]], requires_grad=True)
    assert exponential_loss(logits, torch.tensor([1])).item() == pytest.approx(math.exp(60), rel=1e-5)
    far = torch.tensor([[1e4, -1e4]], requires_grad=True)
    loss = exponential_loss(far, torch.tensor([[1.0, 0.0]]))
    (gradient,) = torch.autograd.grad(loss, far)
    assert loss == 0
    assert gradient.tolist() == [[0, 0]]


def test_wrong_shapes_and_reductions_are_refused() -> None:
    with pytest.raises(InputError, match=r"focal_loss: shares of classes must be \(60, 5\), got \(60, 4\)"):
        focal_loss(LOGITS, MIXED[:, :4])
    for loss in (focal_loss, hinge_loss, exponential_loss, kl_loss):
        # Each of these would broadcast, or be taken in part.
        with pytest.raises(InputError, match=r"classes must be \(60,\), one for each example, got \(9,\)"):
            loss(LOGITS, CLASSES[:9])
        with pytest.raises(InputError, match=r"classes must be \(60,\).*got \(60, 1\)"):
            loss(LOGITS, CLASSES[:, None])
        with pytest.raises(InputError, match=r"`output` must be logits \(N, C\), got \(5,\)"):
            loss(LOGITS[0], CLASSES[0])
    with pytest.raises(InputError, match="focal_loss: `weight` must be 5 numbers, one for each class"):
        focal_loss(LOGITS, CLASSES, weight=torch.ones(6))
    with pytest.raises(InputError, match="hinge_loss: needs two classes or more, got 1"):
        hinge_loss(LOGITS[:, :1], CLASSES)
    with pytest.raises(InputError, match="kl_loss: `reduction` must be `mean`, `sum` or `none`, got `average`"):
        kl_loss(LOGITS, CLASSES, reduction="average")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="focal_loss: `reduction` must be"):
        focal_loss(LOGITS, MIXED, weight=WEIGHT, reduction="average")  # type: ignore[arg-type]


@EACH
def test_every_position_of_a_map_is_an_example(loss) -> None:  # type: ignore[no-untyped-def]
    maps, classes = LOGITS.view(4, 15, C).transpose(1, 2), CLASSES.view(4, 15)
    expected = loss(LOGITS, CLASSES, weight=WEIGHT)
    torch.testing.assert_close(loss(maps, classes, weight=WEIGHT), expected, rtol=1e-12, atol=0)
    shares = functional.one_hot(classes, C).double().transpose(1, 2)
    torch.testing.assert_close(loss(maps, shares, weight=WEIGHT), expected, rtol=1e-12, atol=0)


@EACH
def test_classes_of_any_integer_type_are_taken(loss) -> None:  # type: ignore[no-untyped-def]
    assert torch.equal(loss(LOGITS, CLASSES.to(torch.uint8), weight=WEIGHT), loss(LOGITS, CLASSES, weight=WEIGHT))
