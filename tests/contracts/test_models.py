"""What holds of every network in the catalogue."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_model, save_model
from torch import Tensor

from gradus.analysis.inspect import inspect
from gradus.core.errors import InputError
from gradus.core.spec import DataSpec
from gradus.models import ModelCard, create_model, list_models, models
from gradus.training.objective import output_of

# Parameters and multiply-adds at the published input, worked out by hand.
COUNTS = {
    # 32(784 + 1) + 784(32 + 1)
    "autoencoder": (25_120 + 25_872, 2 * 25_088),
    # 64(784 + 1) + 784(64 + 1)
    "denoising_autoencoder": (50_240 + 50_960, 2 * 50_176),
    # w0 + w + 8 factors of 100; w x, the 8 sums v_k x, and the sum of squares
    "factorization_machine": (1 + 100 + 800, 100 + 800 + 100),
    # C1 6(25 + 1) + C3 16(150 + 1) + C5 120(400 + 1) + F6 84(120 + 1) + output 10(84 + 1)
    # 150 * 28^2 + 2,400 * 10^2 + 48,000 + 10,080 + 840
    "lenet5": (156 + 2_416 + 48_120 + 10_164 + 850, 117_600 + 240_000 + 48_000 + 10_080 + 840),
    # C1, S2 6 * 2, C3 60 * 25 + 16, S4 16 * 2, C5, F6; C3 runs dense, the distances are no matrix product
    "lenet5_1998": (156 + 12 + 1_516 + 32 + 48_120 + 10_164, 117_600 + 240_000 + 48_000 + 10_080),
    "linear_regression": (1 + 1, 1),
    # 10(784 + 1)
    "logistic_regression": (7_850, 7_840),
    # 4 gates of 64(7 + 64 + 2), two biases each, + 1(64 + 1); 24 steps of 4 * 64(7 + 64)
    "lstm": (18_688 + 65, 24 * 18_176 + 64),
    # 128(784 + 1) + 10(128 + 1)
    "mlp": (100_480 + 1_290, 100_352 + 1_280),
    # 65 * 24 + 256(16 * 24 + 1) + 65(256 + 1); looking up an embedding multiplies nothing
    "neural_lm": (1_560 + 98_560 + 16_705, 98_304 + 16_640),
    # 7(96 * 7 + 1)
    "nlinear": (4_711, 4_704),
    # 64(784 + 1) + 784(64 + 1)
    "sparse_autoencoder": (50_240 + 50_960, 2 * 50_176),
    # 9(1*16 + 16*16 + 16*32 + 32*32 + 32*64 + 64*64) + norms 2 * 2(16 + 32 + 64) + 10(64 + 1)
    # 28^2 * 9(16 + 256) + 14^2 * 9(512 + 1,024) + 7^2 * 9(2,048 + 4,096) + 640
    "small_cnn": (71_568 + 448 + 650, 1_919_232 + 2_709_504 + 2_709_504 + 640),
}
OTHERS = {"lstm", "nlinear", "neural_lm"}
"""Networks for series and text, which take no images."""
CARDS = pytest.mark.parametrize("card", models.cards(), ids=lambda card: card.name)


def seeded(card: ModelCard, seed: int, spec: DataSpec | None = None) -> torch.nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return create_model(card.name, spec=spec or card.spec)


def examples(spec: DataSpec, number: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    if spec.vocabulary:
        return torch.randint(len(spec.vocabulary), (number, *spec.inputs[0]), generator=generator)
    return torch.randn(number, *spec.inputs[0], generator=generator)


def test_every_network_has_its_counts_here() -> None:
    assert sorted(COUNTS) == list_models()


@CARDS
def test_has_the_documented_counts(card: ModelCard) -> None:
    found = inspect(create_model(card.name), *card.spec.example())
    assert (found.parameters, found.macs) == COUNTS[card.name]


@CARDS
def test_documents_itself(card: ModelCard) -> None:
    assert card.summary.endswith(".")
    assert len(card.source) > 10


@CARDS
@pytest.mark.parametrize("outputs", [1, 3])
def test_gives_one_row_of_outputs_per_example(card: ModelCard, outputs: int) -> None:
    outputs = card.outputs if card.reconstructs else outputs
    model = create_model(card.name, num_classes=outputs)
    for number in (1, 5):
        assert output_of(model.eval()(examples(card.spec, number))).shape == (number, outputs)


@CARDS
def test_takes_small_square_images(card: ModelCard) -> None:
    if card.name in OTHERS:
        pytest.skip("takes no images")
    outputs = 64 if card.reconstructs else 4
    spec = DataSpec(task=card.tasks[0], inputs=((1, 8, 8),), outputs=outputs)
    output = output_of(seeded(card, 0, spec)(examples(spec, 3)))
    assert output.shape == (3, outputs)
    assert output.isfinite().all()


@CARDS
def test_weights_are_the_seeds(card: ModelCard) -> None:
    first, again, other = (seeded(card, seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


@CARDS
def test_gradients_reach_every_parameter(card: ModelCard) -> None:
    model = seeded(card, 0)
    output = output_of(model(examples(card.spec, 64)))
    (output * torch.randn(output.shape, generator=torch.Generator().manual_seed(1))).sum().backward()
    for name, each in model.named_parameters():
        assert each.grad is not None, name
        assert each.grad.isfinite().all(), name
        assert each.grad.any(), name


@CARDS
def test_survives_a_safetensors_file(card: ModelCard, tmp_path: Path) -> None:
    saved, loaded = seeded(card, 1), seeded(card, 2)
    save_model(saved, str(tmp_path / "model.safetensors"))
    load_model(loaded, tmp_path / "model.safetensors", strict=True)
    x = examples(card.spec, 2)
    assert torch.equal(output_of(loaded.eval()(x)), output_of(saved.eval()(x)))


@CARDS
def test_evaluation_is_repeatable(card: ModelCard) -> None:
    model, x = seeded(card, 0).eval(), examples(card.spec, 2)
    before = {name: each.clone() for name, each in model.state_dict().items()}
    assert torch.equal(output_of(model(x)), output_of(model(x)))
    assert all(torch.equal(each, before[name]) for name, each in model.state_dict().items())


@CARDS
def test_unknown_options_are_refused_by_name(card: ModelCard) -> None:
    names = [each.name for each in card.options] or ["width"]
    for name in names:
        wrong = name + "s"
        options: dict[str, Any] = {wrong: 1}
        with pytest.raises(InputError, match=f"model `{card.name}`: unknown option `{wrong}`") as caught:
            create_model(card.name, **options)
        if card.options:
            assert f"Did you mean `{name}`" in str(caught.value)


@CARDS
def test_unfit_data_is_refused_in_the_networks_name(card: ModelCard) -> None:
    for inputs, dtypes in ((((1, 8, 8), (3,)), ()), (((1, 8, 8),), ("int64",)), (((),), ())):
        spec = DataSpec(task=card.tasks[0], inputs=inputs, input_dtypes=dtypes, outputs=2)
        with pytest.raises(InputError, match=f"model `{card.name}`: "):
            create_model(card.name, spec=spec)
