"""What holds of every penalty a recipe can name."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

import gradus
from gradus.core.errors import InputError
from gradus.losses.penalties import PenaltyCard, Price, penalties

OPTIONS: dict[str, dict[str, Any]] = {
    "elastic_net": {"l1_ratio": 0.2},
    "group_lasso": {"axis": 1},
    "l1": {},
    "l2": {},
    "orthogonality": {},
}
"""Each penalty's options, beside its strength, with values that are not its defaults."""
WRONG: dict[str, Any] = {"strength": -1.0, "l1_ratio": 1.5, "axis": 2}
CARDS = pytest.mark.parametrize("card", penalties.cards(), ids=lambda card: card.name)
SHAPES = [(4, 6), (6, 4), (3, 2, 3, 3), (2, 3, 5)]


def weights(shape: tuple[int, ...], dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)


def build(card: PenaltyCard, strength: float = 0.1, **options: Any) -> Price:
    price: Price = card.build(**card.validate({"strength": strength, **options}))
    return price


def test_every_penalty_is_here() -> None:
    assert sorted(OPTIONS) == penalties.names()


@CARDS
def test_documents_itself(card: PenaltyCard) -> None:
    assert card.summary.endswith(".")
    assert "strength" in card.formula
    assert len(card.source) > 10


@CARDS
@pytest.mark.parametrize("options", [False, True])
def test_is_a_price_on_any_weight(card: PenaltyCard, options: bool) -> None:
    """One number, above 0, in proportion to the strength; its gradient equals finite differences."""
    given = OPTIONS[card.name] if options else {}
    for shape in SHAPES:
        weight = weights(shape).requires_grad_()
        price = build(card, **given)
        assert price(weight).shape == ()
        assert price(weight) > 0
        torch.testing.assert_close(build(card, 0.3, **given)(weight), 3 * price(weight), rtol=1e-14, atol=0)
        assert build(card, 0.0, **given)(weight) == 0
        assert gradcheck(price, (weight,))


@CARDS
def test_every_option_matters(card: PenaltyCard) -> None:
    weight = weights((4, 6))
    for name, value in OPTIONS[card.name].items():
        assert build(card, **{name: value})(weight) != build(card)(weight)


@CARDS
def test_compiles_whole_to_the_same_numbers(card: PenaltyCard) -> None:
    for shape in SHAPES:
        weight, price = weights(shape), build(card, **OPTIONS[card.name])
        compiled: Price = torch.compile(price, backend="eager", fullgraph=True)
        assert torch.equal(compiled(weight), price(weight))
        torch.compiler.reset()


@CARDS
def test_bfloat16_weights_have_a_price(card: PenaltyCard) -> None:
    weight, price = weights((4, 6), torch.bfloat16), build(card)
    torch.testing.assert_close(price(weight).double(), price(weight.double()), rtol=2e-2, atol=0)


@CARDS
def test_bad_options_are_refused_by_name(card: PenaltyCard) -> None:
    with pytest.raises(InputError, match=f"penalty `{card.name}`: option `strength` must be given"):
        card.validate({})
    for option in card.options:
        for wrong in (WRONG[option.name], float("inf")):
            with pytest.raises(InputError, match=f"penalty `{card.name}`: `{option.name}`"):
                card.validate({"strength": 1.0, option.name: wrong})


@CARDS
def test_lowers_what_it_prices_in_a_recipe(card: PenaltyCard, tmp_path: Path) -> None:
    recipe: dict[str, Any] = {
        "data": {"name": "digits", "test": 0.8},
        "model": {"name": "mlp", "hidden": [16]},
        "criterion": {"name": "cross_entropy"},
        "optimizer": {"name": "adamw", "lr": 1e-2, "weight_decay": 0.0},
        "training": {"epochs": 3, "threads": 1},
        "penalties": [{"name": card.name, "strength": 0.05, **OPTIONS[card.name]}],
    }
    price = build(card, 0.05, **OPTIONS[card.name])

    def paid(place: str, penalized: list[dict[str, Any]]) -> Any:
        run = gradus.train({**recipe, "penalties": penalized}, run=tmp_path / place)
        assert ("train_penalty" in run.result["metrics"]) == bool(penalized)
        return sum(price(each).item() for each in run.model().parameters() if each.dim() > 1)

    assert paid("priced", recipe["penalties"]) < 0.9 * paid("free", [])
