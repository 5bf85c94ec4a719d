"""What holds of every scheme for first weights."""

import inspect
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import nn

from gradus.core.cards import Card
from gradus.core.errors import InputError
from gradus.nn import initializers
from gradus.nn.initialization import initialize
from gradus.nn.schemes import Fans, moments

OF_THE_MODEL = {"auto", "lsuv"}
CARDS = pytest.mark.parametrize("card", initializers.cards(), ids=lambda card: card.name)
DRAWS = pytest.mark.parametrize(
    "card", [each for each in initializers.cards() if each.name not in OF_THE_MODEL], ids=lambda card: card.name
)
TORCH: Mapping[str, Any] = {
    "normal": nn.init.normal_,
    "xavier_normal": nn.init.xavier_normal_,
    "xavier_uniform": nn.init.xavier_uniform_,
    "constant": nn.init.constant_,
    "orthogonal": nn.init.orthogonal_,
    "truncated_normal": nn.init.trunc_normal_,
}


def fill(card: Card, weight: torch.Tensor, seed: int = 0) -> Any:
    return card.build()(weight, Fans(weight.shape[1], weight.shape[0]), torch.Generator().manual_seed(seed))


@CARDS
def test_card_is_complete(card: Card) -> None:
    assert card.summary.endswith(".")
    assert card.formula
    assert len(card.source) > 10


@pytest.mark.parametrize("name", TORCH)
def test_card_tells_torchs_defaults_where_they_differ(name: str) -> None:
    card, theirs = initializers.get(name), inspect.signature(TORCH[name]).parameters
    told = card.elsewhere.get("torch", {})
    for each in card.options:
        if each.name in theirs and theirs[each.name].default is not inspect.Parameter.empty:
            assert theirs[each.name].default == told.get(each.name, each.default)


@DRAWS
def test_what_is_drawn_is_what_was_asked_for(card: Card) -> None:
    weight = torch.empty(512, 512)
    asked, drawn = fill(card, weight), moments(weight)
    assert drawn.deviation == pytest.approx(asked.deviation, rel=0.01)
    assert drawn.mean == pytest.approx(asked.mean, abs=0.01 * asked.deviation)


@DRAWS
def test_seeds_decide(card: Card) -> None:
    first, again, other = torch.empty(16, 16), torch.empty(16, 16), torch.empty(16, 16)
    state = torch.get_rng_state()
    fill(card, first)
    fill(card, again)
    fill(card, other, seed=1)
    assert torch.equal(first, again)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first, other) == (card.name in ("constant", "identity"))


@DRAWS
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_other_types_are_filled(card: Card, dtype: torch.dtype) -> None:
    weight = torch.full((64, 64), torch.nan, dtype=dtype)
    fill(card, weight)
    assert weight.isfinite().all()


@CARDS
def test_a_network_so_initialized_compiles_and_comes_back_from_a_file(card: Card) -> None:
    def network() -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.ReLU(), nn.ConvTranspose2d(4, 4, 2), nn.Flatten(), nn.Linear(100, 3)
        )

    net, x = network(), torch.randn(4, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    options: dict[str, Any] = {"factor": 1} if card.name == "icnr" else {}
    rows = initialize(net, card.name, example=x, **options)
    assert rows.left == []
    torch.compiler.reset()
    assert torch.equal(torch.compile(net, backend="eager", fullgraph=True)(x), net(x))
    other = network()
    other.load_state_dict(net.state_dict())
    assert torch.equal(other(x), net(x))


@CARDS
def test_bad_options_are_refused_by_name(card: Card) -> None:
    with pytest.raises(InputError, match=f"initializer `{card.name}`: unknown option `nonsense`"):
        initialize(nn.Linear(2, 2), card.name, nonsense=1)
    for each in card.options:
        wrong: Any = "wrong" if each.name in ("fan", "value", "leak", "zero_gamma") else 0
        for value in (wrong, float("inf")):
            with pytest.raises(InputError, match=f"initializer `{card.name}`: `{each.name}`"):
                card.validate({each.name: value})
