"""The recurrent attention model against its equations, one image and one step at a time."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from gradus.core.errors import InputError
from gradus.core.spec import DataSpec
from gradus.models import create_model
from gradus.models.recurrent_attention import Gaze, RecurrentAttention
from gradus.nn.blocks.glimpse import glimpses


def make(seed: int = 0, shape: tuple[int, ...] = (1, 12, 12), **options: Any) -> RecurrentAttention:
    torch.manual_seed(seed)
    options = {"glimpses": 4, "patch": 4, "hidden": 10, "glimpse_hidden": 7} | options
    model = create_model("ram", input_shape=shape, num_classes=3, **options).double()
    assert isinstance(model, RecurrentAttention)
    return model


def images(number: int = 5, shape: tuple[int, ...] = (1, 12, 12)) -> Tensor:
    return torch.rand(number, *shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def by_the_equations(model: RecurrentAttention, x: Tensor, deviates: Tensor) -> tuple[Any, ...]:
    """NumPy, an image at a time: logits, places, log-densities, baselines."""
    w = {name: each.detach().numpy() for name, each in model.named_parameters()}

    def dense(name: str, v: Any) -> Any:
        return w[f"{name}.weight"] @ v + w[f"{name}.bias"]

    def relu(v: Any) -> Any:
        return np.maximum(v, 0)

    found: list[tuple[Any, ...]] = []
    for image, z in zip(x, deviates.numpy(), strict=True):
        h = np.zeros(model.core.hidden_size)
        # erf(z / sqrt(2)) by the normal distribution's own function.
        place = 2 * torch.special.ndtr(torch.from_numpy(z[0])).numpy() - 1
        places, densities, expected = [place], [], []
        for t in range(model.glimpses):
            seen = glimpses(image[None], torch.from_numpy(place)[None], patch=model.sensor.patch, scales=2).numpy()
            hg, hl = relu(dense("glimpse.seen", seen.ravel())), relu(dense("glimpse.place", place))
            g = relu(dense("glimpse.what", hg) + dense("glimpse.where", hl))
            h = relu(w["core.weight_ih"] @ g + w["core.bias_ih"] + w["core.weight_hh"] @ h + w["core.bias_hh"])
            if t + 1 < model.glimpses:
                mean = np.tanh(dense("location", h))
                drawn = mean + model.std * z[t + 1]
                square = (((drawn - mean) / model.std) ** 2).sum()
                densities.append(-square / 2 - np.log(2 * np.pi * model.std**2))
                expected.append(dense("baseline", h)[0])
                place = drawn.clip(-1, 1)
                places.append(place)
        found.append((dense("output", h), places, densities, expected))
    return tuple(np.array(each) for each in zip(*found, strict=True))


def test_it_is_what_its_equations_say() -> None:
    model, x = make(scales=2, std=0.5), images()
    torch.manual_seed(4)
    gaze = model.train()(x)
    torch.manual_seed(4)
    deviates = torch.empty(5, 4, 2, dtype=torch.float64).normal_()
    assert gaze.log_probs is not None
    assert gaze.baselines is not None
    found = (gaze.output, gaze.locations, gaze.log_probs, gaze.baselines)
    for ours, theirs in zip(found, by_the_equations(model, x, deviates), strict=True):
        np.testing.assert_allclose(ours.detach().numpy(), theirs, atol=1e-12)
    assert (gaze.locations.abs() <= 1).all()
    assert (gaze.locations.abs() == 1).any()  # some were drawn beyond the edge


def test_in_evaluation_it_follows_the_means_from_the_middle() -> None:
    model, x = make(scales=2).eval(), images()
    gaze = model(x)
    output, places, _, _ = by_the_equations(model, x, torch.zeros(5, 4, 2, dtype=torch.float64))
    np.testing.assert_allclose(gaze.output.detach().numpy(), output, atol=1e-12)
    np.testing.assert_allclose(gaze.locations.detach().numpy(), places, atol=1e-12)
    assert gaze.log_probs is None
    assert gaze.baselines is None


def test_a_prediction_of_many_paths_is_their_mean() -> None:
    model, x = make(scales=2, samples=5).eval(), images()
    gaze = model(x)
    deviates = torch.tensor(model._deviates, dtype=torch.float64)
    assert not deviates[0].any()
    assert deviates[1:].std() == pytest.approx(1, abs=0.3)
    each = [by_the_equations(model, x, one.expand(5, -1, -1)) for one in deviates]
    shares = np.mean([np.exp(o) / np.exp(o).sum(1, keepdims=True) for o, *_ in each], 0)
    np.testing.assert_allclose(gaze.output.detach().exp().numpy(), shares, atol=1e-12)
    np.testing.assert_allclose(gaze.locations.detach().numpy(), each[0][1], atol=1e-12)
    assert torch.allclose(model(x[2:3]).output, gaze.output[2:3])  # whatever else is in the batch


def test_as_an_lstm_it_has_gates() -> None:
    model = make(core="lstm").train()
    gaze = model(images())
    assert isinstance(gaze, Gaze)
    assert model.core.weight_hh.shape == (40, 10)
    gaze.output.sum().backward()
    assert model.core.weight_hh.grad is not None
    assert model.core.weight_hh.grad.any()


def test_of_a_single_glimpse_there_is_nothing_to_choose() -> None:
    gaze = make(glimpses=1).train()(images())
    assert gaze.locations.shape == (5, 1, 2)
    assert gaze.log_probs is not None
    assert gaze.log_probs.shape == (5, 0)


def test_the_joint_layer_gives_the_same_functions_with_a_bias_less() -> None:
    """The other form of the glimpse network, of 209,421 parameters: [W_s W_w] over both joined."""
    model = make(scales=2)
    seen, place = torch.rand(3, 2, 1, 4, 4, dtype=torch.float64), torch.rand(3, 2, dtype=torch.float64)
    network = model.glimpse
    joined = torch.cat([network.seen(seen.flatten(1)).relu(), network.place(place).relu()], 1)
    weight = torch.cat([network.what.weight, network.where.weight], 1)
    expected = (joined @ weight.T + network.what.bias + network.where.bias).relu()
    assert torch.allclose(network(seen, place), expected)
    published = create_model("recurrent_attention")
    assert sum(each.numel() for each in published.parameters()) - 256 == 209_421


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"glimpses": 0}, "`glimpses`"),
        ({"patch": 0}, "`patch`"),
        ({"std": 0.0}, "`std`"),
        ({"samples": 0}, "`samples`"),
        ({"core": "gru"}, "`core`"),
    ],
)
def test_what_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=f"model `recurrent_attention`.*{said}"):
        create_model("recurrent_attention", **options)


def test_it_is_for_classes_of_images() -> None:
    for spec in (
        DataSpec(task="regression", inputs=((1, 8, 8),), outputs=2),
        DataSpec(task="classification", inputs=((8, 3),), outputs=2),
    ):
        with pytest.raises(InputError, match="model `recurrent_attention`"):
            create_model("recurrent_attention", spec=spec)
