"""What holds of every normalization and every dropout."""

import copy
import inspect
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gradus.core.cards import Card
from gradus.core.errors import InputError
from gradus.nn import DropoutCard, NormalizationCard, dropouts, normalizations

TORCH: dict[str, Any] = {
    "batch": nn.BatchNorm2d,
    "layer": nn.LayerNorm,
    "instance": nn.InstanceNorm2d,
    "group": nn.GroupNorm,
    "local_response": nn.LocalResponseNorm,
    "spectral": torch.nn.utils.parametrizations.spectral_norm,
    "dropout": nn.Dropout,
    "dropout1d": nn.Dropout1d,
    "dropout2d": nn.Dropout2d,
    "dropout3d": nn.Dropout3d,
    "alpha_dropout": nn.AlphaDropout,
    "feature_alpha_dropout": nn.FeatureAlphaDropout,
}
ALL: list[NormalizationCard | DropoutCard] = [*normalizations.cards(), *dropouts.cards()]
CARDS = pytest.mark.parametrize("card", ALL, ids=lambda card: card.name)


def made(card: NormalizationCard | DropoutCard, **options: Any) -> tuple[nn.Module, Tensor]:
    """What a card builds and something to give it."""
    generator = torch.Generator().manual_seed(0)
    if card.of == "weights":
        return card.build(nn.Linear(8, 8), **options), torch.randn(4, 8, generator=generator)
    if card.of == "recurrence":
        return card.build(8, 8, **options), torch.randn(5, 4, 8, generator=generator)
    axes = card.axes[-1]
    x = torch.randn(4, 8, *[5] * axes, generator=generator)
    return (card.build(8, axes, **options) if isinstance(card, NormalizationCard) else card.build(**options)), x


def output(layer: nn.Module, x: Tensor) -> Tensor:
    result = layer(x)
    first: Tensor = result[0] if isinstance(result, tuple) else result
    return first


@CARDS
def test_card_is_complete(card: Card) -> None:
    assert card.summary.endswith(".")
    assert card.formula
    assert len(card.source) > 10
    if isinstance(card, DropoutCard):
        assert "p is the probability to drop" in card.notes
    else:
        assert card.notes


@pytest.mark.parametrize("name", TORCH)
def test_card_tells_torchs_defaults_where_they_differ(name: str) -> None:
    card: Card = normalizations.get(name) if name in normalizations else dropouts.get(name)
    theirs = inspect.signature(TORCH[name]).parameters
    told = card.elsewhere.get("torch", {})
    compared = [each for each in card.options if each.name in theirs]
    assert compared
    for each in compared:
        default = theirs[each.name].default
        if default is not inspect.Parameter.empty:
            assert default == told.get(each.name, each.default)


@CARDS
def test_every_dimension_it_names_is_built(card: NormalizationCard | DropoutCard) -> None:
    if card.of in ("weights", "recurrence", "branches"):
        return
    for axes in card.axes:
        layer = card.build(8, axes) if isinstance(card, NormalizationCard) else card.build()
        x = torch.randn(4, 8, *[5] * axes)
        assert layer(x).shape == x.shape


@CARDS
def test_gradients_reach_every_parameter_and_input(card: NormalizationCard | DropoutCard) -> None:
    layer, x = made(card)
    x.requires_grad_()
    y = output(layer, x)
    (y * torch.randn(y.shape)).sum().backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()
    for name, each in layer.named_parameters():
        assert each.grad is not None, name
        assert each.grad.any(), name


@CARDS
def test_state_survives_a_round_trip(card: NormalizationCard | DropoutCard) -> None:
    layer, x = made(card)
    output(layer, x)  # so that running statistics are not what they begin as
    other, _ = made(card)
    other.load_state_dict(layer.state_dict())
    assert torch.equal(output(other.eval(), x), output(layer.eval(), x))


@CARDS
def test_compiles(card: NormalizationCard | DropoutCard) -> None:
    layer, x = made(card)
    torch.compiler.reset()
    compiled: Any = torch.compile(layer, backend="eager", fullgraph=True)
    twin = copy.deepcopy(layer)  # running statistics and power iterations go on with each pass
    torch.manual_seed(3)
    expected = output(twin, x)
    torch.manual_seed(3)
    torch.testing.assert_close(output(compiled, x), expected)


@CARDS
def test_computes_in_bfloat16(card: NormalizationCard | DropoutCard) -> None:
    if card.name == "local_response":
        pytest.skip("torch's own does not, on a CPU")
    layer, x = made(card)
    exact = output(layer.eval(), x)
    low = output(layer.to(torch.bfloat16), x.to(torch.bfloat16))
    assert low.dtype == torch.bfloat16
    torch.testing.assert_close(low.float(), exact, rtol=0.05, atol=0.05)


@CARDS
def test_bad_options_are_refused_by_name(card: Card) -> None:
    with pytest.raises(InputError, match=f"{card.kind} `{card.name}`: unknown option `nonsense`"):
        card.validate({"nonsense": 1})
    for each in card.options:
        wrong: Any = "wrong" if each.name in ("per", "affine") else -1
        for value in (wrong, float("inf")):
            with pytest.raises(InputError, match=f"{card.kind} `{card.name}`: `{each.name}`"):
                card.validate({each.name: value})


@pytest.mark.parametrize("name", dropouts.names())
def test_dropout_is_the_identity_in_evaluation(name: str) -> None:
    card = dropouts.get(name)
    layer, x = made(card)
    expected = layer.layer(x) if card.of == "weights" else x  # type: ignore[operator]
    assert torch.equal(layer.eval()(x), expected)
