"""A transformer that reads from the left: it knows places, and nothing of what is to come."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from gradus.core.errors import InputError
from gradus.core.spec import DataSpec
from gradus.models import create_model
from gradus.models.reuse import attention_weights

SPEC = DataSpec(
    task="classification",
    inputs=((12,),),
    input_dtypes=("int64",),
    outputs=7,
    classes=tuple("abcdefg"),
    vocabulary=tuple("abcdefg"),
    steps=12,
)


def made(spec: DataSpec = SPEC, **options: Any) -> nn.Module:
    torch.manual_seed(0)
    return create_model("char_transformer", spec=spec, **{"depth": 2, "width": 16, **options})


def codes(*shape: int) -> Tensor:
    return torch.randint(7, shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("tied", [False, True])
def test_parameters_are_those_of_the_closed_form(depth: int, tied: bool) -> None:
    width, ratio, context, symbols = 20, 3, 12, 7
    attention, dense, norms = 4 * width * (width + 1), (2 * ratio * width + ratio + 1) * width, 4 * width
    expected = (symbols + context) * width + depth * (attention + dense + norms) + 2 * width
    expected += 0 if tied else symbols * (width + 1)
    model = made(depth=depth, width=width, ratio=ratio, tied=tied)
    assert sum(each.numel() for each in model.parameters()) == expected


def test_what_comes_later_changes_nothing_before() -> None:
    model = made().eval()
    x = codes(3, 12)
    changed = x.clone()
    changed[:, 5:] = (changed[:, 5:] + 1) % 7
    before, after = model(x), model(changed)
    torch.testing.assert_close(after[:, :5], before[:, :5])
    assert ((after - before)[:, 5:].abs().amax(-1) > 1e-4).all()


def test_the_last_alone_is_the_last_of_every_step_and_shorter_texts_are_the_first_symbols() -> None:
    every, last = made().eval(), made(replace(SPEC, steps=None)).eval()
    x = codes(3, 12)
    torch.testing.assert_close(last(x), every(x)[:, -1])
    torch.testing.assert_close(every(x[:, :4]), every(x)[:, :4])


def test_tied_weights_are_one_and_stay_one() -> None:
    model = made(tied=True)
    output, embedding = model.get_submodule("body.output"), model.get_submodule("body.embedding")
    assert output.weight is embedding.weight
    model.load_state_dict(made(tied=True).double().state_dict())
    assert output.weight is embedding.weight
    with pytest.raises(InputError, match="`tied` needs as many classes as symbols, 7, got 6"):
        made(replace(SPEC, outputs=6, classes=SPEC.classes[:6]), tied=True)


def test_first_weights_are_gpt_2s() -> None:
    model = made(width=128, depth=8)
    deviations = {name: each.std().item() for name, each in model.named_parameters() if each.dim() > 1}
    added = {name for name in deviations if name.endswith(("0.branch.1.output.weight", "1.branch.3.weight"))}
    assert len(added) == 2 * 8
    for name, deviation in deviations.items():
        wanted = 0.02 / 4 if name in added else 0.02  # sqrt(2 * 8) layers are added
        assert deviation == pytest.approx(wanted, rel=0.1), name
    # Symbols are then all about as likely.
    assert cross_entropy(made()(codes(8, 12)).flatten(0, 1), codes(8, 12).flatten()).item() == pytest.approx(
        1.95, abs=0.1
    )


def test_attention_can_be_looked_at() -> None:
    weights = attention_weights(made(), codes(2, 12))
    assert [each.shape for each in weights.values()] == [(2, 4, 12, 12)] * 2
    assert all(torch.equal(each, each.tril()) for each in weights.values())


def test_it_learns_a_text_by_heart() -> None:
    model, x, y = made(), codes(4, 12), codes(4, 13)[:, 1:]
    x[:, 0] = torch.arange(4)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(150):
        loss = cross_entropy(model(x).flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (model(x).argmax(-1) == y).all()


def test_dropout_is_where_it_says() -> None:
    rates = [each.p for each in made(dropout=0.3).modules() if isinstance(each, nn.Dropout)]
    assert rates == [0.3] * (1 + 2 * 3)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match="`width` must be divisible by `heads` = 4, got 18"):
        made(width=18)
    with pytest.raises(InputError, match="knows 12 positions of a text, got 13"):
        made()(codes(2, 13))
    with pytest.raises(InputError, match="model `char_transformer`: takes text"):
        create_model("char_transformer", spec=DataSpec(task="classification", inputs=((12, 3),), outputs=7))
