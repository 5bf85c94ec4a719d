"""Normalizations and dropouts by name, in the networks that take them."""

import pytest
import torch
from torch import nn

from gradus.core.errors import InputError
from gradus.models import create_model
from gradus.nn import dropouts, normalizations

IMAGE = torch.randn(4, 1, 28, 28, generator=torch.Generator().manual_seed(0))
FITTING = [each.name for each in normalizations.cards() if each.of != "recurrence"]


@pytest.mark.parametrize("name", ["none", *FITTING])
@pytest.mark.parametrize("model", ["mlp", "small_cnn"])
def test_takes_every_normalization_that_fits(model: str, name: str) -> None:
    axes = 2 if model == "small_cnn" else 0
    card = None if name == "none" else normalizations.get(name)
    if card is not None and card.of == "activations" and axes not in card.axes:
        with pytest.raises(InputError, match=f"model `{model}`: `normalization` here is one of .*, got `{name}`"):
            create_model(model, normalization=name)
        return
    net = create_model(model, normalization=name)
    net(IMAGE).square().sum().backward()
    assert all(each.grad is not None for each in net.parameters())


@pytest.mark.parametrize("name", dropouts.names())
@pytest.mark.parametrize("model", ["mlp", "small_cnn"])
def test_takes_every_dropout_that_fits(model: str, name: str) -> None:
    card, axes = dropouts.get(name), 2 if model == "small_cnn" else 0
    if card.of == "branches" or axes not in card.axes:
        with pytest.raises(InputError, match=f"model `{model}`: `dropout_kind` here is one of .*, got `{name}`"):
            create_model(model, dropout=0.5, dropout_kind=name)
        return
    net = create_model(model, dropout=0.5, dropout_kind=name)
    assert not torch.equal(net(IMAGE), net(IMAGE))
    assert torch.equal(net.eval()(IMAGE), net(IMAGE))


def test_a_bias_goes_where_nothing_shifts() -> None:
    assert create_model("small_cnn").get_submodule("stage1.conv1").bias is None
    assert create_model("small_cnn", normalization="none").get_submodule("stage1.conv1").bias is not None
    assert create_model("small_cnn", normalization="local_response").get_submodule("stage1.conv1").bias is not None


def test_weights_and_outputs_can_be_normalized_together() -> None:
    net = create_model("small_cnn", normalization=("weight_standardization", "group"))
    weight = net.get_submodule("stage2.conv1").weight
    assert isinstance(weight, torch.Tensor)
    assert weight.flatten(1).mean(dim=1).abs().max() < 1e-5
    assert isinstance(net.get_submodule("stage2.norm1"), nn.GroupNorm)
    with pytest.raises(InputError, match="`normalization` can have one after a layer"):
        create_model("small_cnn", normalization=("batch", "group"))


def test_paths_of_later_stages_are_dropped_more_often() -> None:
    net = create_model("small_cnn", residual=True, drop_path=0.3)
    chances = [float(net.get_submodule(f"stage{each}.branch.drop_path").p) for each in (1, 2, 3)]  # type: ignore[arg-type]
    assert chances == pytest.approx([0.1, 0.2, 0.3])
    with pytest.raises(InputError, match="model `small_cnn`: `drop_path` drops residual branches, got"):
        create_model("small_cnn", drop_path=0.3)


def test_a_normalization_takes_its_options() -> None:
    names = ({"name": "weight_standardization", "eps": 0.25}, {"name": "group", "groups": 2})
    net = create_model("small_cnn", width=6, normalization=names)
    norm = net.get_submodule("stage1.norm1")
    assert isinstance(norm, nn.GroupNorm)
    assert norm.num_groups == 2
    wide, narrow = (create_model("mlp", normalization={"name": "batch", "eps": eps}) for eps in (1.0, 1e-5))
    narrow.load_state_dict(wide.state_dict())
    assert not torch.allclose(wide(IMAGE), narrow(IMAGE), rtol=1e-3)


@pytest.mark.parametrize(
    ("normalization", "says"),
    [
        ("group", '`groups` must divide the 4 channels, got 8. Such as { name = "group", groups = 4 }.'),
        (
            {"name": "batch", "momentm": 0.1},
            "`normalization` `batch`: unknown option `momentm`. Did you mean `momentum`?",
        ),
        ({"groups": 2}, "`normalization` needs a `name`"),
    ],
)
def test_what_a_normalization_does_not_take_is_named(normalization: object, says: str) -> None:
    with pytest.raises(InputError) as refused:
        create_model("small_cnn", width=4, normalization=normalization)
    assert says in str(refused.value)
