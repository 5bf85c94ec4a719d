"""One examined step against autograd, NumPy and closed forms."""

import math
import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import SGD, Adam, Optimizer

from gradus.diagnosis import measure
from gradus.diagnosis.examination import Window
from gradus.diagnosis.memory import Memory
from gradus.diagnosis.places import Places
from gradus.diagnosis.signs import Examination

N = 16


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def examine(
    model: nn.Module,
    x: Tensor,
    loss: Callable[..., Tensor] = lambda output: output.square().mean(),
    *,
    optimizer: Optimizer | None = None,
    memory: Memory | None = None,
    step: int = 0,
) -> Examination:
    """One step of training as the probe shows it to a window."""
    places = Places()
    places.add(model, "net")
    optimizer = optimizer or SGD(model.parameters(), lr=0.1)
    window = Window(step, places, memory or Memory())
    hooks = [each.register_forward_hook(window.layer) for each in model.modules() if not list(each.children())]
    optimizer.zero_grad()
    window.new_pass()
    output = model(x)
    window.model(model, [x], output)
    value = loss(output)
    window.backward(value, value.item())
    value.backward()
    window.after_backward()
    window.updates.before_step(optimizer)
    optimizer.step()
    window.updates.after_step(optimizer)
    for each in hooks:
        each.remove()
    return window.finish()


def inputs(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


# ---- parameters -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_update_of_gradient_descent_is_the_rate_times_the_gradient(dtype: torch.dtype) -> None:
    model = nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 2)).to(dtype)
    before = {name: each.detach().clone() for name, each in model.named_parameters()}
    found = examine(model, inputs(N, 6).to(dtype), optimizer=SGD(model.parameters(), lr=0.03))
    assert found.rates == (0.03,)
    assert set(found.parameters) == {f"net:{name}" for name in before}
    for name, parameter in model.named_parameters():
        signs, gradient = found.parameters[f"net:{name}"], parameter.grad
        assert gradient is not None
        assert signs.gradient == pytest.approx(float(gradient.norm()) / math.sqrt(gradient.numel()), rel=1e-5)
        assert signs.weight == pytest.approx(float(before[name].norm()) / math.sqrt(gradient.numel()), rel=1e-5)
        assert signs.ratio == pytest.approx(0.03 * float(gradient.norm()) / float(before[name].norm()), rel=1e-3)
        assert signs.zero == pytest.approx(float((gradient == 0).float().mean()))
        assert signs.matrix is (parameter.dim() > 1)
        assert signs.fan_in == (parameter.shape[1] if parameter.dim() > 1 else 1)
        assert signs.finite


@pytest.mark.parametrize("kind", [SGD, Adam])
@pytest.mark.parametrize("maximize", [False, True])
def test_a_first_step_is_taken_down_or_up_the_slope(kind: Callable[..., Optimizer], maximize: bool) -> None:
    model = nn.Linear(6, 4)
    found = examine(model, inputs(N, 6), optimizer=kind(model.parameters(), lr=0.03, maximize=maximize))
    assert [each.uphill for each in found.parameters.values()] == pytest.approx([1 if maximize else -1] * 2)


def test_a_large_matrix_is_read_from_a_sample_of_it() -> None:
    model = nn.Linear(300, 200, bias=False)
    found = examine(model, inputs(N, 300), optimizer=SGD(model.parameters(), lr=0.5)).parameters["net:weight"]
    assert model.weight.grad is not None
    rms = float(model.weight.grad.square().mean().sqrt())
    assert found.gradient == pytest.approx(rms, rel=1e-4)  # of all, as it costs one pass
    assert found.update == pytest.approx(0.5 * rms, rel=0.1)
    assert found.weight == pytest.approx(model.weight.std().item(), rel=0.1)


def test_parameters_the_loss_does_not_reach() -> None:
    class Partly(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.unused = nn.Linear(3, 2), nn.Linear(3, 2)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.used(x)
            return out

    found = examine(Partly(), inputs(N, 3)).parameters
    assert (found["net:unused.weight"].gradient, found["net:unused.weight"].update) == (None, 0)
    assert found["net:used.weight"].gradient


@pytest.mark.parametrize("step", [0, 1])
def test_a_matrix_of_one_number_is_seen_before_the_first_step(step: int) -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 1))
    first = model[0]
    assert isinstance(first, nn.Linear)
    nn.init.constant_(first.weight, -3.0)
    found = examine(model, inputs(5, 3), step=step).parameters
    assert [found[f"net:{number}.weight"].constant for number in (0, 1)] == [not step, False]
    assert [found[f"net:{number}.weight"].alike for number in (0, 1)] == [not step, False]


