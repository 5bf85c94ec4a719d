"""Pictures of attention: every kind is drawn where and as it should be, and what cannot be is refused."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from gradus.core.errors import InputError, ResourceError
from gradus.models import create_model
from gradus.models.reuse import attention
from gradus.nn.blocks.glimpse import frames
from gradus.report.attention import MOST_COLUMNS, MOST_ROWS, _drawn, _of_patches, _of_tokens, write_attention

GREY = [np.full((1, 20, 20), 7.0), np.zeros((1, 20, 20))]


def words_of(place: Path) -> str:
    """What stands in an SVG: matplotlib writes each text as outlines, with the words as a comment."""
    parser = ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True))
    root = ElementTree.parse(place, parser).getroot()
    return "\n".join(each.text or "" for each in root.iter() if callable(each.tag))


@pytest.mark.parametrize(
    ("name", "shape", "options"),
    [
        ("st_cnn", (1, 28, 28), {}),
        ("attention56", (3, 32, 32), {"reduction": 8, "width": 0.125}),
        ("se_resnet18", (3, 32, 32), {"reduction": 8, "attention": "cbam"}),
        ("recurrent_attention", (1, 28, 28), {"scales": 2}),
        ("vit_tiny", (3, 32, 32), {"patch": 8}),
    ],
)
def test_all_kinds_of_networks_are_drawn(
    name: str, shape: tuple[int, ...], options: dict[str, Any], tmp_path: Path
) -> None:
    torch.manual_seed(0)
    model, x = create_model(name, input_shape=shape, **options), torch.rand(2, *shape)
    found = attention(model, x)
    place = write_attention(
        tmp_path / "a.svg", found.weights, found.frames, images=list(x.numpy()), titles=["one: 1", "two: 2"]
    )
    words = words_of(place)
    layers = [*found.frames, *found.weights]
    assert all(each in words for each in ("two: 2", layers[0], layers[-1]))


def test_names_are_words_and_no_markup(tmp_path: Path) -> None:
    title, name = '<b>&"$x$--.png: 7', "a<b>&$y$"
    place = write_attention(tmp_path / "a.svg", {name: torch.rand(1, 4, 1, 1)}, titles=[title])
    root = ElementTree.parse(place).getroot()  # well-formed
    assert not [each for each in root.iter() if isinstance(each.tag, str) and each.tag.endswith("}b")]
    assert "$x$" in words_of(place)


def drawn(layers: dict[str, torch.Tensor], images: list[NDArray[Any]] | None) -> Any:
    """The first panel, as matplotlib's objects."""
    return _drawn(layers, images, ["x"], None).axes[0]


def test_places_glow_where_they_weigh() -> None:
    weights = torch.zeros(1, 4, 5, 5)
    weights[0, :, 4, 0] = torch.tensor([1.0, 2.0, 3.0, 6.0])
    picture, glow = drawn({"mask": weights}, GREY[:1]).images
    assert picture.get_array().shape == (20, 20, 3)
    assert tuple(glow.get_extent()) == (-0.5, 19.5, 19.5, -0.5)  # each of its places is 4 x 4 pixels
    assert glow.get_array()[4, 0] == 3  # the mean over the maps
    assert glow.get_array().sum() == 3


def test_a_weight_for_each_map_is_a_bar() -> None:
    (bars,) = drawn({"gate": torch.tensor([0.2, 0.9, 0.5]).view(1, 3, 1, 1)}, None).patches
    np.testing.assert_allclose(bars.get_data().values, [0.2, 0.9, 0.5], atol=1e-6)


def test_what_a_class_token_takes_is_a_map_and_of_no_image_a_matrix() -> None:
    shares = torch.zeros(3, 5, 5)
    shares[:, 0] = torch.tensor([0.2, 0.1, 0.2, 0.1, 0.4])
    shares[:, 1:, 0] = 1
    assert _of_tokens(shares)
    found = _of_patches(shares.mean(0), 20, 20)
    assert found is not None
    assert torch.allclose(found, torch.tensor([[0.1, 0.2], [0.1, 0.4]]))
    alone = torch.full((4, 4), 0.25)  # patches without a class token
    found = _of_patches(alone, 10, 40)
    assert found is not None
    assert found.shape == (1, 4)
    assert _of_patches(torch.full((7, 7), 1 / 7), 20, 20) is None
    assert not _of_tokens(torch.rand(3, 5, 5))


