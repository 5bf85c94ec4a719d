"""Weights of classes against scikit-learn and the paper's formula."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.utils.class_weight import compute_class_weight
from torch.nn import functional

from gradus.core.errors import InputError
from gradus.losses.class_weights import ClassWeighted, balanced_weights, effective_weights, with_class_weights
from gradus.losses.classification import focal_loss
from gradus.losses.penalties import l2_penalty

COUNTS = torch.tensor([7, 1, 40, 1000])


def test_balanced_is_scikit_learns() -> None:
    labels = np.repeat(np.arange(4), COUNTS)
    expected = compute_class_weight("balanced", classes=np.arange(4), y=labels)
    np.testing.assert_allclose(balanced_weights(COUNTS), expected, rtol=1e-15)


@pytest.mark.parametrize("beta", [0.0, 0.9, 0.999, 0.9999])
def test_effective_numbers_are_the_papers(beta: float) -> None:
    raw = (1 - beta) / (1 - np.power(beta, COUNTS.numpy()))
    np.testing.assert_allclose(effective_weights(COUNTS, beta), raw / raw.sum() * 4, rtol=1e-12)


def test_effective_numbers_tend_to_counts() -> None:
    """(1 - beta^n) / (1 - beta) -> n."""
    inverse = 1 / COUNTS.double()
    torch.testing.assert_close(effective_weights(COUNTS, 1 - 1e-12), inverse / inverse.sum() * 4, rtol=1e-8, atol=0)


def test_given_weights_are_torchs() -> None:
    output, target = torch.randn(9, 4, generator=torch.Generator().manual_seed(0)), torch.arange(9) % 4
    criterion = with_class_weights(functional.cross_entropy, (1.0, 2.0, 3.0, 0.5), COUNTS)
    expected = functional.cross_entropy(output, target, weight=torch.tensor([1.0, 2.0, 3.0, 0.5]))
    assert torch.equal(criterion(output, target), expected)
    assert isinstance(criterion, ClassWeighted)
    assert criterion.weight.tolist() == [1, 2, 3, 0.5]


@pytest.mark.parametrize("kind", [torch.float64, torch.bfloat16])
def test_weights_suit_outputs_of_other_precision(kind: torch.dtype) -> None:
    """torch's cross-entropy wants both of one type."""
    output, target = torch.randn(9, 4, generator=torch.Generator().manual_seed(0)).to(kind), torch.arange(9) % 4
    weight = (1.0, 2.0, 3.0, 0.5)
    expected = functional.cross_entropy(output.double(), target, weight=torch.tensor(weight, dtype=torch.float64))
    found = with_class_weights(functional.cross_entropy, weight, COUNTS)(output, target)
    assert found.item() == pytest.approx(expected.item(), rel=1e-6 if kind is torch.bfloat16 else 1e-14)


def test_unfit_weights_are_refused() -> None:
    with pytest.raises(InputError, match="class_weights: must be 4 numbers, one for each class, got 3"):
        with_class_weights(functional.cross_entropy, (1.0, 2.0, 3.0), COUNTS)
    with pytest.raises(InputError, match=r"the training split has none of \[1\]"):
        balanced_weights(torch.tensor([3, 0, 2]))


def test_a_rare_class_counts_as_much_as_in_scikit_learns_balanced_regression() -> None:
    """C sum(w l) + ||W||^2 / 2 there; here the mean, whose weights sum to N, and strength 1 / (C N)."""
    x, y = load_iris(return_X_y=True)
    kept = np.r_[0:50, 50:100, 100:110]  # ten of the third class, which lies across the second
    x, y = (x[kept] - x.mean(0)) / x.std(0), y[kept]
    balanced = LogisticRegression(C=2.0, class_weight="balanced", tol=1e-12, max_iter=10_000).fit(x, y)
    plain = LogisticRegression(C=2.0, tol=1e-12, max_iter=10_000).fit(x, y)
    assert (balanced.predict(x[100:]) == 2).sum() > (plain.predict(x[100:]) == 2).sum()

    inputs, target = torch.from_numpy(x), torch.from_numpy(y)
    weight = balanced_weights(torch.bincount(target))
    matrix = torch.zeros(4, 3, dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [matrix, bias], max_iter=2000, tolerance_grad=1e-12, tolerance_change=0, line_search_fn="strong_wolfe"
    )

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = focal_loss(inputs @ matrix + bias, target, gamma=0, weight=weight)
        loss = loss + l2_penalty(matrix) / (2.0 * len(y))
        loss.backward()
        return loss

    optimizer.step(closure)
    expected = balanced.predict_log_proba(x)
    np.testing.assert_allclose((inputs @ matrix + bias).log_softmax(1).detach(), expected, rtol=1e-5, atol=1e-6)
