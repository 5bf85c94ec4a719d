"""First weights of whole networks: what is picked, what it does to signals, what is left alone."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from gradus.core.errors import InputError
from gradus.models import create_model
from gradus.nn import initializers
from gradus.nn.initialization import initialize
from gradus.nn.normalization import weight_standardization
from gradus.nn.recurrent import Recurrent
from gradus.nn.schemes import Fans

DEPTH, WIDTH, SEEDS = 50, 1024, 8
PAIRS: dict[str, tuple[Callable[[Tensor], Tensor], str, dict[str, float]]] = {
    "relu, kaiming": (torch.relu, "kaiming_normal", {}),
    "tanh, gain 5/3": (torch.tanh, "xavier_normal", {"gain": 5 / 3}),
    "selu, lecun": (torch.selu, "lecun_normal", {}),
    "tanh, gain 1": (torch.tanh, "xavier_normal", {}),
    "relu, xavier": (torch.relu, "xavier_normal", {}),
    "selu, kaiming": (torch.selu, "kaiming_normal", {}),
}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def ratios() -> dict[str, float]:
    """Variance of activations at layer 50 over that at layer 1, the geometric mean over seeds.

    All pairs multiply the same standard normal matrices by the deviation their scheme asks for.
    """
    fans = Fans(WIDTH, WIDTH)
    deviations = {
        pair: initializers.get(name).build(**options)(torch.empty(1, 1), fans, None).deviation
        for pair, (_, name, options) in PAIRS.items()
    }
    logs = dict.fromkeys(PAIRS, 0.0)
    for seed in range(SEEDS):
        generator = seeded(seed)
        signals = dict.fromkeys(PAIRS, torch.randn(32, WIDTH, generator=generator))
        for layer in range(DEPTH):
            weight = torch.empty(WIDTH, WIDTH).normal_(generator=generator)
            for pair, (activation, _, _) in PAIRS.items():
                signals[pair] = activation(signals[pair] @ weight.mT * deviations[pair])
                if layer in (0, DEPTH - 1):
                    logs[pair] += math.log(float(signals[pair].var())) * (1 if layer else -1)
    return {pair: math.exp(total / SEEDS) for pair, total in logs.items()}


@pytest.mark.parametrize("pair", ["relu, kaiming", "tanh, gain 5/3", "selu, lecun"])
def test_the_right_scheme_carries_signals_through_fifty_layers(ratios: dict[str, float], pair: str) -> None:
    assert 0.5 <= ratios[pair] <= 2


def test_wrong_schemes_do_not(ratios: dict[str, float]) -> None:
    assert 0.02 < ratios["tanh, gain 1"] < 0.04
    # Each layer halves the second moment: 2^-49 is 1.8e-15.
    assert 0.5e-15 < ratios["relu, xavier"] < 5e-15
    assert ratios["selu, kaiming"] > 100


def gradient_and_saturation(activation: type[nn.Module], scheme: str, **options: Any) -> tuple[float, float]:
    """Through 20 layers of width 256: size of the gradient at the input over that at the output; share of units
    where the activation has less than a tenth of its greatest slope."""
    net = nn.Sequential(*[each for _ in range(20) for each in (nn.Linear(256, 256), activation())]).double()
    x = torch.randn(200, 256, dtype=torch.float64, generator=seeded(1)).requires_grad_()
    initialize(net, scheme, example=x, generator=seeded(), **options)
    output, upstream = net(x), torch.randn(200, 256, dtype=torch.float64, generator=seeded(2))
    output.backward(upstream)
    assert x.grad is not None
    slope = 1 - output**2 if activation is nn.Tanh else 4 * output * (1 - output)
    return float(x.grad.norm() / upstream.norm()), float((slope < 0.1).double().mean())


def test_four_times_xavier_is_for_logistic_and_once_for_tanh() -> None:
    gradient, saturated = gradient_and_saturation(nn.Tanh, "xavier_uniform_logistic")  # as textbooks swap them
    assert gradient > 1000
    assert saturated > 0.5
    gradient, saturated = gradient_and_saturation(nn.Tanh, "xavier_uniform")
    assert 0.1 < gradient < 10
    assert saturated < 0.01
    vanished, _ = gradient_and_saturation(nn.Sigmoid, "xavier_uniform")
    assert vanished < 1e-11
    kept, _ = gradient_and_saturation(nn.Sigmoid, "xavier_uniform_logistic")
    assert kept > 1e8 * vanished


@pytest.mark.parametrize(
    # The last two hold a second moment of 1 too, but not firmly: what is off grows from layer to layer.
    ("activation", "factor"),
    [(nn.Tanh, 3), (nn.ReLU, 3), (nn.SELU, 3), (nn.GELU, 8), (nn.Mish, 8)],
)
def test_auto_carries_signals(activation: type[nn.Module], factor: float) -> None:
    layers = [each for _ in range(12) for each in (nn.Linear(256, 256), activation())]
    net, x = nn.Sequential(*layers, nn.Linear(256, 256)), torch.randn(100, 256, generator=seeded())
    initialize(net, example=x, generator=seeded(1))
    assert 1 / factor < float(net(x).detach().square().mean()) < factor


@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh, nn.SELU])
def test_auto_carries_signals_through_twenty_convolutions(activation: type[nn.Module]) -> None:
    """Padded in a circle: zeros beyond the border would take something from every layer."""
    total = 0.0
    for seed in range(4):
        convs = [nn.Conv2d(64, 64, 3, padding=1, padding_mode="circular") for _ in range(20)]
        net = nn.Sequential(*[each for conv in convs for each in (conv, activation())])
        x = torch.randn(4, 64, 8, 8, generator=seeded(seed))
        initialize(net, example=x, generator=seeded(seed + 10))
        with torch.no_grad():
            total += math.log(float(net(x).square().mean() / net[:2](x).square().mean()))
    assert 0.5 < math.exp(total / 4) < 2


def picked(net: nn.Module, example: Any = None, **options: Any) -> dict[str, str]:
    rows = initialize(net, example=example, **options)
    return {f"{row.place}.{row.parameter}": row.scheme for row in rows if row.scheme != "constant"}


def test_auto_picks_by_what_follows() -> None:
    net = nn.Sequential(
        *(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4), nn.Sigmoid()),
        *(nn.Linear(4, 4), nn.SELU(), nn.Linear(4, 4), nn.LayerNorm(4), nn.Linear(4, 2)),
    )
    assert list(picked(net, torch.zeros(1, 4)).values()) == [
        *(
            "kaiming_normal",
            "xavier_uniform",
            "xavier_uniform_logistic",
            "lecun_normal",
            "lecun_normal",
            "lecun_normal",
        ),
    ]


def test_only_a_convolution_before_a_pixel_shuffle_is_its_pixels() -> None:
    conv = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.PixelShuffle(2))
    assert picked(conv, torch.zeros(1, 3, 6, 6)) == {"0.weight": "icnr"}
    linear = nn.Sequential(nn.Linear(3, 36), nn.Unflatten(1, (4, 3, 3)), nn.PixelShuffle(2))
    assert picked(linear, torch.zeros(1, 3)) == {"0.weight": "lecun_normal"}


def test_recurrent_layers_start_by_their_kind() -> None:
    relu: Any = nn.RNN(6, 4, nonlinearity="relu")
    lstm: Any = nn.LSTM(6, 4, num_layers=2)
    initialize(relu)
    assert torch.equal(relu.weight_hh_l0, torch.eye(4))
    assert not torch.equal(relu.weight_ih_l0[:, :4], torch.eye(4))
    initialize(lstm)
    for gate in lstm.weight_hh_l1.detach().chunk(4):
        torch.testing.assert_close(gate @ gate.mT, torch.eye(4))
    assert (lstm.bias_ih_l1 + lstm.bias_hh_l1).tolist() == [0.0] * 4 + [1.0] * 4 + [0.0] * 8
    initialize(relu, "identity")
    assert torch.equal(relu.weight_hh_l0, torch.eye(4))
    assert not torch.equal(relu.weight_ih_l0, torch.eye(4, 6))


def test_a_layer_normalized_lstm_is_understood() -> None:
    lstm: Any = Recurrent("layer_norm_lstm", 6, 4)
    rows = initialize(lstm)
    assert rows.left == []
    assert [row.scheme for row in rows if "weight_hh" in row.parameter] == ["orthogonal"] * 4
    assert lstm.cells[0].bias_ih.tolist() == [0.0] * 4 + [1.0] * 4 + [0.0] * 8


def test_residual_blocks_start_as_their_shortcut() -> None:
    net, x = create_model("small_cnn", residual=True), torch.randn(2, 1, 28, 28, generator=seeded())
    initialize(net, example=x)
    branch = net.get_submodule("stage2.branch")
    inside = torch.randn(2, 32, 14, 14, generator=seeded())
    assert torch.equal(branch(inside), inside)
    initialize(net, example=x, zero_gamma=False)
    assert not torch.equal(branch(inside), inside)


def test_lsuv_gives_every_layer_unit_variance() -> None:
    net = nn.Sequential(
        *(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3, stride=2), nn.Dropout(), nn.ELU()),
        *(nn.Flatten(), parametrizations.weight_norm(nn.Linear(72, 16)), nn.Tanh(), nn.Linear(16, 4)),
    )
    x = 7 * torch.randn(64, 3, 9, 9, generator=seeded()) + 3
    before = {name: each.clone() for name, each in net.named_buffers()}
    net.train()
    rows = initialize(net, "lsuv", example=x, generator=seeded(1))
    assert all(torch.equal(each, before[name]) for name, each in net.named_buffers())
    assert all(each.training for each in net.modules())
    assert [row.scheme for row in rows].count("lsuv") == 4
    net.eval()
    net[1].train()
    for layer in net:
        x = layer(x)
        if isinstance(layer, nn.Conv2d | nn.Linear):
            assert abs(float(x.detach().var(correction=0)) - 1) < 0.05


def test_shared_weights_are_drawn_once_and_suit_the_output() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.out = nn.Embedding(1000, 64, padding_idx=0), nn.Linear(64, 1000, bias=False)
            self.out.weight = self.embed.weight

        def forward(self, codes: Tensor) -> Any:
            return self.out(self.embed(codes))

    net = Tied()
    first, second = initialize(net, example=torch.zeros(2, 3, dtype=torch.long), generator=seeded())
    assert (second.scheme, second.why) == ("", "shared: drawn as embed.weight")
    assert float(net.out.weight[1:].detach().var()) == pytest.approx(1 / 64, rel=0.02)
    assert not net.embed.weight[0].any()
    assert first.why == "also the weight of an output layer"


class Own(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((3,), 2.0))
        self.frozen = nn.Linear(3, 3).requires_grad_(False)
        self.lazy = nn.LazyLinear(3)
        self.waves = nn.Linear(3, 3, dtype=torch.complex64)
        self.shape = nn.Linear(3, 3, device="meta")


def test_what_cannot_be_drawn_is_left_and_named() -> None:
    net = Own()
    before = net.frozen.weight.clone()
    rows = {f"{row.place}.{row.parameter}": row for row in initialize(net, "normal")}
    assert {name: row.why for name, row in rows.items() if not name.endswith("bias")} == {
        ".scale": "not a layer known here",
        "frozen.weight": "frozen",
        "lazy.weight": "lazy: call the model once before",
        "waves.weight": "complex",
        "shape.weight": "on the meta device",
    }
    assert all(row.scheme == "" for row in rows.values())
    assert torch.equal(net.frozen.weight, before)
    assert net.scale.tolist() == [2.0] * 3


def test_a_frozen_part_keeps_all_that_it_learned() -> None:
    net = nn.Sequential(parametrizations.weight_norm(nn.Linear(4, 4)), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))
    net(torch.randn(8, 4, generator=seeded()))
    net[0].requires_grad_(False)
    net[1].requires_grad_(False)
    before = {name: each.clone() for name, each in net.state_dict().items()}
    with torch.no_grad():  # in which no weight is computed with a gradient
        rows = initialize(net, example=torch.zeros(2, 4))
    changed = {name for name, each in net.state_dict().items() if not torch.equal(each, before[name])}
    assert changed == {"3.weight", "3.bias"}
    assert {row.why for row in rows.left} == {"frozen"}
    net[1].requires_grad_(True)
    initialize(net, example=torch.zeros(2, 4))
    assert net.state_dict()["1.running_mean"].tolist() == [0.0] * 4


def test_lazy_normalizations_and_empty_weights_are_left() -> None:
    rows = initialize(nn.Sequential(nn.LazyBatchNorm1d(), nn.LazyLinear(2)), example=torch.zeros(2, 3))
    assert {row.why for row in rows} == {"lazy: call the model once before"}
    with pytest.warns(UserWarning, match="zero-element"):
        empty = nn.Linear(0, 3)
    assert [row.why for row in initialize(empty, "kaiming_normal")] == ["empty", "bias"]


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(8, 8, 3, padding=1, groups=4),
        nn.Conv1d(6, 6, 3, padding=1, groups=6),
        nn.ConvTranspose2d(8, 8, 3, padding=1, groups=4),
    ],
    ids=repr,
)
def test_each_group_of_a_convolution_is_a_matrix(layer: Any) -> None:
    x = torch.randn(2, layer.in_channels, *[9] * (layer.weight.dim() - 2), generator=seeded())
    initialize(layer, "identity")
    assert torch.equal(layer(x), x)
    row, _ = initialize(layer, "orthogonal")
    for group in layer.weight.detach().chunk(layer.groups):
        matrix = (group.transpose(0, 1) if layer.transposed else group).flatten(1)
        torch.testing.assert_close(matrix @ matrix.mT, torch.eye(len(matrix)))
    assert row.asked is not None
    assert row.drawn is not None
    assert row.drawn.deviation == pytest.approx(row.asked.deviation, rel=0.1)


def test_a_pixel_shuffle_of_a_convolution_in_groups_needs_whole_pixels() -> None:
    net = nn.Sequential(nn.Conv2d(4, 8, 3, groups=4), nn.PixelShuffle(2))
    assert picked(net, torch.zeros(1, 4, 6, 6)) == {"0.weight": "lecun_normal"}
    net = nn.Sequential(nn.Conv2d(4, 8, 3, groups=2), nn.PixelShuffle(2))
    assert picked(net, torch.zeros(1, 4, 6, 6)) == {"0.weight": "icnr"}


@pytest.mark.parametrize("wrap", [nn.DataParallel, lambda net: torch.compile(net, backend="eager")])
def test_what_torch_wraps_around_a_model_is_looked_through(wrap: Callable[[nn.Module], nn.Module]) -> None:
    net = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 2))
    assert picked(wrap(net), torch.zeros(1, 4)) == {"0.weight": "xavier_uniform", "2.weight": "lecun_normal"}


def test_computed_weights_are_reported_as_they_are_used() -> None:
    layer: Any = parametrizations.orthogonal(nn.Linear(16, 16))
    _, row = initialize(layer, "kaiming_normal", generator=seeded())
    assert row.drawn is not None
    assert row.drawn.deviation == pytest.approx(float(layer.weight.detach().std(correction=0)))
    assert row.drawn.deviation == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize("compute", [parametrizations.weight_norm, weight_standardization])
def test_computed_weights_are_set_through_what_computes_them(compute: Callable[[nn.Module], Any]) -> None:
    layer, plain = compute(nn.Linear(40, 30)), nn.Linear(40, 30)
    for each in (layer, plain):
        initialize(each, "xavier_uniform", generator=seeded())
    again = compute(plain)
    assert torch.equal(layer.weight, again.weight)
    assert all(torch.equal(each, again.state_dict()[name]) for name, each in layer.state_dict().items())


def test_draws_depend_on_the_generator_alone_and_leave_torchs_own() -> None:
    net = create_model("small_cnn")
    state = torch.get_rng_state()
    first = initialize(net, example=torch.zeros(1, 1, 28, 28), generator=seeded(5))
    weights = {name: each.clone() for name, each in net.state_dict().items()}
    again = initialize(net, example=torch.zeros(1, 1, 28, 28), generator=seeded(5))
    assert torch.equal(torch.get_rng_state(), state)
    assert first == again
    assert all(torch.equal(each, weights[name]) for name, each in net.state_dict().items())


def test_the_table_says_what_was_asked_for_and_drawn() -> None:
    rows = initialize(nn.Sequential(nn.Linear(300, 400), nn.Tanh()), example=torch.zeros(1, 300), generator=seeded())
    weight = rows[0]
    assert weight.asked is not None
    assert weight.drawn is not None
    assert weight.asked.deviation == pytest.approx(5 / 3 * math.sqrt(2 / 700))
    assert weight.drawn.deviation == pytest.approx(weight.asked.deviation, rel=0.01)
    heading, line, _ = str(rows).splitlines()
    assert heading.split() == ["place", "layer", "parameter", "scheme", "options", "asked", "drawn", "why"]
    assert "xavier_uniform" in line
    assert "gain 1.667" in line
    assert line.endswith("tanh follows")


def test_bad_requests_are_refused_by_name() -> None:
    net = nn.Linear(2, 2)
    with pytest.raises(InputError, match=r"scheme: unknown name, got `kaiming`. Did you mean `kaiming_"):
        initialize(net, "kaiming")
    with pytest.raises(InputError, match="initializer `normal`: unknown option `gain`"):
        initialize(net, "normal", gain=2)
    with pytest.raises(InputError, match="initializer `lsuv`: needs a batch of the data"):
        initialize(net, "lsuv")
    with pytest.raises(InputError, match=r"Linear.*cannot run given \(1, 3\)"):
        initialize(net, example=torch.zeros(1, 3))
    norm = nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 2))
    with pytest.raises(InputError, match="initializer `lsuv`: needs finite numbers, and `1` gives others"):
        initialize(norm, "lsuv", example=torch.tensor([[math.nan, 1.0], [2.0, 3.0]]))
    assert norm.state_dict()["0.running_mean"].tolist() == [0.0, 0.0]


def test_statistics_come_out_as_they_were_where_a_batch_does_not_fit() -> None:
    net = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(3, 2))
    with pytest.raises((RuntimeError, InputError)):
        initialize(net, "lsuv", example=torch.randn(8, 4) + 5)
    norm = net.get_submodule("1")
    assert isinstance(norm, nn.BatchNorm1d)
    assert norm.num_batches_tracked == 0
    assert not norm.state_dict()["running_mean"].any()