def test_the_path_of_the_gaze_is_where_it_looked() -> None:
    """Windows by their corners, in pixels of the picture, of which the first has its middle at 0."""
    places = torch.tensor([[[0.0, 0.0], [0.5, -0.5], [-0.5, 0.5]]])
    windows = frames(places, (20, 20), patch=4)
    axes = drawn({"": windows}, GREY[:1])
    (path,) = axes.get_lines()
    np.testing.assert_allclose(path.get_xydata(), [[9.5, 9.5], [14.5, 4.5], [4.5, 14.5]], atol=1e-5)
    boxes = [each.get_xy()[:4] for each in axes.patches]
    np.testing.assert_allclose(boxes[0], [[7.5, 7.5], [11.5, 7.5], [11.5, 11.5], [7.5, 11.5]], atol=1e-5)
    assert [each.get_text() for each in axes.texts] == ["1", "2", "3"]


def test_a_matrix_has_words_along_its_sides(tmp_path: Path) -> None:
    labels = [(["le", "$chat$"], ["the", "cat", "<s>"])]
    place = write_attention(tmp_path / "a.svg", {"reader": torch.rand(1, 2, 3).softmax(-1)}, labels=labels)
    words = words_of(place)
    assert all(each in words for each in ("le", "$chat$", "the", "cat"))
    with pytest.raises(InputError, match="as many labels as columns, 3"):
        write_attention(tmp_path / "b.svg", {"reader": torch.rand(1, 2, 3)}, labels=[(["le", "chat"], ["the"])])


def test_many_layers_and_examples_are_not_all_drawn(tmp_path: Path) -> None:
    weights = {f"layer{each}": torch.rand(20, 2, 1, 1) for each in range(30)}
    words = words_of(write_attention(tmp_path / "a.svg", weights))
    assert f"{MOST_COLUMNS} of 30 layers and {MOST_ROWS} of 20 examples" in words
    assert all(each in words for each in ("layer0", "layer29"))


def test_what_cannot_be_drawn(tmp_path: Path) -> None:
    weights = {"gate": torch.rand(1, 2, 1, 1)}
    with pytest.raises(InputError, match="needs weights or frames to draw"):
        write_attention(tmp_path / "a.svg")
    with pytest.raises(InputError, match=r"must be a file that ends in \.png, \.svg or \.pdf"):
        write_attention(tmp_path / "a.gif", weights)
    with pytest.raises(InputError, match="needs images to draw what is read of them"):
        write_attention(tmp_path / "a.svg", frames={"": torch.zeros(1, 1, 1, 4, 2)})
    with pytest.raises(InputError, match="cannot draw weights of the shape `odd` has"):
        write_attention(tmp_path / "a.svg", {"odd": torch.rand(1, 2)})
    with pytest.raises(InputError, match=r"draws over images \(1 or 3, height, width\)"):
        write_attention(tmp_path / "a.svg", weights, images=[np.zeros((4, 4))])
    with pytest.raises(InputError, match="needs weights or frames of an example, got none"):
        write_attention(tmp_path / "a.svg", {"gate": torch.rand(0, 2, 1, 1)})
    with pytest.raises(InputError, match="needs as many images as examples, 2, got 1"):
        write_attention(tmp_path / "a.svg", {"gate": torch.rand(2, 2, 1, 1)}, images=GREY[:1])
    with pytest.raises(InputError, match="needs as many labels as examples, 1, got 0"):
        write_attention(tmp_path / "a.svg", {"gate": torch.rand(1, 3, 3)}, labels=[])
    with pytest.raises(ResourceError, match="cannot be written"):
        write_attention(tmp_path / "absent" / "a.svg", weights)
