from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from gradus.core.errors import InputError
from gradus.models import create_model
from gradus.nn.backprop import explicit, trace


class Residual(nn.Module):
    """A block as people write them: a skip, writing in place, functions beside modules, one layer used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Conv2d(3, 3, 3, padding=1)
        self.norm = nn.BatchNorm2d(3)
        self.out = nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        skip = self.one(x)
        y = self.norm(self.one(functional.relu(skip)))
        y += skip
        y = functional.relu(y, inplace=True)
        out: Tensor = self.out(y.mean((2, 3)))
        return out


def half_squared_error(a: Tensor, y: Tensor) -> Tensor:
    return 0.5 * functional.mse_loss(a, y, reduction="sum")


@pytest.mark.parametrize("name", ["factorization_machine", "lenet5", "mlp", "small_cnn"])
def test_catalogue_models_have_autograds_gradients(name: str) -> None:
    model = create_model(name, input_shape=(1, 28, 28), num_classes=10).double()
    inputs = torch.randn(3, 1, 28, 28, dtype=torch.float64)
    found = trace(model, inputs, torch.tensor([1, 0, 9]))
    functional.cross_entropy(model(inputs), torch.tensor([1, 0, 9])).backward()
    assert set(found.gradients) == {name for name, _ in model.named_parameters()}
    for place, parameter in model.named_parameters():
        assert parameter.grad is not None
        torch.testing.assert_close(found.gradients[place], parameter.grad, rtol=1e-10, atol=1e-14)
    assert found.difference < 1e-10


@pytest.mark.parametrize("training", [True, False])
def test_a_network_of_any_form(training: bool) -> None:
    model = Residual().double().train(training)
    found = trace(model, torch.randn(2, 3, 5, 4).double(), torch.tensor([0, 1]))
    assert found.difference < 1e-10
    equations = {each.symbol: each.error_equation for each in found.results}
    assert equations["z1"] == "da1 * relu'(z1) + ds2"  # the error of a skip is a sum
    (kernel,) = (each for result in found.results for each in result.parameters if each.place == "one.weight")
    assert kernel.error_equation == "conv(dz1, a0) + conv(dz2, a1)"  # a layer used twice too
    assert [each.place for each in found.results if each.symbol in ("z1", "n2", "z3")] == ["one", "norm", "out"]


def test_a_target_that_depends_on_the_model_gets_its_error_too() -> None:
    found = trace(
        nn.Linear(3, 2).double(), torch.randn(4, 3).double(), torch.zeros(1), lambda a, _: functional.mse_loss(a, a * 2)
    )
    assert found.results[0].error_equation == "dm1 * 2 + 2 (z1 - m1) / N"
    assert found.difference < 1e-12


def test_the_numbers_are_the_textbooks() -> None:
    # a0 = 1, z1 = 2 * 1, a1 = relu(2), z2 = 3 * 2; J = (6 - 4)^2 / 2; dz2 = 6 - 4, dz1 = 3 * 2.
    model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.ReLU(), nn.Linear(1, 1, bias=False))
    with torch.no_grad():
        for weight, value in zip(model.parameters(), (2, 3), strict=True):
            weight.fill_(value)
    found = trace(model, torch.ones(1, 1), torch.full((1, 1), 4.0), half_squared_error)
    values = {each.symbol: (float(each.value), float(each.error or 0)) for each in found.results}
    assert values == {"z1": (2, 6), "a1": (2, 6), "z2": (6, 2), "J": (4, 0.5), "m2": (2, 1)}
    assert {name: float(each) for name, each in found.gradients.items()} == {"0.weight": 6, "2.weight": 4}
    assert found.loss == 2
    assert [each.error_equation for each in found.results[-3:]] == ["dJ * 2 (z2 - y)", "dm2 * 0.5", "0"]


def test_what_is_frozen_still_has_its_symbol() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 2))
    model[0].bias.requires_grad_(False)
    model[2].weight.requires_grad_(False)
    found = trace(model, torch.randn(2, 3), torch.tensor([0, 1]))
    assert [each.equation for each in found.results[:3]] == ["W1 a0 + b1", "tanh(z1)", "W2 a1 + b2"]
    assert found.results[1].error_equation == "W2^T dz2"
    assert [each.symbol for result in found.results for each in result.parameters] == ["W1", "b2"]


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_a_weighted_loss_says_so(smoothing: float) -> None:
    weight, y = torch.tensor([1.0, 2.0, 5.0]), torch.tensor([0, 2, 2, 1])
    criterion = nn.CrossEntropyLoss(weight, label_smoothing=smoothing)
    z = trace(nn.Linear(3, 3), torch.randn(4, 3), y, criterion).results[0]
    said = "smooth(y)" if smoothing else "y"
    assert z.error_equation == f"(sum(w * {said}) softmax(z1) - w * {said}) / N"
    wanted = weight * ((1 - smoothing) * functional.one_hot(y, 3) + smoothing / 3)
    error = (wanted.sum(1, keepdim=True) * z.value.softmax(1) - wanted) / weight[y].sum()  # N, by weight
    torch.testing.assert_close(z.error, error)


def test_what_is_written_in_place_without_a_rule_is_not_left_out_of_the_equations() -> None:
    class Halved(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x).div_(2)

    with pytest.raises(InputError, match="div_: has no explicit backward pass"):
        trace(Halved(3, 2), torch.randn(4, 3), torch.randn(4, 2))


def test_it_prints_equations_from_the_output_back_to_the_input() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.Sigmoid(), nn.Linear(4, 2))
    lines = str(trace(model, torch.randn(2, 3), torch.tensor([0, 1]))).splitlines()
    said = [" ".join(line.split()[:7]) for line in lines if " = " in line]
    assert [line.partition("  ")[0] for line in lines if " = " in line].index("J") == 3
    assert said[0].startswith("z1 = W1 a0 + b1 0")
    assert said[3].startswith("J = cross_entropy(z2, y)")
    starts = ["dz2 = (softmax(z2) - y) / N", "dW2 = dz2 a1^T", "db2 = dz2", "da1 = W2^T dz2"]
    starts += ["dz1 = da1 * sigmoid'(z1)", "dW1 = dz1 a0^T", "db1 = dz1"]
    for line, start in zip(said[4:], starts, strict=True):
        assert line.startswith(start)


def test_the_model_stays_as_it_is() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(), nn.Linear(4, 2))
    state, x, y = deepcopy(model.state_dict()), torch.randn(5, 3), torch.randn(5, 2)
    random = torch.get_rng_state()
    found = trace(model, x, y)
    assert found.difference < 1e-5  # dropout too: both passes drew the same
    assert all(torch.equal(state[name], each) for name, each in model.state_dict().items())
    assert all(each.grad is None for each in model.parameters())
    assert model.training
    assert torch.equal(random, torch.get_rng_state())


@pytest.mark.parametrize(
    ("model", "named"),
    [
        (nn.Sequential(nn.Linear(3, 4), nn.GLU()), "1: torch.nn.functional.glu"),
        (nn.Sequential(nn.Linear(3, 3), nn.Unflatten(1, (1, 3)), nn.LSTM(3, 2)), "2: torch.lstm"),
        (nn.Sequential(nn.Linear(3, 4), nn.Softshrink()), "1: torch.nn.functional.softshrink"),
    ],
)
def test_what_has_no_explicit_backward_pass_is_refused_by_name(model: nn.Module, named: str) -> None:
    with pytest.raises(InputError, match=named):
        trace(model, torch.randn(2, 3), torch.randn(2, 2))


def test_functions_of_ones_own_are_refused_by_name() -> None:
    class Mine(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            return x.clone()

        @staticmethod
        def backward(ctx: Any, delta: Tensor) -> Any:
            return delta

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(3, 2)

        def forward(self, x: Tensor) -> Any:
            return Mine.apply(self.layer(x))  # type: ignore[no-untyped-call]

    with pytest.raises(InputError, match="MineBackward: has no explicit backward pass"):
        trace(Net(), torch.randn(4, 3), torch.randn(4, 2))
    with pytest.raises(InputError, match="MineBackward: has no explicit backward pass"):
        trace(
            nn.Linear(3, 2),
            torch.randn(4, 3),
            torch.zeros(1),
            lambda a, _: Mine.apply(a.sum()),  # type: ignore[no-untyped-call]
        )


def test_a_call_that_our_version_cannot_do_is_refused() -> None:
    model = nn.Conv1d(1, 1, 3, padding=1, padding_mode="circular")
    x = torch.randn(1, 1, 5, requires_grad=True)
    with explicit(), pytest.raises(InputError, match="with a constant"):
        model(x)
    with explicit(), pytest.raises(InputError, match="max_pool1d_with_indices: has no explicit backward pass"):
        functional.max_pool1d_with_indices(x, (2,))


@pytest.mark.parametrize(
    ("model", "criterion", "rule"),
    [
        (nn.Flatten(), functional.mse_loss, "depends on the model's parameters"),
        (nn.Linear(3, 2), lambda a, y: functional.mse_loss(a, y, reduction="none"), "one number"),
    ],
)
def test_a_loss_that_cannot_be_learned_from_is_refused(
    model: nn.Module, criterion: Callable[[Any, Tensor], Tensor], rule: str
) -> None:
    with pytest.raises(InputError, match=rule):
        trace(model, torch.randn(4, 3), torch.randn(4, 2 if isinstance(model, nn.Linear) else 3), criterion)


def test_outside_of_it_torch_is_as_before() -> None:
    x = torch.randn(3, requires_grad=True)
    with explicit():
        ours = x.relu()
    assert "Elementwise" in str(ours.grad_fn)
    assert "Relu" in str(x.relu().grad_fn)


@pytest.mark.parametrize("pool", [nn.MaxPool2d(2), nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(2), nn.AdaptiveMaxPool2d(2)])
def test_an_image_without_a_batch_is_not_taken_for_sequences(pool: nn.Module) -> None:
    with explicit(), pytest.raises(InputError, match="must have 4 axes"):
        pool(torch.randn(3, 4, 4, requires_grad=True))


def test_a_network_of_bare_matrices() -> None:
    class Bare(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w, self.b, self.v = (nn.Parameter(torch.randn(*shape).double()) for shape in ((3, 4), (4,), (2, 4)))

        def forward(self, x: Tensor) -> Tensor:
            return torch.tanh(x @ self.w + self.b) @ self.v.T

    found = trace(Bare(), torch.randn(5, 3).double(), torch.randn(5, 2).double(), lambda a, y: ((a - y) ** 2).mean())
    assert found.difference < 1e-12
    (matrix,) = (each for result in found.results for each in result.parameters if each.place == "w")
    assert matrix.error_equation == "a0^T dz1"


def test_writing_in_place_changes_the_tensor_itself() -> None:
    class Writing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Linear(3, 4), nn.Linear(4, 4)
            self.scale = nn.Parameter(torch.randn(4))

        def forward(self, x: Tensor) -> Tensor:
            y = self.one(x)
            functional.leaky_relu(y, 0.1, True)  # what it returns is y
            z: Tensor = self.two(y)
            z.add_(y)
            z.tanh_()
            return z * (self.scale * self.scale)

    found = trace(Writing().double(), torch.randn(5, 3).double(), torch.tensor([0, 1, 2, 3, 0]))
    assert found.difference < 1e-12
    equations = {each.symbol: each.error_equation for each in found.results}
    (scale,) = (each for result in found.results for each in result.parameters if each.place == "scale")
    assert scale.error_equation == "dm2 * w2 + dm2 * w2"
    assert equations["a1"] == "W2^T dz2 + ds2"
    assert equations["z1"] == "da1 * leaky_relu'(z1)"


def test_what_changes_nothing_needs_no_rule() -> None:
    x = torch.randn(3, requires_grad=True)
    with explicit():
        assert x.float() is x
        assert x.requires_grad_() is x
        assert x.shape == (3,)


def test_within_no_grad_nothing_is_recorded() -> None:
    with explicit(), torch.no_grad():
        assert not functional.glu(torch.randn(4, requires_grad=True)).requires_grad


def test_a_legacy_argument_is_not_taken_silently() -> None:
    with explicit(), pytest.raises(InputError, match="no explicit backward pass for this call"):
        functional.mse_loss(torch.randn(3, requires_grad=True), torch.randn(3), size_average=True)
