"""A temporal convolution sees as many steps back as its closed form says, and none ahead."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gradus.analysis.inspect import inspect
from gradus.core.spec import DataSpec
from gradus.models import create_model
from gradus.models.sequences import FromLast

SPEC = DataSpec(task="classification", inputs=((40, 3),), outputs=5, steps=40)


def made(spec: DataSpec = SPEC, **options: Any) -> Any:
    torch.manual_seed(0)
    return create_model("tcn", spec=spec, **{"hidden": 6, "levels": 3, **options}).double().eval()


def windows() -> Tensor:
    return torch.randn(2, 40, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def test_what_comes_later_changes_nothing_before() -> None:
    model, x = made(), windows()
    changed = x.clone()
    changed[:, 25:] += 1
    assert torch.equal(model(changed)[:, :25], model(x)[:, :25])
    assert ((model(changed) - model(x))[:, 25:].abs().amax(-1) > 1e-9).all()


@pytest.mark.parametrize(("kernel", "levels"), [(2, 1), (2, 4), (3, 3), (5, 2)])
def test_it_sees_as_far_back_as_it_says(kernel: int, levels: int) -> None:
    model = made(kernel=kernel, levels=levels)
    far = 1 + 2 * (kernel - 1) * sum(2**level for level in range(levels))
    assert model.context == far
    x = windows().requires_grad_()
    model(x)[:, -1].sum().backward()
    assert x.grad is not None
    seen = x.grad.abs().amax((0, 2)) > 0
    assert seen[40 - far :].all()
    assert not seen[: 40 - far].any()


def test_what_it_does_not_see_can_be_left_out() -> None:
    model, x = made(), windows()
    torch.testing.assert_close(model(x[:, -model.context :])[:, -1], model(x)[:, -1])


def test_the_inspector_finds_the_closed_form_too() -> None:
    found = inspect(made().float(), torch.empty(1, 40, 3))
    assert "field 29, stride 1" in " ".join(str(found).split())


def test_the_last_alone_is_the_last_of_every_step() -> None:
    torch.testing.assert_close(made(replace(SPEC, steps=None))(windows()), made()(windows())[:, -1])


def test_reads_text_and_forecasts_changes() -> None:
    text = DataSpec(
        task="classification", inputs=((9,),), input_dtypes=("int64",), outputs=4, vocabulary=tuple("abcd"), steps=9
    )
    assert made(text)(torch.randint(4, (2, 9))).shape == (2, 9, 4)
    model = made(DataSpec(task="regression", inputs=((40, 3),), outputs=6), horizon=3)
    assert isinstance(model, FromLast)
    torch.testing.assert_close(model(windows() + 10), model(windows()) + 10)


def test_dropout_leaves_out_channels() -> None:
    rates = [each.p for each in made(dropout=0.2).modules() if isinstance(each, nn.Dropout1d)]
    assert rates == [0.2] * 6
