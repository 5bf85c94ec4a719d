"""What holds of every network in the catalogue.

Where numbers are needed, of the smallest of each family; of the others in `make test-all`.
"""

from contextlib import suppress
from dataclasses import replace
from functools import cache
from math import prod
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_model, save_model
from torch import Tensor, nn

from gradus.analysis.inspect import inspect
from gradus.core.errors import InputError
from gradus.core.spec import DataSpec
from gradus.models import ModelCard, build, create_model, models
from gradus.models.reuse import FeatureMaps, reset_classifier
from gradus.training.objective import output_of
from tests.contracts.counts import rows

ROWS = list(rows())
SIZES = {name: parameters for name, options, parameters, _ in ROWS if not options}
FAMILIES = {card.family: [each for each in models.cards() if each.family == card.family] for card in models.cards()}
SMALLEST = {min(family, key=lambda card: SIZES.get(card.name, 0)).name for family in FAMILIES.values()}
RECURRENT = {card.name for card in FAMILIES["recurrent"]}
SEQUENCES = {*RECURRENT, "char_transformer", "neural_lm", "nlinear", "seq2seq", "tcn"}
NO_MAPS = {
    *SEQUENCES,
    *("autoencoder", "denoising_autoencoder", "sparse_autoencoder", "factorization_machine", "linear_regression"),
    *("logistic_regression", "mlp", "recurrent_attention"),
    *("vit", "vit_tiny", "vit_small", "vit_base"),
}
NO_CLASSIFIER = {
    *(SEQUENCES - {"char_transformer", "neural_lm"}),
    *("autoencoder", "denoising_autoencoder", "sparse_autoencoder", "factorization_machine"),
    *("lenet5_1998", "linear_regression", "logistic_regression", "recurrent_attention"),
}
DRAWS = {"recurrent_attention"}
"""Their gradient is that of an expectation, not of what one draw gives; see training/objectives/test_reinforce.py."""
STILL_AT_FIRST = ".localisation."
"""Parameters before a layer of zero weights, by which a spatial transformer begins as the identity: no gradient yet."""
LAYERS = 60
"""Convolutions above which a network that is not the smallest of its family is compiled in `make test-all` only."""

CARDS = pytest.mark.parametrize(
    "card",
    [
        pytest.param(card, id=card.name, marks=pytest.mark.slow if SIZES.get(card.name) == 19_421_274 else ())
        for card in models.cards()
    ],
)
"""All of them; ResNet-1202 in `make test-all`."""
NUMBERS = pytest.mark.parametrize(
    "card",
    [
        pytest.param(card, id=card.name, marks=() if card.name in SMALLEST else pytest.mark.slow)
        for card in models.cards()
    ],
)


def on_meta(card: ModelCard, spec: DataSpec | None = None, **options: Any) -> nn.Module:
    with torch.device("meta"), torch.random.fork_rng(devices=[]):
        return build(card, spec or card.spec, options)


def seeded(card: ModelCard, seed: int, spec: DataSpec | None = None) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return create_model(card.name, spec=spec or card.spec)


def lighter(card: ModelCard) -> DataSpec:
    """The data of a card; photographs as small as it takes them."""
    return _lighter(card.name)


@cache
def _lighter(name: str) -> DataSpec:
    card = models.get(name)
    for side in (64, 96, 128):
        if len(card.input) > 2 and side < card.input[-1]:
            shape = (*card.input[:-2], side, side)
            spec = replace(card.spec, inputs=(shape,), outputs=prod(shape) if card.reconstructs else card.outputs)
            with suppress(InputError):
                on_meta(card, spec)
                return spec
    return card.spec


