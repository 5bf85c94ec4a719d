"""What is left out, and what is expected of the rest."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.utils import parametrizations

from gradus.core.errors import InputError
from gradus.nn import dropouts
from gradus.nn.dropout import DropConnect, DropPath, LockedDropout, linear_decay


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("p", [0.1, 0.5])
@pytest.mark.parametrize("name", ["dropout", "dropout1d", "variational", "drop_path"])
def test_expectation_is_kept(name: str, p: float) -> None:
    layer = dropouts.get(name).build(p=p)
    x = torch.ones(20_000, 4, 1) if name in ("dropout1d", "drop_path") else torch.ones(1, 20_000, 4)
    y = layer(x)
    assert float(y.mean()) == pytest.approx(1, abs=0.02)
    assert float((y == 0).float().mean()) == pytest.approx(p, abs=0.02)  # p is the probability to drop
    assert set(y.unique().tolist()) <= {0.0, float(torch.tensor(1.0) / (1 - p))}


def test_locked_masks_hold_over_time_and_differ_between_sequences() -> None:
    y = LockedDropout(0.5)(torch.ones(9, 4, 100))
    assert all(torch.equal(step, y[0]) for step in y)
    assert not torch.equal(y[0, 0], y[0, 1])
    first = LockedDropout(0.5, steps=1)(torch.ones(4, 9, 100))
    assert all(torch.equal(first[:, step], first[:, 0]) for step in range(9))


def test_paths_are_dropped_by_example_or_together() -> None:
    x = torch.ones(1000, 3, 4)
    by_example = DropPath(0.5)(x).flatten(1)
    assert all(len(row.unique()) == 1 for row in by_example)
    assert 0.4 < float((by_example[:, 0] == 0).float().mean()) < 0.6
    together = [float(DropPath(0.5, "batch")(x).unique()) for _ in range(50)]
    assert set(together) == {0.0, 2.0}


def test_decay_is_linear_in_depth() -> None:
    assert linear_decay(0.5, 54)[0] == pytest.approx(0.5 / 54)
    assert linear_decay(0.5, 54)[-1] == 0.5
    assert linear_decay(0.0, 3) == [0.0, 0.0, 0.0]


def test_alpha_dropout_keeps_mean_0_and_variance_1() -> None:
    x = torch.randn(1000, 1000)
    for name in ("alpha_dropout", "feature_alpha_dropout"):
        y = dropouts.get(name).build(p=0.2)(x)
        assert abs(float(y.mean())) < 0.01
        assert float(y.var()) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("layer", [nn.LSTM(5, 400), nn.GRU(5, 400), nn.RNN(5, 400)])
def test_dropped_weights_are_the_same_at_every_step(layer: Any) -> None:
    """Torch's own layer, given the weights that were dropped, does the same over all steps."""
    dropped = DropConnect(layer, ["weight_hh_l0"], 0.5)
    x = torch.randn(6, 2, 5)
    before = layer.weight_hh_l0.detach().clone()
    torch.manual_seed(1)
    y, _ = dropped(x)
    assert torch.equal(layer.weight_hh_l0, before)
    torch.manual_seed(1)
    weight = nn.functional.dropout(before, 0.5)
    assert 0.45 < float((weight == 0).float().mean()) < 0.55
    plain = copy.deepcopy(layer)
    plain.weight_hh_l0 = nn.Parameter(weight)
    # Not to the last bit: how memory lies decides how torch multiplies.
    torch.testing.assert_close(y, plain(x)[0])
    y.sum().backward()
    assert not layer.weight_hh_l0.grad[weight == 0].any()
    assert layer.weight_hh_l0.grad[weight != 0].any()
    assert layer.bias_hh_l0.grad.any()


def test_dropped_weights_survive_copies_and_evaluation() -> None:
    dropped = DropConnect(nn.LSTM(3, 4), ["weight_hh_l0"], 0.5)
    x = torch.randn(5, 2, 3)
    dropped(x)
    again = copy.deepcopy(dropped.to(torch.float32)).eval()
    assert torch.equal(again(x)[0], dropped.layer(x)[0])
    fresh = DropConnect(nn.LSTM(3, 4), ["weight_hh_l0"], 0.5)
    fresh.load_state_dict(dropped.state_dict())
    assert torch.equal(fresh.eval()(x)[0], again(x)[0])


def test_mean_of_a_linear_layer_with_dropped_weights_is_the_layer() -> None:
    layer = nn.Linear(8, 3)
    dropped, x = DropConnect(layer, p=0.3), torch.randn(1, 8)
    mean = torch.stack([dropped(x) for _ in range(4000)]).mean(dim=0)
    assert dropped.names == ("weight",)
    torch.testing.assert_close(mean, layer(x), rtol=0, atol=0.05)


@pytest.mark.parametrize(
    "layer", [LockedDropout(0.5), DropPath(0.5), LockedDropout(0.0).train(), DropPath(0.0).train()]
)
def test_evaluation_and_no_chance_are_the_identity(layer: Any) -> None:
    x: Tensor = torch.randn(3, 4, 5)
    state = torch.get_rng_state()
    assert (layer.eval() if layer.p else layer)(x) is x
    assert torch.equal(torch.get_rng_state(), state)


def test_bad_chances_and_names_are_refused() -> None:
    for make in (LockedDropout, DropPath, lambda p: DropConnect(nn.Linear(2, 2), p=p)):
        for p in (-0.1, 1.0, float("nan")):
            with pytest.raises(InputError, match="`p`, the probability to drop, must be at least 0 and below 1"):
                make(p)
    with pytest.raises(
        InputError, match=r"DropConnect of Linear: needs parameters by name, got `w`. Known: weight, bias"
    ):
        DropConnect(nn.Linear(2, 2), ["w"])
    with pytest.raises(InputError, match="DropPath: `per` must be `sample` or `batch`, got `step`"):
        DropPath(0.5, "step")  # type: ignore[arg-type]


def test_weights_that_are_computed_are_not_dropped_in_parts() -> None:
    """What weight normalization learns is lengths and directions: without a length its output would be gone."""
    layer = nn.Sequential(parametrizations.weight_norm(nn.Linear(3, 4)), nn.Linear(4, 2))
    assert DropConnect(layer).names == ("1.weight",)
    with pytest.raises(
        InputError, match="DropConnect of ParametrizedLinear: finds no weight matrix to drop; one that is normalized"
    ):
        DropConnect(layer[0])


def test_shared_weights_are_dropped_as_one() -> None:
    class Difference(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False)
            self.b.weight = self.a.weight

        def forward(self, x: Tensor) -> Any:
            return self.a(x) - self.b(x)

    for names in (None, ["a.weight"], ["b.weight"]):
        assert not DropConnect(Difference(), names)(torch.randn(5, 4)).any()


def test_dropped_weights_may_be_given_from_outside() -> None:
    """As torch.func does, for gradients of single examples or ensembles."""
    dropped, x = DropConnect(nn.Linear(8, 3), p=0.5), torch.randn(2, 8)
    weights = {name: torch.ones_like(each) for name, each in dropped.named_parameters()}
    y = functional_call(dropped, weights, (torch.ones_like(x),))
    assert ((y - 1) % 2 == 0).all()  # of eight weights of 1 some, doubled