def test_identical_units_are_seen_at_the_start() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    for each in model.parameters():
        nn.init.constant_(each, 0.3)
    found = examine(model, inputs(N, 3)).parameters
    assert [found[f"net:{name}"].identical for name in ("0.weight", "0.bias", "2.weight")] == [True, False, False]


class Cell(nn.Module):
    """The last output of a recurrent layer."""

    def __init__(self, cell: nn.RNNBase) -> None:
        super().__init__()
        self.cell, self.head = cell, nn.Linear(16, 1)

    def forward(self, x: Tensor) -> Tensor:
        last: Tensor = self.head(self.cell(x)[0][:, -1])
        return last


@pytest.mark.parametrize("kind", [nn.GRU, nn.LSTM, nn.RNN])
def test_identical_units_of_a_gated_cell_are_seen_after_its_gates_have_parted(kind: Callable[..., nn.RNNBase]) -> None:
    model = Cell(kind(3, 16, batch_first=True))
    for each in model.parameters():
        nn.init.constant_(each, 0.1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        model(inputs(N, 5, 3)).square().mean().backward()
        optimizer.step()
    found = examine(model, inputs(N, 5, 3), step=3).parameters
    assert found["net:cell.weight_ih_l0"].identical
    assert found["net:cell.weight_hh_l0"].identical


@pytest.mark.parametrize("sparse", [False, True])
def test_a_table_of_which_few_rows_are_used(sparse: bool) -> None:
    table = nn.Embedding(50, 4, sparse=sparse)
    model = nn.Sequential(table, nn.Flatten(), nn.Linear(8, 1))
    found = examine(model, torch.tensor([[1, 2]] * N)).parameters["net:0.weight"]
    assert found.embedding
    assert found.fan_in == 4
    assert table.weight.grad is not None
    gradient = table.weight.grad.to_dense()
    assert found.gradient == pytest.approx(float(gradient.norm()) / math.sqrt(200), rel=1e-5)
    assert found.zero == (0 if sparse else pytest.approx(48 / 50))


class _ByHand(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table, self.matrix = nn.Parameter(torch.randn(50, 8)), nn.Parameter(torch.randn(8, 1))

    def forward(self, codes: Tensor) -> Tensor:
        return self.table[codes].mean(dim=1) @ self.matrix


def test_a_table_that_is_no_layer_is_told_by_how_it_is_used() -> None:
    found = examine(_ByHand(), torch.tensor([[1, 2]] * N)).parameters
    assert {place: each.embedding for place, each in found.items()} == {"net:table": True, "net:matrix": False}
    assert {place: each.fan_in for place, each in found.items()} == {"net:table": 8, "net:matrix": 8}


def test_inputs_of_weights_that_are_no_module() -> None:
    weight, x = torch.ones(6, 1, requires_grad=True), 40 * inputs(N, 6) + 7
    window = Window(0, Places(), Memory())
    loss = (x @ weight).square().mean()
    window.backward(loss, loss.item())
    (found,) = window.finish().inputs
    assert found.shape == (N, 6)
    figures = float(x.mean()), float(x.std(correction=0))
    assert (found.mean, found.std) == pytest.approx(figures, rel=1e-5)


@pytest.mark.parametrize(("examples", "draws"), [(600, 300), (600, 900), (100, 1000)])
def test_how_much_of_the_training_set_is_known(examples: int, draws: int) -> None:
    memory, rng = Memory(), random.Random(0)
    assert memory.share == 0
    for _ in range(draws):
        memory.rows.add(rng.randrange(examples))
        memory.looked_at += 1
    assert memory.share == pytest.approx(len(memory.rows) / examples, abs=0.05)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.complex64])
