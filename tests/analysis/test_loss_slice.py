"""Slices of the loss against closed forms; and that they leave no trace."""

import copy
import random
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from gradus.analysis.loss_slice import filter_normalized, slice_loss, towards
from gradus.core.errors import InputError

OFFSETS = (-1.0, -0.5, 0.0, 0.5, 1.0)


def double(model: nn.Module, seed: int = 0) -> nn.Module:
    """Its weights drawn anew, float64."""
    generator = torch.Generator().manual_seed(seed)
    for each in model.double().parameters():
        each.data = torch.randn(each.shape, generator=generator, dtype=torch.float64)
    return model


def squared_loss(model: nn.Module, x: Tensor, y: Tensor) -> Callable[[], Tensor]:
    return lambda: functional.mse_loss(model(x), y)


@pytest.fixture
def data() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(7)
    return tuple(torch.randn(40, width, generator=generator, dtype=torch.float64) for width in (5, 3))  # type: ignore[return-value]


def test_of_a_linear_model_with_squared_loss_it_is_a_parabola(data: tuple[Tensor, Tensor]) -> None:
    """f(a, b) = mean (r + a X D' + b X E')^2: its curvature along D is 2 mean (X D')^2 = d' H d."""
    x, y = data
    model = double(nn.Linear(5, 3))
    first, second = filter_normalized(model, 2, seed=3)
    residual = (model(x) - y).detach()
    moved = [x @ each["weight"].T for each in (first, second)]
    expected = [[(residual + a * moved[0] + b * moved[1]).square().mean() for b in OFFSETS] for a in OFFSETS]
    found = slice_loss(model, squared_loss(model, x, y), [first, second], OFFSETS)
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64), rtol=1e-12, atol=0)
    line = slice_loss(model, squared_loss(model, x, y), [first], OFFSETS)
    curvature = np.diff(line.numpy(), 2) / 0.5**2
    hessian = 2 / y.numel() * torch.kron(torch.eye(3, dtype=torch.float64), x.T @ x)
    d = first["weight"].flatten()
    np.testing.assert_allclose(curvature, float(d @ hessian @ d), rtol=1e-11)


def test_directions_have_the_norms_of_the_filters() -> None:
    model = nn.Sequential(
        nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(16, 3), nn.Embedding(5, 2)
    )
    for direction in filter_normalized(model, 2):
        assert direction.keys() == {"0.weight", "4.weight", "5.weight"}
        for name, each in direction.items():
            weight = model.get_parameter(name)
            assert each.shape == weight.shape
            torch.testing.assert_close(each.flatten(1).norm(dim=1), weight.detach().flatten(1).norm(dim=1))
    one, other = filter_normalized(model, 2)
    cosine = functional.cosine_similarity(one["4.weight"].flatten(), other["4.weight"].flatten(), dim=0)
    assert abs(float(cosine)) < 0.5
    again, another = filter_normalized(model)[0], filter_normalized(model, seed=1)[0]
    assert torch.equal(one["0.weight"], again["0.weight"])
    assert not torch.equal(one["0.weight"], another["0.weight"])


def test_scaling_one_layer_up_and_the_next_down_changes_nothing(data: tuple[Tensor, Tensor]) -> None:
    """A network of rectifiers is the same function, and so must its slice be; without the norms it is not."""
    x, y = data
    model = double(nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3)))
    scaled = copy.deepcopy(model)
    with torch.no_grad():
        scaled[0].weight *= 10  # type: ignore[index]
        scaled[0].bias *= 10  # type: ignore[index]
        scaled[2].weight /= 10  # type: ignore[index]
    slices = [
        slice_loss(each, squared_loss(each, x, y), filter_normalized(each, 2), OFFSETS) for each in (model, scaled)
    ]
    torch.testing.assert_close(slices[0], slices[1], rtol=1e-11, atol=0)
    plain = {name: torch.ones_like(each) for name, each in model.named_parameters()}
    plain_slices = [slice_loss(each, squared_loss(each, x, y), [plain], OFFSETS) for each in (model, scaled)]
    assert not torch.allclose(plain_slices[0], plain_slices[1], rtol=0.1)


