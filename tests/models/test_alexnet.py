"""AlexNet: what its columns see, how it normalizes, what it begins with, and images of other sizes."""

import numpy as np
import pytest
import torch
from torch import nn

from gradus.core.errors import InputError
from gradus.models import create_model


def on_meta(name: str, side: int, **options: object) -> nn.Sequential:
    with torch.device("meta"):
        model = create_model(name, input_shape=(3, side, side), **options)  # type: ignore[arg-type]
    assert isinstance(model, nn.Sequential)
    return model


def layers(model: nn.Module) -> list[nn.Conv2d | nn.Linear]:
    return [each for each in model.modules() if isinstance(each, nn.Conv2d | nn.Linear)]


def test_a_column_sees_the_other_in_the_third_convolution_only() -> None:
    """Section 3.5: kernels of the second, fourth and fifth layer see the maps of their own card."""
    assert [each.groups for each in layers(on_meta("alexnet", 227))[:5] if isinstance(each, nn.Conv2d)] == [
        *(1, 2, 1, 2, 2)
    ]
    conv = layers(on_meta("alexnet", 227))[1].to_empty(device="cpu")
    nn.init.normal_(conv.weight)
    nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
    x = torch.zeros(1, 96, 5, 5)
    x[:, :48] = 1.0
    own, other = conv(x).split(128, dim=1)
    assert own.abs().min() > 0
    assert not other.any()


def test_responses_are_normalized_as_in_section_33() -> None:
    """b = a / (2 + 1e-4 * sum of a^2 over five neighbouring maps)^0.75."""
    norm = create_model("alexnet").get_submodule("stem.norm")
    a = 100 * np.random.default_rng(0).standard_normal((2, 9, 3, 3))
    expected = np.empty_like(a)
    for i in range(9):
        neighbours = a[:, max(0, i - 2) : i + 3]
        expected[:, i] = a[:, i] / (2 + 1e-4 * (neighbours**2).sum(axis=1)) ** 0.75
    np.testing.assert_allclose(norm(torch.tensor(a)).numpy(), expected, rtol=1e-12)


def test_first_weights_are_those_of_section_5() -> None:
    torch.manual_seed(0)
    found = layers(create_model("alexnet", input_shape=(3, 67, 67)))
    for each in found:
        assert each.weight.std().item() == pytest.approx(0.01, rel=0.03)
    biases = [each.bias.unique().tolist() for each in found if each.bias is not None]
    assert biases == [[0.0], [1.0], [0.0], [1.0], [1.0], [1.0], [1.0], [0.0]]


@pytest.mark.parametrize(
    ("name", "side", "reduction", "pooled"),
    [
        ("alexnet", 227, 32, 6),
        ("alexnet", 224, 32, 5),  # 54, 26, 12, 5
        ("alexnet", 320, 32, 6),  # 78, 38, 18, 8
        ("alexnet", 67, 32, 1),  # 15, 7, 3, 1
        ("alexnet_owt", 224, 32, 6),
        ("alexnet_owt", 63, 32, 1),
        ("alexnet_owt", 64, 16, 3),  # 32, 15, 7, 3
        ("alexnet", 32, 8, 3),  # 32, 15, 7, 3
        ("alexnet", 28, 4, 5),  # 28, 26, 12, 5
    ],
)
def test_dense_layers_take_the_maps_there_are(name: str, side: int, reduction: int, pooled: int) -> None:
    model = on_meta(name, side, reduction=reduction)
    maps = model[: [name for name, _ in model.named_children()].index("flatten")](
        torch.empty(1, 3, side, side, device="meta")
    )
    assert maps.shape == (1, 256, pooled, pooled)
    assert model(torch.empty(1, 3, side, side, device="meta")).shape == (1, 1000)


@pytest.mark.parametrize(
    ("name", "reduction", "smallest"),
    [("alexnet", 32, 67), ("alexnet_owt", 32, 63), ("alexnet", 16, 29), ("alexnet_owt", 8, 15), ("alexnet", 4, 9)],
)
def test_the_smallest_image_leaves_one_place(name: str, reduction: int, smallest: int) -> None:
    model = on_meta(name, smallest, reduction=reduction)
    assert model[:6](torch.empty(1, 3, smallest, smallest, device="meta")).shape[2:] == (1, 1)
    with pytest.raises(InputError, match=f"model `{name}`: takes images of at least {smallest} x {smallest}"):
        on_meta(name, smallest - 1, reduction=reduction)


@pytest.mark.parametrize(
    ("name", "order"), [("alexnet", ["linear", "dropout"]), ("alexnet_owt", ["dropout", "linear"])]
)
def test_dropout_is_of_the_hidden_layers_outputs_or_inputs(name: str, order: list[str]) -> None:
    model = on_meta(name, 67)
    for dense in ("dense1", "dense2"):
        names = [name for name, _ in model.get_submodule(dense).named_children() if name != "activation"]
        assert names == order