def test_numbers_of_other_kinds(dtype: torch.dtype) -> None:
    """A step is a hundredth of the weight: the squares of float16 would be 0."""
    size = 1e-3
    model = nn.Linear(100, 40, bias=False, dtype=dtype)
    with torch.no_grad():
        model.weight.fill_(size * (1 + 1j) if dtype.is_complex else size)
    x = torch.ones(1, 100, dtype=dtype)
    found = examine(model, x, lambda output: output.abs().sum(), optimizer=SGD(model.parameters(), lr=size / 100))
    signs = found.parameters["net:weight"]
    parts = 2 if dtype.is_complex else 1  # the root mean square is over real and imaginary parts
    assert signs.weight == pytest.approx(size, rel=0.02)
    assert signs.update == pytest.approx(size / 100 / math.sqrt(parts), rel=0.3)  # rounded to the weight's precision
    assert signs.gradient == pytest.approx(1, rel=0.01)
    assert signs.finite


def test_large_gradients_of_half_precision_do_not_overflow() -> None:
    model = nn.Linear(300, 300, bias=False).half()
    found = examine(model, torch.full((2, 300), 300.0).half(), lambda output: output.sum()).parameters["net:weight"]
    assert found.gradient == pytest.approx(600, rel=0.01)  # its norm, 180,000, is beyond float16
    assert found.finite


# ---- layers ---------------------------------------------------------------------------------------------------------


def test_figures_of_a_layer_are_those_of_numpy() -> None:
    model = nn.Linear(6, 4)
    x = inputs(N, 6)
    output = model(x).detach().double().numpy()
    found = examine(model, x).layers["net:"]
    expected = (output.mean(), output.std(), np.abs(output).max(), math.sqrt(output.var(axis=0).mean()))
    assert (found.mean, found.std, found.peak, found.varied) == pytest.approx(expected, rel=1e-5)
    assert (found.units, found.type, found.calls, found.finite) == (4, "Linear", 1, True)


def half_dead() -> nn.Linear:
    """Of four units two give less than -90 whatever comes in."""
    layer = nn.Linear(6, 4)
    with torch.no_grad():
        layer.bias.copy_(torch.tensor([-100.0, 0.0, -100.0, 0.0]))
    return layer


