"""Autoencoders: what they compute, and what penalties and noise are."""

import numpy as np
import pytest
import torch
from scipy.special import rel_entr

from gradus.analysis.inspect import inspect
from gradus.core.errors import InputError
from gradus.models import create_model
from gradus.models.autoencoder import Autoencoder, kl_sparsity, l1_sparsity, mask

SMALL = {"input_shape": (6,)}


def make(name: str, **options: object) -> Autoencoder:
    torch.manual_seed(0)
    model = create_model(name, **(SMALL | options))  # type: ignore[arg-type]
    assert isinstance(model, Autoencoder)
    return model


def data(rows: int = 400) -> torch.Tensor:
    """Points near a plane, and near a line within it."""
    generator = torch.Generator().manual_seed(1)
    axes = torch.randn(3, 6, generator=generator)
    return (torch.randn(rows, 3, generator=generator) * torch.tensor([3.0, 1.0, 0.1])) @ axes


def fit(model: Autoencoder, x: torch.Tensor, steps: int = 400, lr: float = 0.02) -> None:
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        result = model(x)
        loss = torch.nn.functional.mse_loss(result.output, x)
        (loss if result.penalty is None else loss + result.penalty).backward()
        optimizer.step()


def test_the_linear_one_finds_the_span_of_the_principal_components() -> None:
    """Baldi, Hornik (1989): the only minimum is the projection that PCA makes."""
    x = data()
    model = make("autoencoder", code=2)
    fit(model, x, steps=1500)
    centred = x - x.mean(dim=0)
    _, _, axes = torch.linalg.svd(centred, full_matrices=False)
    projected = centred @ axes[:2].T @ axes[:2] + x.mean(dim=0)
    best = torch.nn.functional.mse_loss(projected, x).item()
    found = torch.nn.functional.mse_loss(model(x).output, x).item()
    assert best <= found * (1 + 1e-5)
    assert found < 1.01 * best


def test_the_output_is_the_code_decoded() -> None:
    model = make("autoencoder", code=2, hidden=(5, 4), activation="tanh").eval()
    x = data(7)
    result = model(x)
    assert result.code.shape == (7, 2)
    assert torch.equal(model.encode(x), result.code)
    assert torch.equal(model.decode(result.code), result.output)
    assert result.penalty is None
    assert [each.bias.shape for each in (*model.down, *model.up)] == [(5,), (4,), (2,), (4,), (5,), (6,)]


def test_tied_weights_are_shared_and_counted_once() -> None:
    model = make("autoencoder", code=2, hidden=(4,), tied=True).double()
    x = data(3).double()
    first, own, second, code, bias, last = model.parameters()
    hidden = (x @ first.T + own).relu() @ second.T + code
    expected = (hidden @ second + bias).relu() @ first + last
    torch.testing.assert_close(model(x).output, expected, rtol=1e-12, atol=0)
    # 6 * 4 + 4 and 4 * 2 + 2 up to the code, then biases only; both matrices are used twice
    assert inspect(model.float(), (6,)).parameters == 28 + 10 + 4 + 6
    assert inspect(model, (6,)).macs == 2 * (24 + 8)


def test_the_kl_penalty_is_scipys() -> None:
    code = torch.rand(50, 7, dtype=torch.float32)
    mean = code.double().mean(dim=0).numpy()
    expected = (rel_entr(0.1, mean) + rel_entr(0.9, 1 - mean)).sum()
    assert kl_sparsity(code, rho=0.1, strength=2.0).item() == pytest.approx(2 * expected, rel=1e-5)
    assert kl_sparsity(code.double(), rho=0.1, strength=2.0).item() == pytest.approx(2 * expected, rel=1e-12)
    assert kl_sparsity(code.bfloat16(), rho=0.1, strength=2.0).dtype == torch.float32
    assert kl_sparsity(torch.full((4, 3), 0.25), rho=0.25, strength=1.0).item() == pytest.approx(0, abs=1e-6)
    for dead in (0.0, 1.0):
        assert kl_sparsity(torch.full((4, 3), dead), rho=0.1, strength=1.0).isfinite()


def test_the_l1_penalty_is_a_mean_over_examples() -> None:
    code = torch.tensor([[1.0, -2.0, 0.0], [0.0, 0.5, 0.0]])
    assert l1_sparsity(code, strength=3.0).item() == pytest.approx(3 * (3.0 + 0.5) / 2)


def test_kl_brings_the_mean_activation_to_rho() -> None:
    x = data()
    free, held = (make("sparse_autoencoder", code=12, rho=0.1, strength=each) for each in (1e-9, 30.0))
    fit(free, x)
    fit(held, x)
    assert (held.encode(x).mean(dim=0) - 0.1).abs().max() < 0.05
    assert (free.encode(x).mean(dim=0) - 0.1).abs().max() > 0.2


def test_l1_turns_units_off() -> None:
    x = data()
    free, held = (make("sparse_autoencoder", code=12, sparsity="l1", strength=each) for each in (1e-9, 0.1))
    fit(free, x)
    fit(held, x)
    assert (held.encode(x) == 0).float().mean() > (free.encode(x) == 0).float().mean() + 0.1


@pytest.mark.parametrize("name", ["sparse_autoencoder", "denoising_autoencoder"])
def test_neither_penalty_nor_noise_is_in_an_evaluation(name: str) -> None:
    model, x = make(name, code=8), data(20)
    model.eval()
    assert model(x).penalty is None
    assert torch.equal(model(x).code, model.encode(x))


@pytest.mark.parametrize(("noise", "by"), [("masking", 0.3), ("gaussian", 0.5)])
def test_noise_is_drawn_anew_in_training(noise: str, by: float) -> None:
    model, x = make("denoising_autoencoder", code=8, noise=noise, by=by), data(20)
    assert not torch.equal(model(x).code, model(x).code)


def test_masking_takes_its_share_and_leaves_the_rest() -> None:
    torch.manual_seed(0)
    x = torch.full((1000, 50), 2.0)
    kept = mask(x, by=0.3)
    # Binomial of 50,000: a deviation of 0.002.
    assert (kept == 0).float().mean().item() == pytest.approx(0.3, abs=0.01)
    assert set(kept.unique().tolist()) == {0.0, 2.0}


def test_denoising_undoes_noise_better_than_plain_training() -> None:
    x = data()
    plain, robust = make("autoencoder", code=5), make("denoising_autoencoder", code=5, by=0.3, activation="tanh")
    robust.code_activation = torch.nn.Identity()  # so that they differ in the noise alone
    fit(plain, x)
    fit(robust, x)
    torch.manual_seed(5)
    broken = mask(x, by=0.3)
    errors = [torch.nn.functional.mse_loss(each.eval()(broken).output, x).item() for each in (plain, robust)]
    assert errors[1] < 0.9 * errors[0], np.round(errors, 4)


def test_what_it_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match=r"must be below the 6 numbers of an example, got 6.*sparse_autoencoder"):
        make("autoencoder", code=6)
    with pytest.raises(
        InputError, match=r"gives back the 6 numbers .* got `3 values to learn`. Set data.reconstruct = true"
    ):
        make("sparse_autoencoder", num_classes=3)