def examples(spec: DataSpec, number: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    if spec.vocabulary:
        return torch.randint(len(spec.vocabulary), (number, *spec.inputs[0]), generator=generator)
    return torch.randn(number, *spec.inputs[0], generator=generator)


def test_every_network_has_its_counts() -> None:
    assert {card.name for card in models.cards()} == set(SIZES)


@pytest.mark.parametrize(("name", "options", "parameters", "macs"), ROWS)
def test_counts_are_those_counted_elsewhere(name: str, options: dict[str, Any], parameters: int, macs: int) -> None:
    card = models.get(name)
    found = inspect(on_meta(card, **options), *card.spec.example("meta"))
    assert (found.parameters, found.macs) == (parameters, macs)


@CARDS
def test_published_counts_round_to_the_same_or_differ_for_a_reason(card: ModelCard) -> None:
    if card.published is None:
        pytest.skip("its source gives no counts")
    found = inspect(on_meta(card, **card.published.built), *card.spec.example("meta"))
    said = ((card.published.parameters, found.parameters), (card.published.macs, found.macs))
    assert any(theirs for theirs, _ in said)
    equal = all(theirs is None or abs(ours / theirs - 1) < 0.03 for theirs, ours in said)
    assert equal or card.published.difference


@CARDS
def test_documents_itself(card: ModelCard) -> None:
    assert card.summary.endswith(".")
    assert "{" not in card.summary
    assert len(card.source) > 10


@CARDS
@pytest.mark.parametrize("outputs", [1, 3])
def test_gives_one_row_of_outputs_per_example(card: ModelCard, outputs: int) -> None:
    for spec in {card.spec.inputs: card.spec, lighter(card).inputs: lighter(card)}.values():
        outputs = spec.outputs if card.reconstructs else outputs
        asked = replace(spec, outputs=outputs)
        model = on_meta(card, asked).eval()
        for number in (1, 5):
            assert output_of(model(examples(spec, number).to("meta"))).shape == asked.shape_of_output(number)


@CARDS
def test_every_parameter_is_used_in_training(card: ModelCard) -> None:
    model = on_meta(card)
    given = results(model(examples(card.spec, 2).to("meta")))
    torch.stack([each.sum() for each in given]).sum().backward()
    assert [name for name, each in model.named_parameters() if each.grad is None] == []


def results(given: Any) -> list[Tensor]:
    """Every tensor in what a model gives."""
    return (
        [given] if isinstance(given, Tensor) else [each for part in given if part is not None for each in results(part)]
    )


@CARDS
def test_takes_half_precision(card: ModelCard) -> None:
    x = examples(card.spec, 2).to("meta")
    half = on_meta(card).to(torch.bfloat16).eval()
    assert output_of(half(x.to(torch.bfloat16) if x.is_floating_point() else x)).dtype == torch.bfloat16


def deep(card: ModelCard) -> bool:
    return sum(isinstance(each, nn.Conv2d) for each in on_meta(card).modules()) > LAYERS


@pytest.mark.parametrize(
    "card",
    [
        pytest.param(card, id=card.name, marks=pytest.mark.slow if deep(card) and card.name not in SMALLEST else ())
        for card in models.cards()
    ],
)
def test_compilers_follow_it_whole(card: ModelCard) -> None:
    model, inputs = on_meta(card).eval(), tuple(card.spec.example("meta"))
    expected = output_of(model(*inputs)).shape
    torch._dynamo.reset()
    with torch._dynamo.config.patch(allow_rnn=True):
        assert output_of(torch.compile(model, backend="eager", fullgraph=True)(*inputs)).shape == expected
    assert output_of(torch.export.export(model, inputs).module()(*inputs)).shape == expected


@pytest.mark.slow
@pytest.mark.timeout(1800)  # deep networks take minutes
@pytest.mark.parametrize("name", sorted(SMALLEST))
def test_compiled_to_machine_code_it_gives_the_same(name: str) -> None:
    """By torch's default compiler, of the smallest of each family."""
    card = models.get(name)
    model, x = seeded(card, 0, lighter(card)).eval(), examples(lighter(card), 2)
    torch._dynamo.reset()
    with torch.no_grad(), torch._dynamo.config.patch(allow_rnn=True):
        expected = output_of(model(x))
        found = output_of(torch.compile(model)(x))
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4 * max(1.0, float(expected.abs().max())))