class Rectified(nn.Module):
    def __init__(self, layer: nn.Module, rectify: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.layer, self.rectify, self.last = layer, rectify, nn.Linear(4, 1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.last(self.rectify(self.layer(x)))
        return out


def steps(model: nn.Module, batches: Sequence[Tensor]) -> list[Examination]:
    memory, still = Memory(), SGD(model.parameters(), lr=0.0)
    return [examine(model, x, optimizer=still, memory=memory, step=step) for step, x in enumerate(batches)]


@pytest.mark.parametrize("rectify", [torch.relu, lambda h: h.clamp(min=0), lambda h: h.view(N, 4, 1).relu().view(N, 4)])
def test_dead_units_behind_a_function(rectify: Callable[[Tensor], Tensor]) -> None:
    found = steps(Rectified(half_dead(), rectify), [inputs(N, 6, seed=seed) for seed in range(2)])
    assert found[1].layers["net:layer"].dead == 0.5
    assert found[1].layers["net:last"].dead is None


def test_dead_units_of_a_module() -> None:
    found = examine(Rectified(half_dead(), nn.ReLU()), inputs(N, 6))
    assert found.layers["net:rectify"].dead == 0.5


def test_units_that_batch_norm_revives_are_not_dead() -> None:
    found = steps(Rectified(half_dead(), nn.Sequential(nn.BatchNorm1d(4), nn.ReLU())), [inputs(N, 6)] * 2)
    assert found[1].layers["net:layer"].dead is None
    assert found[1].layers["net:rectify.1"].dead == 0


def test_a_unit_that_is_silent_for_a_while_is_not_dead() -> None:
    layer = half_dead()
    with torch.no_grad():
        layer.weight.fill_(1.0)
    batches = [inputs(N, 6), inputs(N, 6) + 50, *[inputs(N, 6)] * 5]
    shares = [each.layers["net:rectify"].dead for each in steps(Rectified(layer, nn.ReLU()), batches)]
    assert shares == [0.5, 0, 0, 0, 0, 0, 0.5]  # one of the last five examinations saw it speak


@pytest.mark.parametrize("squash", [torch.tanh, nn.Tanh(), lambda h: (h + 0).tanh()])
def test_saturated_units_however_the_activation_is_written(squash: Callable[[Tensor], Tensor]) -> None:
    """The two units at -100 are beyond tanh's limits, 2.5, the others within."""
    found = steps(Rectified(half_dead(), squash), [0.1 * inputs(N, 6)] * 2)[1]
    shares = [each.saturated for place, each in found.layers.items() if place != "net:last"]
    assert shares
    assert set(shares) == {0.5}


class Steep(nn.Module):
    def forward(self, h: Tensor) -> Tensor:
        return torch.sigmoid(3 * h)


def test_saturated_units_of_an_activation_of_the_program_s_own() -> None:
    found = steps(Rectified(half_dead(), Steep()), [0.1 * inputs(N, 6)] * 2)[1]
    assert (found.layers["net:rectify"].activation, found.layers["net:rectify"].saturated) == ("sigmoid", 0.5)


def test_channels_are_units_of_images() -> None:
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU())
    with torch.no_grad():
        model.get_parameter("0.bias")[:3] = -100.0
    assert examine(model, inputs(N, 1, 8, 8)).layers["net:1"].dead == 0.75


def test_numbers_that_batch_norm_has_for_each_channel() -> None:
    places = Places()
    model = nn.Sequential(nn.BatchNorm2d(3), nn.BatchNorm2d(3, affine=False))
    places.add(model, "net")
    model[0].weight.requires_grad_(False)
    window = Window(0, places, Memory())
    x = inputs(2, 3, 5, 7)
    for each in model:
        window.layer(each, (x,), each(x))
    assert [each[:2] for each in window.unnormalized] == [("net:0", 2), ("net:1", 2)]
    assert {each[2] for each in window.unnormalized} == {measure.independent(x)}
    assert window.drifting == {"net:0"}


@pytest.mark.parametrize(("spread", "apart"), [(0.0, False), (2.0, True)])
def test_numbers_that_batch_norm_has_of_one_example_at_a_time(spread: float, apart: bool) -> None:
    """Its averages over those before tell whether examples are alike, once there are some."""
    places, norm = Places(), nn.BatchNorm2d(3)
    places.add(norm, "net")
    found = []
    for step in range(60):
        window = Window(step, places, Memory())
        x = inputs(1, 3, 8, 8) + spread * torch.randn(1, 3, 1, 1)
        window.layer(norm, (x,), norm(x))
        found.append([each[2] for each in window.unnormalized])
    assert not any(found[:20])
    later = [each for (each,) in found[40:]]
    assert (statistics.harmonic_mean(later) < 8) == apart


class Looped(nn.Module):
    """A recurrent cell called by hand."""

    def __init__(self, cell: nn.Module) -> None:
        super().__init__()
        self.cell = cell
        self.states: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        state = torch.zeros(len(x), 4)
        self.states = []
        for part in x.unbind(1):
            state = self.cell(part, state)
            self.states.append(state)
        return state


def test_gradients_at_the_ends_of_a_loop() -> None:
    model = Looped(nn.GRUCell(3, 4))
    x = inputs(N, 12, 3)
    loss = model(x).square().mean()
    ends = torch.autograd.grad(loss, [model.states[0], model.states[-1]])
    found = examine(model, x).layers["net:cell"]
    assert (found.earliest, found.latest) == pytest.approx(tuple(float(each.norm()) for each in ends), rel=1e-5)
    assert found.calls == 12


def test_a_recurrent_layer_has_its_ends_too() -> None:
    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(3, 4, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.lstm(x)[0][:, -1]
            return out

    found = examine(Last(), inputs(N, 12, 3)).layers["net:lstm"]
    assert found.earliest is not None
    assert found.latest is not None
    assert 0 < found.earliest < found.latest


# ---- gradient noise -------------------------------------------------------------------------------------------------


def test_the_noise_of_a_linear_regression() -> None:
    """With x ~ N(0, I_d) and noise s, at a distance D of the solution g = 2x (xD - e), so that
    tr(S) / |G|^2 = (d + 1) + d s^2 / |D|^2, here 11 + 10 * 4 = 51.
    """  # fmt: skip
    generator = torch.Generator().manual_seed(0)
    model, memory, found = nn.Linear(10, 1, bias=False), Memory(), []
    still = SGD(model.parameters(), lr=0.0)
    truth = torch.zeros(10, 1)
    truth[0] = 1.0
    nn.init.zeros_(model.weight)
    for step in range(400):
        x = torch.randn(128, 10, generator=generator)
        y = x @ truth + 2 * torch.randn(128, 1, generator=generator)
        signs = examine(model, x, lambda output, y=y: F.mse_loss(output, y), optimizer=still, memory=memory, step=step)
        if signs.noise is not None:
            found.append(signs.noise)
    assert len(found) > 350
    assert np.median(found) == pytest.approx(51, rel=0.15)


def test_noise_is_read_from_steps_in_a_row() -> None:
    model, memory, x = nn.Linear(3, 1), Memory(), inputs(N, 3)
    noises = [examine(model, x, memory=memory, step=step).noise is not None for step in (0, 1, 5, 6)]
    assert noises == [False, True, False, True]


def test_without_noise_there_is_none() -> None:
    model, memory, x = nn.Linear(3, 1), Memory(), inputs(N, 3)
    still = SGD(model.parameters(), lr=0.0)
    found = [examine(model, x, optimizer=still, memory=memory, step=step).noise for step in range(2)]
    assert found[1] == pytest.approx(0, abs=1e-3)


# ---- odd programs ---------------------------------------------------------------------------------------------------


@dataclass
class Output:
    logits: Tensor
    loss: Tensor


class Wraps(nn.Module):
    def __init__(self, wrap: Callable[[Tensor], object]) -> None:
        super().__init__()
        self.layer, self.wrap = nn.Linear(3, 2), wrap

    def forward(self, x: Tensor) -> object:
        return self.wrap(self.layer(x))


@pytest.mark.parametrize(
    ("wrap", "unwrap"),
    [
        (lambda h: (h, h.argmax(1)), lambda result: result[0]),
        (lambda h: {"loss": h.mean(), "logits": h}, lambda result: result["logits"]),
        (lambda h: Output(h, h.mean()), lambda result: result.logits),
        (lambda h: [h.argmax(1), (h,)], lambda result: result[1][0]),
    ],
)
def test_outputs_in_wrappings(wrap: Callable[[Tensor], object], unwrap: Callable[..., Tensor]) -> None:
    """The squared error is recognized, which takes the output out of its wrapping."""
    found = examine(Wraps(wrap), inputs(N, 3), lambda result: ((unwrap(result) - 3.0 * torch.ones(N, 2)) ** 2).mean())
    assert found.loss is not None
    assert found.loss.kind == "values"
    assert found.loss.target_mean == pytest.approx(3)


@pytest.mark.parametrize("wrap", [lambda h: None, lambda h: h.mean(), lambda h: "text", lambda h: h.argmax(1)])
def test_outputs_of_other_kinds(wrap: Callable[[Tensor], object]) -> None:
    model = Wraps(wrap)
    found = examine(model, inputs(N, 3), lambda result: model.layer.weight.square().sum())
    assert found.parameters["net:layer.weight"].gradient
    assert found.layers["net:layer"].units == 2


@pytest.mark.parametrize("x", [torch.ones(0, 3), torch.ones(1, 3), torch.ones(3), torch.eye(3).to_sparse()])
def test_odd_batches(x: Tensor) -> None:
    found = examine(nn.Linear(3, 2), x, lambda output: output.sum())
    assert found.parameters["net:weight"].gradient is not None


def test_a_lazily_initialized_model() -> None:
    model = nn.Sequential(nn.LazyLinear(4), nn.ReLU(), nn.LazyLinear(1))
    x = inputs(N, 3)
    model(x)
    found = examine(model, x, optimizer=Adam(model.parameters()))
    assert found.parameters["net:0.weight"].fan_in == 3


def test_several_losses_and_passes_in_one_step() -> None:
    places, model = Places(), nn.Linear(3, 1)
    places.add(model, "net")
    window = Window(0, places, Memory())
    for scale in (1.0, 5.0):
        window.new_pass()
        x = scale * torch.ones(N, 3)
        output = model(x)
        window.layer(model, (x,), output)
        window.model(model, [x], output)
        loss = F.mse_loss(output, torch.full((N, 1), scale))
        window.backward(loss, scale)
        loss.backward()
        window.after_backward()
    found = window.finish()
    assert [(each.value, each.target_mean) for each in found.losses] == [(1, 1), (5, 5)]
    assert found.layers["net:"].calls == 1  # once in each pass
    assert [each.mean for each in found.inputs] == [1]  # of the first


class Scales(nn.Module):
    """Inputs come from 0 to 255, and some operations come before the first layer."""

    def __init__(self, scale: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.scale = scale
        self.layer = nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.layer(self.scale(x)))


@pytest.mark.parametrize(
    ("scale", "normalized"),
    [
        (lambda x: (x - 128) / 64, True),
        (torch.log1p, True),
        (lambda x: x, False),
        (lambda x: x.reshape(-1, 3), False),
        (lambda x: x * 1.5, False),
        (lambda x: x * 0.3, False),
        (lambda x: x / 255 * torch.tensor([1e-3, 1e-3, 10.0]), False),
        (lambda x: x / 255 * torch.tensor([1.0, 1.0, 5000.0]), False),  # one column is far wider
    ],
)
def test_a_model_may_scale_its_inputs_itself(scale: Callable[[Tensor], Tensor], normalized: bool) -> None:
    found = examine(Scales(scale), 255 * inputs(N, 3).abs())
    assert [each.normalized for each in found.inputs] == [normalized]
    assert [each.normalized for each in examine(Scales(lambda x: x), inputs(N, 3)).inputs] == [False]


def test_what_is_the_same_for_all_stays_so_behind_noise() -> None:
    (signs,) = examine(Scales(lambda x: x + torch.randn_like(x)), torch.arange(3.0).expand(N, 3)).inputs
    assert signs.constant == 1.0


@pytest.mark.parametrize(
    ("scale", "constant"),
    [
        (lambda x: x.clamp(20.0, 80.0), 1.0),
        (lambda x: x.clamp(-1.0, 1.0), 0.0),
        (lambda x: torch.ones(2 * len(x), 3), 0.0),  # something else of the model's own
    ],
)
def test_inputs_may_be_cut_to_one_number_within_a_model(scale: Callable[[Tensor], Tensor], constant: float) -> None:
    (signs,) = examine(Scales(scale), inputs(N, 3)).inputs
    assert signs.constant == constant
    assert (signs.varied == 0) == (constant == 1)
    assert signs.std > 0.5


class Stepping(nn.Module):
    """A recurrence written by hand, with a readout at each of its steps."""

    def __init__(self, cell: str, cut: Callable[[int], str], steps: int) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.randn(4, 4))
        self.cell = nn.LSTMCell(4, 4) if cell == "lstm" else nn.Linear(4, 4)
        self.out, self.by, self.cut, self.steps = nn.Linear(4, 1), cell, cut, steps

    def forward(self, x: Tensor) -> Tensor:
        h = c = y = torch.zeros(len(x), 4)
        for t in range(self.steps):
            h = h.detach() if "h" in self.cut(t) else h
            c = c.detach() if "c" in self.cut(t) else c
            if self.by == "lstm":
                h, c = self.cell(x[:, t], (h, c))
            elif self.by == "linear":
                h = torch.tanh(self.cell(x[:, t] + h))
            else:
                h = torch.tanh(x[:, t] + h @ self.w)
            y = self.out(h)
        return y


@pytest.mark.parametrize(
    ("cell", "cut", "steps", "expected"),
    [
        ("linear", lambda t: "h", 8, {"net:cell", "net:out"}),
        ("linear", lambda t: "h", 7, set()),  # not a sequence
        ("linear", lambda t: "", 12, set()),  # only the readout is wanted at the last step alone
        ("linear", lambda t: "h" if t % 4 == 0 else "", 12, set()),  # in chunks
        ("lstm", lambda t: "hc", 12, {"net:cell", "net:out"}),
        ("lstm", lambda t: "h", 12, set()),  # the memory carries the gradient
        ("parameter", lambda t: "", 12, set()),
    ],
)
def test_a_sequence_of_which_the_loss_reaches_the_last_step_alone(
    cell: str, cut: Callable[[int], str], steps: int, expected: set[str]
) -> None:
    found = examine(Stepping(cell, cut, steps), inputs(N, steps, 4))
    assert {place for place, layer in found.layers.items() if layer.cut} == expected


@pytest.mark.parametrize("detached", [True, False])
def test_what_a_judge_says_of_detached_examples_teaches_nothing(detached: bool) -> None:
    maker, judge, places = nn.Linear(4, 3), nn.Linear(3, 1), Places()
    places.add(maker, "maker")
    places.add(judge, "judge")
    window, z, real = Window(0, places, Memory()), inputs(N, 4), inputs(N, 3, seed=1)

    def run(model: nn.Module, x: Tensor) -> Tensor:
        result: Tensor = model(x)
        window.model(model, [x], result)
        return result

    loss = run(judge, run(maker, z).detach()).mean() - run(judge, real).mean()
    window.backward(loss, loss.item())
    made = run(maker, z)
    loss = (made - real).abs().mean() - run(judge, made.detach() if detached else made).mean()
    window.backward(loss, loss.item())
    assert window.finish().untaught == ("maker:" if detached else "")
    window.graphs[0].whole = False
    assert window.finish().untaught == ""


def test_whether_what_is_learned_earns_less() -> None:
    """A critic learns by squared errors; a policy by what that says, or by its own probabilities."""
    actor, critic = nn.Linear(4, 1), nn.Linear(5, 1)
    window, states, rewards = Window(0, Places(), Memory()), inputs(N, 4), inputs(N, 1, seed=1)
    acted = actor(states)
    chances = torch.distributions.Categorical(logits=torch.cat([acted, -acted], dim=1)).log_prob(torch.arange(N) % 2)
    for loss in (
        F.mse_loss(critic(torch.cat([states, acted.detach()], dim=1)), rewards),
        critic(torch.cat([states, acted], dim=1)).mean(),
        -critic(torch.cat([states, acted], dim=1)).mean(),
        (chances * rewards.flatten()).mean(),
    ):
        window.backward(loss, loss.item())
    assert [each.earns_less for each in window.finish().losses] == [False, True, False, True]


@pytest.mark.parametrize(
    ("changed", "kept"),
    [
        (lambda y: y, 16),
        (lambda y: 1 - y, 0),
        (lambda y: torch.cat([1 - y[:4], y[4:]]), 12),
    ],
)
@pytest.mark.parametrize("binary", [True, False])
def test_labels_of_examples_that_come_again(changed: Callable[[Tensor], Tensor], kept: int, binary: bool) -> None:
    memory, x, model = Memory(), inputs(N, 4), nn.Linear(4, 1 if binary else 2)
    y, order = torch.arange(N) % 2, torch.randperm(N)

    def compare(labels: Tensor) -> Callable[[Tensor], Tensor]:
        if binary:
            return lambda output: F.binary_cross_entropy_with_logits(output, labels[:, None].float())
        return lambda output: F.cross_entropy(output, labels)

    first = examine(model, x, compare(y), memory=memory)
    again = examine(model, x[order], compare(changed(y)[order]), memory=memory, step=1)
    assert (first.again, first.kept) == (0, 0)
    assert (again.again, again.kept) == (N, kept)


def test_values_of_examples_that_come_again_may_differ_a_little() -> None:
    memory, x, model, y = Memory(), inputs(N, 4), nn.Linear(4, 1), torch.linspace(-1, 1, N)[:, None]
    for step, (moved, kept) in enumerate([(0.0, 0), (0.3, N), (0.4, 0)]):
        target = y + moved
        found = examine(model, x, lambda output, target=target: F.mse_loss(output, target), memory=memory, step=step)
        assert (found.again, found.kept) == (N if step else 0, kept)


def test_examples_that_are_not_told_apart_have_no_labels() -> None:
    memory, model, y = Memory(), nn.Linear(4, 2), torch.arange(N) % 2
    for x in (torch.zeros(N, 4), inputs(4, 4).repeat(4, 1)):
        assert examine(model, x, lambda output: F.cross_entropy(output, y), memory=memory).again is None
    assert examine(model, inputs(N, 4), memory=memory).again is None  # without any


@pytest.mark.parametrize(
    ("tokens", "calls", "expected"),
    [
        (torch.zeros(16, 8, dtype=torch.long), 1, (1, 30)),
        (torch.arange(128).reshape(16, 8) % 20, 1, (20, 30)),
        (torch.arange(8)[:, None], 8, (8, 30)),  # one after another
        (torch.zeros(4, 8, dtype=torch.long), 1, None),  # too few to tell
    ],
)
def test_how_many_tokens_of_a_table_are_asked_for(tokens: Tensor, calls: int, expected: tuple[int, int] | None) -> None:
    class Reader(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.small, self.large = nn.Embedding(3, 4), nn.Embedding(30, 4)

        def forward(self, given: Tensor) -> Tensor:
            return sum((self.large(given) + self.small(given * 0) for _ in range(calls)), torch.zeros(4))

    assert examine(Reader(), tokens).tokens == expected
