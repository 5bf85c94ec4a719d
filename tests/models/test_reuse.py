"""Networks put to other use: what the contract of the catalogue does not say of feature maps, classifiers, freezing."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gradus.core.errors import InputError
from gradus.models import create_model
from gradus.models.reuse import FeatureMaps, attention, attention_weights, freeze, reset_classifier
from gradus.nn.blocks.spatial_transformer import SpatialTransformer, sampling_grid
from gradus.nn.blocks.transformer import SelfAttention


@pytest.mark.parametrize(
    ("name", "channels", "strides"),
    [
        ("resnet50", (64, 256, 512, 1024, 2048), (2, 4, 8, 16, 32)),
        ("resnet20", (16, 32, 64), (1, 2, 4)),
        ("vgg16", (64, 128, 256, 512, 512, 512), (1, 2, 4, 8, 16, 32)),
        ("lenet5", (6, 16, 16), (1, 2, 4)),  # what sees all of its maps at once makes none
    ],
)
def test_maps_are_the_last_of_each_resolution(name: str, channels: tuple[int, ...], strides: tuple[int, ...]) -> None:
    with torch.device("meta"):
        maps = create_model(name, features_only=True)
    assert isinstance(maps, FeatureMaps)
    assert (maps.channels, maps.strides) == (channels, strides)


@pytest.mark.parametrize(
    ("name", "shape", "strides"),
    [
        ("lenet5", (1, 1, 1), (1, 2, 4)),  # which pads to 32
        ("squeezenet1_0", (1, 21, 21), (2, 4, 8, 16)),  # whose first maps are of 8 x 8
        ("alexnet", (1, 227, 67), (4, 8, 16, 32)),  # whose last maps are of 6 x 1
        ("mc3_18", (1, 2, 30, 16), (2, 4, 8, 16)),
    ],
)
def test_strides_are_those_of_the_layers_whatever_the_image(
    name: str, shape: tuple[int, ...], strides: tuple[int, ...]
) -> None:
    with torch.device("meta"):
        maps = create_model(name, input_shape=shape, features_only=True)
    assert isinstance(maps, FeatureMaps)
    assert maps.strides == strides


def test_maps_are_those_of_the_whole_network() -> None:
    torch.manual_seed(0)
    model = create_model("resnet20").eval()
    maps, seen = FeatureMaps(model, (3, 32, 32)), []
    for name in ("stage1", "stage2", "stage3"):
        model.get_submodule(name).register_forward_hook(lambda _, __, output: seen.append(output))
    x = torch.randn(2, 3, 32, 32)
    model(x)
    assert all(torch.equal(one, other) for one, other in zip(maps(x), seen, strict=False))


@pytest.mark.parametrize(
    ("name", "options", "shapes"),
    [
        ("se_resnet18", {}, {"stage2.0.branch.gate": (2, 128, 1, 1)}),
        (
            "se_resnet18",
            {"attention": "cbam"},
            {"stage2.0.branch.gate.channel": (2, 128, 1, 1), "stage2.0.branch.gate.spatial": (2, 1, 16, 16)},
        ),
        ("attention56", {}, {"stage2.1.attention": (2, 512, 16, 16)}),
        ("vit", {"patch": 8, "depth": 2}, {"layer2.0.branch.1": (2, 3, 17, 17)}),
    ],
)
def test_what_a_network_attends_to(name: str, options: dict[str, Any], shapes: dict[str, tuple[int, ...]]) -> None:
    torch.manual_seed(0)
    if name != "vit":
        options = options | {"reduction": 8}
    model, x = create_model(name, input_shape=(3, 32, 32), **options), torch.randn(2, 3, 32, 32)
    before = {key: each.clone() for key, each in model.state_dict().items()}
    found = attention_weights(model.train(), x)
    assert {key: tuple(found[key].shape) for key in shapes} == shapes
    assert model.training
    assert all(torch.equal(each, before[key]) for key, each in model.state_dict().items())
    for each in found.values():
        assert 0 <= each.min() <= each.max() <= 1
    # What is read is what is used: with other weights in one layer, the network gives something else.
    layer = model.eval().get_submodule(next(iter(shapes)))
    expected = model(x)
    layer.weights = lambda x: 0.5 * type(layer).weights(layer, x)  # type: ignore[assignment,attr-defined]
    assert torch.equal(model(x), expected) == (name == "vit")


def test_weights_of_self_attention_make_what_it_gives() -> None:
    torch.manual_seed(0)
    attention, x_NTW = SelfAttention(12, 3), torch.randn(2, 5, 12)
    v_NHTD = attention.qkv(x_NTW)[..., 24:].unflatten(-1, (3, 4)).transpose(1, 2)
    mixed = (attention.weights(x_NTW) @ v_NHTD).transpose(1, 2).flatten(2)
    assert torch.allclose(attention.output(mixed), attention(x_NTW), atol=1e-6)


def test_numbers_that_are_called_weights_are_no_attention() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weights, self.frames = nn.Parameter(torch.ones(3)), 5

        def forward(self, x: Tensor) -> Tensor:
            return x * self.weights

    with pytest.raises(InputError, match="attention: needs a network with attention"):
        attention(nn.Sequential(Scaled()), torch.ones(2, 3))
    with pytest.raises(InputError, match="attention_weights: needs a network with attention"):
        attention_weights(nn.Sequential(Scaled()), torch.ones(2, 3))


def test_another_classifier_leaves_the_rest_as_it_was() -> None:
    model = create_model("resnet20").double()
    before = {name: each.clone() for name, each in model.state_dict().items() if not name.startswith("output")}
    reset_classifier(model, 3)
    after = model.state_dict()
    assert after["output.weight"].shape == (3, 64)
    assert after["output.weight"].dtype == torch.float64
    assert all(torch.equal(each, after[name]) for name, each in before.items())


@pytest.mark.parametrize(("classes", "widths"), [(7, [7, 7, 7]), (0, [1024])])
def test_classifiers_half_way_are_of_the_same_classes(classes: int, widths: list[int]) -> None:
    with torch.device("meta"):
        model = create_model("googlenet")
        reset_classifier(model, classes)
    result = model.train()(torch.empty(2, 3, 224, 224, device="meta"))
    outputs = [result] if isinstance(result, Tensor) else [result.output, *result.auxiliary]
    assert [each.shape[1] for each in outputs] == widths


def test_what_is_frozen_neither_learns_nor_counts_statistics() -> None:
    torch.manual_seed(0)
    model = create_model("resnet20")
    names = set(model.state_dict())
    assert freeze(model, "stage2") == ["stem", "stage1", "stage2"]
    assert set(model.state_dict()) == names
    before = {name: each.clone() for name, each in model.state_dict().items()}
    optimizer = torch.optim.SGD(model.parameters(), 0.1, weight_decay=0.1)
    nn.functional.cross_entropy(model.train()(torch.randn(8, 3, 32, 32)), torch.arange(8)).backward()
    optimizer.step()
    moved = {name.partition(".")[0] for name, each in model.state_dict().items() if not torch.equal(each, before[name])}
    assert moved == {"stage3", "output"}


def test_unknown_layers_and_classes_are_refused() -> None:
    with pytest.raises(InputError, match=r"freeze: unknown layer, got `stage9`\. Did you mean `stage"):
        freeze(create_model("resnet20"), "stage9")
    with pytest.raises(InputError, match="num_classes: must not be negative"):
        reset_classifier(create_model("resnet20"), -1)
    with pytest.raises(InputError, match="attention_weights: needs a network with attention"):
        attention_weights(create_model("resnet20"), torch.zeros(1, 3, 32, 32))
    with pytest.raises(InputError, match="needs a network whose layers give maps"):
        create_model("mlp", features_only=True)


@pytest.mark.parametrize(
    ("name", "options", "frames"),
    [
        ("st_cnn", {}, {"transformer": (2, 1, 1, 4, 2)}),
        ("st_fcn", {"transform": "projective"}, {"transformer": (2, 1, 1, 4, 2)}),
        ("recurrent_attention", {"glimpses": 3, "scales": 2, "samples": 2}, {"": (2, 3, 2, 4, 2)}),
    ],
)
def test_what_a_network_reads(name: str, options: dict[str, Any], frames: dict[str, tuple[int, ...]]) -> None:
    torch.manual_seed(0)
    model, x = create_model(name, **options).train(), torch.randn(2, 1, 42, 42)
    if name == "recurrent_attention":
        x = torch.randn(2, 1, 28, 28)
    found = attention(model, x)
    assert {key: tuple(each.shape) for key, each in found.frames.items()} == frames
    assert not found.weights
    assert model.training
    assert not model._forward_pre_hooks
    if name != "recurrent_attention":  # as the identity, which it begins as, it reads all of the image
        corners = torch.tensor([[-1.0, -1], [1, -1], [1, 1], [-1, 1]])
        assert torch.allclose(found.frames["transformer"], corners.expand(2, 1, 1, 4, 2), atol=1e-6)
    with pytest.raises(InputError, match="attention_weights: needs a network with attention"):
        attention_weights(model, x)


def test_frames_are_where_the_grid_is_read() -> None:
    """The corners of a map that turns, moves and shrinks, against the grid's own, to half a pixel."""
    transformer = SpatialTransformer(nn.Flatten(), 9)
    theta = torch.tensor([0.3, -0.4, 0.2, 0.4, 0.3, -0.1])
    with torch.no_grad():
        transformer.map.bias.copy_(theta)
    x = torch.randn(1, 1, 3, 3)
    found = transformer.frames(x)[0, 0, 0]
    fine = sampling_grid(theta.view(1, 2, 3), (1000, 1000))[0]
    corners = torch.stack([fine[0, 0], fine[0, -1], fine[-1, -1], fine[-1, 0]])
    assert torch.allclose(found, corners, atol=1e-3)