@CARDS
def test_without_a_classifier_it_gives_what_that_was_given(card: ModelCard) -> None:
    whole, bare = on_meta(card), on_meta(card)
    if card.name in NO_CLASSIFIER:
        with pytest.raises(InputError, match=r"must be a chain of layers|ends in an output layer"):
            reset_classifier(whole, 0)
        return
    reset_classifier(bare, 0)
    reset_classifier(whole, 7)
    x = examples(card.spec, 2).to("meta")
    assert output_of(whole.eval()(x)).shape == replace(card.spec, outputs=7).shape_of_output(2)
    features = output_of(bare.eval()(x))
    assert features.shape[0] == 2
    assert sum(each.numel() for each in bare.parameters()) < SIZES[card.name]


def maps_of(card: ModelCard) -> FeatureMaps | None:
    with suppress(InputError):
        return FeatureMaps(on_meta(card), card.input)
    return None


@CARDS
def test_maps_come_from_fine_to_coarse_but_for_dense_layers_and_tokens(card: ModelCard) -> None:
    maps = maps_of(card)
    assert (maps is None) == (card.name in NO_MAPS)
    if maps is None:
        return
    found = maps(torch.empty(2, *card.input, device="meta"))
    assert [each.shape[1] for each in found] == list(maps.channels)
    assert sorted(set(maps.strides)) == list(maps.strides)
    for each, stride in zip(found, maps.strides, strict=True):
        assert each.shape[-1] <= card.input[-1] / stride + 1


SMALL_IMAGES = pytest.mark.parametrize(
    ("card", "side"),
    [
        pytest.param(card, side, id=f"{card.name}-{side}", marks=() if card.name in SMALLEST else pytest.mark.slow)
        for card in models.cards()
        if len(card.input) >= 3 and not card.reconstructs
        for side in (28, 32, 64)
    ],
)
OF_32 = {"lenet5": 32, "lenet5_1998": 32}
"""Networks that are drawn for 32 pixels and take no larger ones."""


def at_side(card: ModelCard, side: int) -> tuple[DataSpec, dict[str, Any]]:
    """Data of so small a side, and the options with which a network takes it: those it recommends."""
    spec = replace(card.spec, inputs=((*card.input[:-2], side, side),))
    options: dict[str, Any] = {}
    names = {each.name for each in card.options}
    if card.input[-1] > 64 and "reduction" in names:
        options["reduction"] = 16 if side == 64 else 8
    if "patch" in names:
        options["patch"] = 4
    return spec, options


@SMALL_IMAGES
def test_small_images_leave_maps_of_2_x_2_and_more(card: ModelCard, side: int) -> None:
    spec, options = at_side(card, side)
    if side > OF_32.get(card.name, side):
        with pytest.raises(InputError, match=f"model `{card.name}`: takes images of at most 32 x 32"):
            on_meta(card, spec)
        return
    model = on_meta(card, spec, **options)
    assert output_of(model.eval()(examples(spec, 2).to("meta"))).shape == (2, card.outputs)
    if card.name in NO_MAPS:
        return
    maps = FeatureMaps(model, spec.inputs[0])
    found = maps(examples(spec, 2).to("meta"))
    assert [each.shape[1] for each in found] == list(maps.channels)
    assert min(min(each.shape[-2:]) for each in found) >= 2, [each.shape for each in found]


@pytest.mark.parametrize(
    "card",
    [
        pytest.param(card, id=card.name, marks=pytest.mark.slow if len(card.input) > 3 else ())
        for card in models.cards()
        if card.name in SMALLEST - DRAWS and len(card.input) >= 3 and not card.reconstructs
    ],
)
def test_a_step_down_the_gradient_lowers_the_loss_of_small_images(card: ModelCard) -> None:
    spec, options = at_side(card, 32)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = build(card, spec, options).train()
        x = examples(spec, 4)

        def loss() -> Tensor:
            torch.manual_seed(1)  # of what dropout leaves out
            given = results(model(x))
            return torch.stack([each.flatten(1).logsumexp(1).mean() - each[:, 0].mean() for each in given]).sum()

        before = loss()
        slopes = torch.autograd.grad(before, list(model.parameters()))  # of all, or it refuses
        length = torch.stack([each.norm() for each in slopes]).norm()
        with torch.no_grad():
            for each, slope in zip(model.parameters(), slopes, strict=True):
                each.sub_(1e-3 * slope / length)
        assert 0 < before - loss() < 2e-3 * length