def test_the_line_between_two_networks_ends_in_both(data: tuple[Tensor, Tensor]) -> None:
    x, y = data
    made = [double(nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Linear(4, 3)), seed) for seed in (0, 1)]
    for each in made:
        each(x * (1 + made.index(each)))  # statistics of their own
        each.eval()
    one, other = made
    found = slice_loss(one, squared_loss(one, x, y), [towards(one, other.state_dict())], [0.0, 1.0])
    ends = [float(functional.mse_loss(each(x), y).detach()) for each in made]
    np.testing.assert_allclose(found.numpy(), ends, rtol=1e-12)


class Restless(nn.Module):
    """Whatever a forward pass may do to a model: statistics, dropout, counters, other buffers, its own random draws."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(5, 6), nn.BatchNorm1d(6), nn.Dropout(0.5), nn.Linear(6, 3))
        self.calls: Tensor
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64), persistent=False)
        self.seen: list[float] = []

    def forward(self, x: Tensor) -> Tensor:
        self.calls = self.calls + 1
        self.seen.append(random.random() + float(np.random.rand()))  # noqa: NPY002
        y: Tensor = self.layers(x)
        return y


def test_the_model_is_as_it_was(data: tuple[Tensor, Tensor]) -> None:
    x, y = (each.float() for each in data)
    model = Restless()
    model.layers[2].eval()
    model.layers[0].weight.grad = torch.ones(6, 5)

    def loss() -> Tensor:
        model.layers[1].train()
        return functional.mse_loss(model(x), y)

    before = {name: each.clone() for name, each in (*model.named_parameters(), *model.named_buffers())}
    modes = [each.training for each in model.modules()]
    states = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()  # type: ignore[index]  # noqa: NPY002
    identities = [id(each) for each in model.parameters()]
    slice_loss(model, loss, filter_normalized(model, 2), OFFSETS)
    for name, each in (*model.named_parameters(), *model.named_buffers()):
        assert torch.equal(each, before[name]), name
    assert [each.training for each in model.modules()] == modes
    assert torch.equal(torch.get_rng_state(), states[0])
    assert random.getstate() == states[1]
    assert (np.random.get_state()[1] == states[2]).all()  # type: ignore[index]  # noqa: NPY002
    assert [id(each) for each in model.parameters()] == identities
    assert model.seen == []
    assert model.layers[0].weight.grad.equal(torch.ones(6, 5))
    assert all(each.requires_grad for each in model.parameters())


def test_also_where_the_loss_fails(data: tuple[Tensor, Tensor]) -> None:
    model = double(nn.Linear(5, 3))
    before = model.get_parameter("weight").detach().clone()

    def fails() -> Tensor:
        raise ArithmeticError("no loss")

    with pytest.raises(ArithmeticError):
        slice_loss(model, fails, filter_normalized(model), OFFSETS)
    assert torch.equal(model.get_parameter("weight"), before)


def test_every_point_sees_the_same_dropout(data: tuple[Tensor, Tensor]) -> None:
    x, y = data
    model = double(nn.Sequential(nn.Dropout(0.5), nn.Linear(5, 3)))
    still = {"1.weight": torch.zeros(3, 5, dtype=torch.float64)}
    found = slice_loss(model, squared_loss(model, x, y), [still], OFFSETS)
    assert len(set(found.tolist())) == 1


def test_what_does_not_fit_is_refused() -> None:
    model = nn.Linear(5, 3)
    with pytest.raises(InputError, match=r"`weight`: must be \(3, 5\), got \(2, 5\)"):
        towards(model, nn.Linear(5, 2).state_dict())
    with pytest.raises(InputError, match="`bias`: must be"):
        towards(model, nn.Linear(5, 3, bias=False).state_dict())
    with pytest.raises(InputError, match="must be of the model's parameters, got `wait`"):
        slice_loss(model, lambda: 0.0, [{"wait": torch.zeros(3, 5)}], OFFSETS)
    with pytest.raises(InputError, match="two axes or more"):
        filter_normalized(nn.BatchNorm1d(3))
