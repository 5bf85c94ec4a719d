import numpy as np
import pytest
import torch
from scipy.special import erf
from torch import Tensor, nn

from gradus.core.errors import InputError
from gradus.nn import activations
from gradus.nn.activation import Maxout, ScaledTanh


def built(name: str, **options: object) -> nn.Module:
    card = activations.get(name)
    module: nn.Module = card.build(**card.validate(options))
    return module


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_maxout_is_the_largest_of_neighbours() -> None:
    z = drawn(2, 6, 4)
    numpy = z.numpy()
    expected = np.stack([numpy[:, 3 * c : 3 * c + 3].max(axis=1) for c in range(2)], axis=1)
    np.testing.assert_array_equal(Maxout(3)(z).numpy(), expected)
    tokens = z.movedim(1, -1)
    np.testing.assert_array_equal(Maxout(3, axis=-1)(tokens).movedim(-1, 1).numpy(), expected)


def test_maxout_gradient_goes_to_the_largest() -> None:
    z = torch.tensor([[1.0, 3.0, 2.0, -1.0, -5.0, -1.0]]).requires_grad_()
    Maxout(3)(z).backward(torch.tensor([[5.0, 7.0]]))
    assert z.grad is not None
    assert z.grad.tolist() in ([[0, 5, 0, 7, 0, 0]], [[0, 5, 0, 0, 0, 7]])  # two are level
    assert torch.autograd.gradcheck(Maxout(2), (drawn(3, 8).requires_grad_(),))


def test_maxout_of_z_and_minus_z_is_the_absolute_value() -> None:
    z = drawn(5, 3)
    assert torch.equal(Maxout(2)(torch.stack([z, -z], dim=2).flatten(1)), z.abs())


def test_maxout_refuses_channels_that_are_no_multiple() -> None:
    with pytest.raises(InputError, match=r"Maxout: axis 1 must be a multiple of the 3 pieces, got \(2, 4\)"):
        Maxout(3)(drawn(2, 4))
    with pytest.raises(InputError, match=r"Maxout: needs an axis 1 of channels, got \(4,\)"):
        Maxout(2)(drawn(4))


def test_scaled_tanh_fixes_plus_and_minus_one() -> None:
    z = torch.tensor([-1.0, 0.0, 1.0, 1e9])
    torch.testing.assert_close(ScaledTanh()(z), torch.tensor([-1.0, 0.0, 1.0, 1.7159]), atol=1e-4, rtol=0)


@pytest.mark.parametrize("alpha", [0.0, -1.0, 0.01, 0.3, 1.0, 2.5])
def test_rectifier_is_the_general_form(alpha: float) -> None:
    z = drawn(100)
    expected = np.maximum(0, z.numpy()) + alpha * np.minimum(0, z.numpy())
    np.testing.assert_array_equal(built("rectifier", alpha=alpha)(z).numpy(), expected)
    learned = built("rectifier", alpha=alpha, learned=True).double()
    np.testing.assert_allclose(learned(z).detach().numpy(), expected, rtol=1e-7)  # alpha is drawn up in float32


@pytest.mark.parametrize("alpha", [0.0, -1.0, 0.3])
def test_rectifier_stands_infinities(alpha: float) -> None:
    z = torch.tensor([-torch.inf, torch.inf])
    assert built("rectifier", alpha=alpha)(z).tolist() == [alpha * -torch.inf if alpha else 0.0, torch.inf]


@pytest.mark.parametrize(("name", "options"), [("prelu", {}), ("rectifier", {"learned": True})])
def test_learned_slopes_are_one_or_one_for_each_channel(name: str, options: dict[str, bool]) -> None:
    build = activations.get(name).build
    one, each = build(3, **options), build(3, **options, per_channel=True)
    assert [sum(p.numel() for p in module.parameters()) for module in (one, each)] == [1, 3]
    z = drawn(4, 3, 5).float()
    each(z).sum().backward()
    (alpha,) = each.parameters()
    assert alpha.grad is not None
    np.testing.assert_allclose(alpha.grad.numpy(), np.minimum(0, z.numpy()).sum(axis=(0, 2)), rtol=1e-5)


@pytest.mark.parametrize("alpha", [0.5, 2.0])
def test_exponential_units_take_alpha(alpha: float) -> None:
    z = drawn(100)
    at = z.numpy()
    np.testing.assert_allclose(built("elu", alpha=alpha)(z), np.where(at > 0, at, alpha * np.expm1(at)), rtol=1e-12)
    expected = np.where(at > 0, at, alpha * np.expm1(at / alpha))
    np.testing.assert_allclose(built("celu", alpha=alpha)(z), expected, rtol=1e-12)


def test_gelu_by_tanh() -> None:
    z = drawn(1000) * 3
    at = z.numpy()
    tanh = at / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (at + 0.044715 * at**3)))
    np.testing.assert_allclose(built("gelu", approximate="tanh")(z), tanh, rtol=1e-12, atol=1e-14)
    assert np.abs(tanh - at * (1 + erf(at / np.sqrt(2))) / 2).max() < 0.0005  # as the card says


def test_softplus_has_no_step_that_float64_knows() -> None:
    z = torch.tensor([20.0, 20.1, 39.9, 40.1], dtype=torch.float64)
    np.testing.assert_allclose(built("softplus")(z), np.logaddexp(0, z.numpy()), rtol=1e-15)
    np.testing.assert_allclose(built("softplus", beta=3.0)(z), np.logaddexp(0, 3 * z.numpy()) / 3, rtol=1e-15)


def test_bounds_and_thresholds_are_taken() -> None:
    z = torch.tensor([-3.0, -0.2, 0.2, 3.0])
    assert built("hardtanh", low=-2.0, high=0.1)(z).tolist() == pytest.approx([-2, -0.2, 0.1, 0.1])
    assert built("hardshrink", threshold=1.0)(z).tolist() == [-3, 0, 0, 3]
    assert built("softshrink", threshold=1.0)(z).tolist() == [-2, 0, 0, 2]
