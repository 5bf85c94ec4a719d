"""GoogLeNet: the classifiers half-way, its options, and what the paper claims."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import gradus
from gradus.analysis.inspect import inspect
from gradus.core.errors import InputError
from gradus.models import create_model, models
from gradus.models.googlenet import DeeplySupervised, GoogLeNet
from tests.end_to_end.recipes import digits


def on_meta(side: int = 224, **options: object) -> GoogLeNet:
    with torch.device("meta"):
        model = create_model("googlenet", input_shape=(3, side, side), **options)  # type: ignore[arg-type]
    assert isinstance(model, GoogLeNet)
    return model


def size(module: nn.Module) -> int:
    return sum(each.numel() for each in module.parameters())


def test_it_has_a_ninth_of_the_parameters_of_alexnet() -> None:
    """The paper says a twelfth; see the card's notes."""
    with torch.device("meta"):
        alexnet = create_model("alexnet")
    ratio = size(alexnet) / size(on_meta(auxiliary=False))
    assert ratio == pytest.approx(8.711, abs=5e-4)
    assert f"{ratio:.1f} times fewer parameters" in models.get("googlenet").notes


def test_modules_take_the_multiply_adds_of_table_1() -> None:
    """In millions; its 54 for 5a, and its 34 for the first convolution, are not what the widths beside them take."""
    model = on_meta().eval()
    found = inspect(model, torch.empty(1, 3, 224, 224, device="meta"))
    macs = {
        call.place.rpartition("inception")[2]: layer.cost.macs / 1e6
        for call, layer in zip(found.trace.calls, found.layers, strict=True)
        if call.place.startswith("body.inception") and call.place.count(".") == 1
    }
    table = {"3a": 128, "3b": 304, "4a": 73, "4b": 88, "4c": 100, "4d": 119, "4e": 170, "5b": 71}
    for name, expected in table.items():
        assert macs[name] == pytest.approx(expected, abs=1)
    assert macs["5a"] == pytest.approx(51.1, abs=0.1)


def test_classifiers_half_way_follow_modules_4a_and_4d_in_training_only() -> None:
    torch.manual_seed(0)
    model = create_model("googlenet", input_shape=(3, 64, 64), num_classes=5)
    assert isinstance(model, GoogLeNet)
    for each in model.modules():
        if isinstance(each, nn.Dropout):
            each.p = 0.0
    kept: dict[str, Tensor] = {}
    for name in ("inception4a", "inception4d"):
        layer = model.body.get_submodule(name)
        layer.register_forward_hook(lambda _module, _inputs, output, name=name: kept.update({name: output}))
    x = torch.randn(2, 3, 64, 64)
    given = model(x)
    assert isinstance(given, DeeplySupervised)
    assert given.weight == 0.3
    expected = [model.auxiliary[name](kept[name]) for name in ("inception4a", "inception4d")]
    assert all(torch.equal(a, b) for a, b in zip(given.auxiliary, expected, strict=True))
    assert torch.equal(model.eval()(x), given.output)
    bare = on_meta(64, auxiliary=False).train()
    assert bare(x.to("meta")).shape == (2, 1000)


@pytest.mark.parametrize(
    ("side", "reduction", "batch_norm", "inputs"),
    [
        (224, 32, False, 128 * 16),  # 14 pixels, windows of 5 that are 3 apart
        (224, 32, True, 128 * 16),
        (320, 32, False, 128 * 36),  # 20 pixels
        (320, 32, True, 128 * 16),
        (64, 32, False, 128),  # 4 pixels, one window
        (64, 32, True, 128 * 16),
        (33, 32, True, 128 * 4),  # 17, 8, 4, 2
        (32, 8, False, 128 * 4),  # 8 pixels
        (28, 4, False, 128 * 16),  # 14 pixels
    ],
)
def test_classifiers_half_way_take_the_maps_there_are(side: int, reduction: int, batch_norm: bool, inputs: int) -> None:
    model = on_meta(side, reduction=reduction, batch_norm=batch_norm).train()
    for head in model.auxiliary.values():
        assert head.get_submodule("dense").in_features == inputs
    given = model(torch.empty(2, 3, side, side, device="meta"))
    assert [each.shape for each in (given.output, *given.auxiliary)] == [(2, 1000)] * 3


def test_batch_normalization_takes_the_place_of_biases_and_of_normalized_responses() -> None:
    plain, normalized = on_meta(), on_meta(batch_norm=True)

    def number(model: nn.Module, kind: type[nn.Module]) -> int:
        return sum(isinstance(each, kind) for each in model.modules())

    convolutions = [each for each in normalized.modules() if isinstance(each, nn.Conv2d)]
    assert len(convolutions) == 3 + 9 * 6 + 2
    assert all(each.bias is None for each in convolutions)
    assert (number(plain, nn.BatchNorm2d), number(normalized, nn.BatchNorm2d)) == (0, len(convolutions))
    assert (number(plain, nn.LocalResponseNorm), number(normalized, nn.LocalResponseNorm)) == (2, 0)


@pytest.mark.parametrize(("batch_norm", "last"), [(False, 0.4), (True, 0.2)])
def test_dropout_is_that_of_the_paper_or_of_torchvision_at_the_end(batch_norm: bool, last: float) -> None:
    model = on_meta(batch_norm=batch_norm)
    assert [each.p for each in model.modules() if isinstance(each, nn.Dropout)] == [last, 0.7, 0.7]


def test_smaller_images_than_the_reduction_are_refused() -> None:
    model = on_meta(32).eval()
    assert model.body[:-4](torch.empty(1, 3, 32, 32, device="meta")).shape == (1, 1024, 1, 1)
    with pytest.raises(InputError, match="model `googlenet`: takes images of at least 32 x 32"):
        on_meta(31)


def test_it_is_trained_on_all_three_outputs_and_judged_by_the_last(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    data = gradus.from_arrays(rng.integers(0, 256, (30, 64, 64, 3), dtype=np.uint8), np.arange(30) % 3)
    recipe = digits(model={"name": "googlenet"}, epochs=1) | {"data": {"name": "arrays", "validation": 0.0}}  # one step
    run = gradus.train(recipe, run=tmp_path / "run", data=data)
    values = {name: run.curves[name][-1][1] for name in ("train_loss", "train_auxiliary")}
    # None has learned anything: each of the three is that of a guess among three, or worse.
    assert values["train_auxiliary"] >= 0.9 * 0.6 * np.log(3)
    assert values["train_loss"] - values["train_auxiliary"] >= 0.9 * np.log(3)
    assert np.isfinite(run.result["metrics"]["test_loss"])
