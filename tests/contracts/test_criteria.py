"""What holds of every criterion a recipe can name."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from gradus.core.errors import InputError
from gradus.losses import CriterionCard, criteria

N, C = 12, 4
COUNTS = torch.tensor([30, 7, 1, 12])
OPTIONS: dict[str, list[dict[str, Any]]] = {
    "class_balanced": [{"beta": 0.99, "gamma": 1.5}],
    "cross_entropy": [{"label_smoothing": 0.1}],
    "exponential": [],
    "focal": [{"gamma": 0.5}],
    "hinge": [{"margin": 0.5}],
    "huber": [{"delta": 0.3}],
    "kl_divergence": [],
    "log_cosh": [],
    "mae": [],
    "mbe": [],
    "mse": [],
    "multi_margin": [{"p": 2, "margin": 0.5}],
    "quantile": [{"quantile": 0.9}],
    "rmse": [],
    "smooth_l1": [{"beta": 0.3}],
    "squared_hinge": [{"margin": 0.5}],
}
"""Each criterion's options with values that are not its defaults."""
WRONG: dict[str, Any] = {
    "beta": -1.0,
    "class_weights": "even",
    "delta": 0.0,
    "gamma": -1.0,
    "label_smoothing": 1.0,
    "margin": 0.0,
    "p": 3,
    "quantile": 1.0,
}
CLASSES_ONLY = {"multi_margin"}
CARDS = pytest.mark.parametrize("card", criteria.cards(), ids=lambda card: card.name)


def build(card: CriterionCard, **options: Any) -> Callable[[Tensor, Tensor], Tensor]:
    made: Callable[[Tensor, Tensor], Tensor] = card.build(
        *([COUNTS] if card.class_counts else []), **card.validate(options)
    )
    return made


def forms(card: CriterionCard) -> list[dict[str, Any]]:
    """Options to try a criterion with: none, those above, weights of classes."""
    weighted: list[dict[str, Any]] = [{"class_weights": "balanced"}, {"class_weights": [1, 2.0, 0.5, 3.0]}]
    return [{}, *OPTIONS[card.name], *(weighted if any(each.name == "class_weights" for each in card.options) else [])]


def examples(card: CriterionCard, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    output = torch.randn(N, C, generator=generator, dtype=torch.float64).to(dtype)
    if "classification" in card.tasks:
        return output, torch.arange(N) % C
    return output, torch.randn(N, C, generator=generator, dtype=torch.float64).to(dtype)


def mixed() -> Tensor:
    return torch.randn(N, C, generator=torch.Generator().manual_seed(1)).softmax(1)


def test_every_criterion_is_here() -> None:
    assert sorted(OPTIONS) == criteria.names()


@CARDS
def test_documents_itself(card: CriterionCard) -> None:
    assert card.summary.endswith(".")
    assert card.formula
    assert len(card.source) > 10


@CARDS
def test_gives_one_number_and_a_gradient_for_every_output(card: CriterionCard) -> None:
    for options in forms(card):
        output, target = examples(card)
        loss = build(card, **options)(output.requires_grad_(), target)
        assert loss.shape == ()
        assert loss.dtype == torch.float32
        (gradient,) = torch.autograd.grad(loss, output)
        assert gradient.isfinite().all()
        assert gradient.any()


@CARDS
def test_every_option_matters(card: CriterionCard) -> None:
    output, target = examples(card)
    changed = {"class_weights": "balanced"} | {key: each for table in OPTIONS[card.name] for key, each in table.items()}
    plain = build(card)(output, target)
    for option in card.options:
        assert build(card, **{option.name: changed[option.name]})(output, target) != plain


@CARDS
def test_gradient_equals_finite_differences(card: CriterionCard) -> None:
    for options in forms(card):
        output, target = examples(card, torch.float64)
        criterion = build(card, **options)
        if isinstance(criterion, torch.nn.Module):
            criterion.double()
        assert gradcheck(criterion, (output.requires_grad_(), target))


@CARDS
def test_mixed_examples_are_taken_or_refused(card: CriterionCard) -> None:
    if "classification" not in card.tasks:
        return
    output, _ = examples(card)
    for options in forms(card):
        criterion = build(card, **options)
        if card.name in CLASSES_ONLY:
            with pytest.raises(RuntimeError):
                criterion(output, mixed())
        else:
            assert criterion(output, mixed()).isfinite()


@CARDS
def test_compiles_whole_to_the_same_numbers(card: CriterionCard) -> None:
    for options in forms(card):
        output, target = examples(card)
        criterion = build(card, **options)
        compiled = torch.compile(criterion, backend="eager", fullgraph=True)
        assert torch.equal(compiled(output, target), criterion(output, target))
        torch.compiler.reset()


@CARDS
def test_under_autocast_it_is_computed_in_float32(card: CriterionCard) -> None:
    """A network's last layer gives bfloat16 there."""
    for options in forms(card):
        output, target = examples(card)
        output = output.bfloat16()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = build(card, **options)(output, target)
        expected = build(card, **options)(output.float(), target)
        assert loss.dtype == torch.float32
        torch.testing.assert_close(loss, expected, rtol=1e-5, atol=1e-6)


@CARDS
def test_bad_options_are_refused_by_name(card: CriterionCard) -> None:
    for option in card.options:
        for wrong in (WRONG[option.name], float("inf")):
            with pytest.raises(InputError, match=f"criterion `{card.name}`: `{option.name}`"):
                card.validate({option.name: wrong})
        with pytest.raises(InputError, match=f"unknown option `{option.name}s`"):
            card.validate({f"{option.name}s": 1})


@CARDS
def test_module_criteria_have_no_state_to_save(card: CriterionCard) -> None:
    """Their weights come from the recipe and its data, so a checkpoint needs none of them."""
    for options in forms(card):
        criterion = build(card, **options)
        if isinstance(criterion, torch.nn.Module):
            assert not criterion.state_dict()
            assert not list(criterion.parameters())