def test_images_too_small_are_refused_with_a_reduction_that_fits() -> None:
    for card in models.cards():
        if card.input[-1] > 64 and "reduction" in {each.name for each in card.options}:
            side = 9 if len(card.input) == 3 else 8
            spec = replace(card.spec, inputs=((*card.input[:-2], side, side),))
            with pytest.raises(InputError, match=r"Enlarge them, or set `reduction` to \d+\.$") as refused:
                on_meta(card, spec)
            advised = int(refused.value.repair.split()[-1].rstrip("."))
            assert on_meta(card, spec, reduction=advised) is not None


@NUMBERS
def test_weights_are_the_seeds(card: ModelCard) -> None:
    first, again, other = (seeded(card, seed, lighter(card)).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


@NUMBERS
def test_gradients_reach_every_parameter(card: ModelCard) -> None:
    spec = lighter(card)
    model = seeded(card, 0, spec)
    size = prod(spec.inputs[0])
    number = 64 if size < 2000 else 8 if size < 100_000 else 2
    given = results(model(examples(spec, number)))
    generator = torch.Generator().manual_seed(1)
    torch.stack([(each * torch.randn(each.shape, generator=generator)).sum() for each in given]).sum().backward()
    for name, each in model.named_parameters():
        assert each.grad is not None, name
        assert each.grad.isfinite().all(), name
        assert each.grad.any() or STILL_AT_FIRST in name, name


@NUMBERS
def test_survives_a_safetensors_file(card: ModelCard, tmp_path: Path) -> None:
    saved, loaded = (seeded(card, seed, lighter(card)) for seed in (1, 2))
    save_model(saved, str(tmp_path / "model.safetensors"))
    load_model(loaded, tmp_path / "model.safetensors", strict=True)
    x = examples(lighter(card), 2)
    assert torch.equal(output_of(loaded.eval()(x)), output_of(saved.eval()(x)))


@NUMBERS
def test_evaluation_is_repeatable(card: ModelCard) -> None:
    model, x = seeded(card, 0, lighter(card)).eval(), examples(lighter(card), 2)
    before = {name: each.clone() for name, each in model.state_dict().items()}
    assert torch.equal(output_of(model(x)), output_of(model(x)))
    assert all(torch.equal(each, before[name]) for name, each in model.state_dict().items())


@CARDS
def test_unknown_options_are_refused_by_name(card: ModelCard) -> None:
    names = [each.name for each in card.options] or ["width"]
    for name in [*names, *card.preset]:
        wrong = name if name in card.preset else name + "s"
        options: dict[str, Any] = {wrong: 1}
        with pytest.raises(InputError, match=f"model `{card.name}`: unknown option `{wrong}`") as caught:
            create_model(card.name, **options)
        if card.options and wrong != name:
            assert f"Did you mean `{name}`" in str(caught.value)


@CARDS
def test_unfit_data_is_refused_in_the_networks_name(card: ModelCard) -> None:
    for inputs, dtypes in ((((1, 8, 8), (3,)), ()), (((1, 8, 8),), ("int64",)), (((),), ())):
        spec = DataSpec(task=card.tasks[0], inputs=inputs, input_dtypes=dtypes, outputs=2)
        with pytest.raises(InputError, match=f"model `{card.name}`: "):
            create_model(card.name, spec=spec)


@CARDS
def test_takes_small_square_images(card: ModelCard) -> None:
    """Networks for small images take those of 8 x 8; others say in their own name how large they must be."""
    if card.name in SEQUENCES or len(card.input) > 3:
        pytest.skip("takes no images")
    spec = DataSpec(task=card.tasks[0], inputs=((1, 8, 8),), outputs=64 if card.reconstructs else 4)
    if len(card.input) == 3 and card.input[-1] > 64:
        with pytest.raises(InputError, match=f"model `{card.name}`: takes images of at least"):
            on_meta(card, spec)
        return
    model = on_meta(card, spec)
    assert output_of(model(examples(spec, 3).to("meta"))).shape == (3, spec.outputs)
