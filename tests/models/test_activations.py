from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from gradus.core.errors import InputError
from gradus.models import create_model, models
from gradus.nn import activations
from gradus.nn.activation import Maxout

OWN = """
import torch
from torch import nn

def power(z, exponent=2):
    return z.relu() ** exponent

class Mixed(nn.Module):
    pieces = 3
    def __init__(self, keep=0.5):
        super().__init__()
        self.keep = keep
    def forward(self, z):
        a, b, c = z.unflatten(1, (-1, 3)).unbind(2)
        return self.keep * a + (b * c).tanh()

class Wrong:
    pass

def fails():
    raise ValueError
"""
MODELS = pytest.mark.parametrize("name", ["lenet5", "mlp", "neural_lm", "nlinear", "small_cnn"])
HIDDEN: dict[str, Any] = {"nlinear": {"hidden": (6, 5)}, "mlp": {"hidden": (6, 5)}, "neural_lm": {"hidden": (6, 5)}}


def built(name: str, activation: Any) -> nn.Module:
    return create_model(name, activation=activation, **HIDDEN.get(name, {}))


def batch(name: str) -> torch.Tensor:
    card = models.get(name)
    if card.vocabulary:
        return torch.randint(len(card.vocabulary), (4, *card.input), generator=torch.Generator().manual_seed(0))
    return torch.randn(4, *card.input, generator=torch.Generator().manual_seed(0))


def parameters(model: nn.Module) -> int:
    return sum(each.numel() for each in model.parameters())


@pytest.fixture
def own(tmp_path: Path) -> str:
    (tmp_path / "own.py").write_text(OWN)
    return str(tmp_path / "own.py")


@MODELS
def test_any_activation_fits_anywhere(name: str) -> None:
    for activation in activations.names():
        output = built(name, activation)(batch(name))
        output.sum().backward()
        assert output.isfinite().all(), activation


@MODELS
def test_every_place_has_its_own(name: str) -> None:
    places = [each for each in built(name, "prelu").modules() if isinstance(each, nn.PReLU)]
    assert len(places) == len({id(each) for each in places}) >= 2


def test_options_reach_the_activation() -> None:
    model = create_model("mlp", activation={"name": "leaky_relu", "negative_slope": 0.2})
    assert [each.negative_slope for each in model.modules() if isinstance(each, nn.LeakyReLU)] == [0.2]


@MODELS
@pytest.mark.parametrize("pieces", [2, 5])
def test_maxout_makes_only_the_layers_before_it_wider(name: str, pieces: int) -> None:
    plain, wide = built(name, "relu"), built(name, {"name": "maxout", "pieces": pieces})
    before, after = dict(plain.named_parameters()), dict(wide.named_parameters())
    assert list(before) == list(after)
    output = list(before)[-2:]  # weights and bias
    for place, each in before.items():
        times = 1 if place in output or "embedding" in place else pieces
        assert after[place].numel() == times * each.numel(), place
    assert all(each.pieces == pieces for each in wide.modules() if isinstance(each, Maxout))


def test_slopes_for_each_channel_are_as_many_as_channels() -> None:
    for name, channels in (("lenet5", [6, 16, 120, 84]), ("mlp", [6, 5]), ("small_cnn", [16, 16, 32, 32, 64, 64])):
        model = built(name, {"name": "prelu", "per_channel": True})
        assert [each.num_parameters for each in model.modules() if isinstance(each, nn.PReLU)] == channels


def test_ones_own_function_and_module(own: str) -> None:
    x = batch("mlp")
    model = built("mlp", {"module": f"{own}:power", "exponent": 3})
    w1, b1, w2, b2, w3, b3 = model.parameters()
    hidden = (x.flatten(1) @ w1.T + b1).relu() ** 3
    expected = (hidden @ w2.T + b2).relu() ** 3 @ w3.T + b3
    torch.testing.assert_close(model(x), expected)
    assert parameters(built("mlp", {"module": f"{own}:Mixed"})) == parameters(
        built("mlp", {"name": "maxout", "pieces": 3})
    )
    assert [
        each.keep for each in built("mlp", {"module": f"{own}:Mixed", "keep": 0.1}).children() if hasattr(each, "keep")
    ]


@pytest.mark.parametrize(
    ("activation", "message"),
    [
        ("tan", "`activation`: unknown name, got `tan`. Did you mean `tanh`?"),
        (3, "`activation` should be a valid string or a valid table, got 3"),
        ({"name": "leaky_relu", "slope": 1}, "`activation` `leaky_relu`: unknown option `slope`"),
        ({"name": "elu", "alpha": -1.0}, "`activation` `elu`: `alpha` should be greater than 0, got -1.0"),
        ({"negative_slope": 1}, "`activation`: needs `name` (from the catalogue) or `module` (file.py:callable)"),
        ({"name": "relu", "module": "a.py:f"}, "`activation`: needs `name` (from the catalogue) or `module`"),
        ({"name": 3}, "`activation`: needs `name` (from the catalogue) or `module`"),
        ({"module": "own.py"}, "`activation`: `module`: must look like `file.py:callable`, got `own.py`"),
    ],
)
def test_what_names_no_activation_is_refused(activation: Any, message: str) -> None:
    with pytest.raises(InputError) as refused:
        create_model("mlp", activation=activation)
    assert str(refused.value).startswith(f"model `mlp`: {message}")


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("absent", "has no callable of this name, got `absent`"),
        ("Wrong", "must be a function or a Module, got `Wrong`"),
        ("Mixed", "raises TypeError: "),
    ],
)
def test_code_that_makes_no_activation_is_refused(own: str, part: str, message: str) -> None:
    options = {"unknown": 1} if part == "Mixed" else {}
    with pytest.raises(InputError, match=message):
        create_model("mlp", activation={"module": f"{own}:{part}", **options})
