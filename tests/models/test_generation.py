"""Text goes on as the model says, drawn by the generator."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gradus.core.errors import InputError
from gradus.core.spec import DataSpec
from gradus.models import create_model
from gradus.models.generation import generate

NAMES = pytest.mark.parametrize("name", ["rnn", "lstm", "gru", "char_transformer", "tcn"])
SPEC = DataSpec(
    task="classification",
    inputs=((8,),),
    input_dtypes=("int64",),
    outputs=6,
    vocabulary=tuple("abcdef"),
    steps=8,
)
SMALL: dict[str, dict[str, Any]] = {"char_transformer": {"width": 16, "depth": 1}, "tcn": {"levels": 2, "kernel": 2}}


def made(name: str) -> nn.Module:
    torch.manual_seed(0)
    model = create_model(name, spec=SPEC, **SMALL.get(name, {}))
    with torch.no_grad():  # so that some symbols are likelier than others
        next(each for key, each in model.named_parameters() if key.endswith("output.weight")).mul_(20)
    return model


def prompt() -> Tensor:
    return torch.randint(6, (3, 5), generator=torch.Generator().manual_seed(2))


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@NAMES
def test_draws_are_the_generators(name: str) -> None:
    model = made(name)
    one, again, other = (generate(model, prompt(), 30, generator=seeded(seed)) for seed in (0, 0, 1))
    assert torch.equal(one, generate(model, prompt(), 30, temperature=1.0, generator=seeded(0)))
    assert one.shape == (3, 30)
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


@NAMES
def test_the_likeliest_is_what_the_model_says_of_all_that_it_sees(name: str) -> None:
    model = made(name).eval()
    sees = {"char_transformer": 8, "tcn": 7}.get(name, 100)
    text = prompt()
    for _ in range(20):  # by reading everything anew for every symbol
        text = torch.cat((text, model(text[:, -sees:])[:, -1].argmax(-1, keepdim=True)), 1)
    assert torch.equal(generate(model, prompt(), 20, temperature=0), text[:, 5:])
    assert torch.equal(generate(model, prompt(), 20, top_k=1, generator=seeded()), text[:, 5:])


class Fixed(nn.Module):
    """The same logits after whatever text, of one kind or the other."""

    def __init__(self, logits: Tensor, *, every_step: bool = False) -> None:
        super().__init__()
        self.logits, self.every_step = logits, every_step

    def forward(self, x: Tensor) -> Tensor:
        last = self.logits.expand(len(x), -1)
        return last[:, None].expand(-1, x.shape[1], -1) if self.every_step else last


@pytest.mark.parametrize("every_step", [False, True])
@pytest.mark.parametrize(("temperature", "top_k"), [(1.0, None), (0.5, None), (2.0, 2), (1.0, 9)])
def test_symbols_come_as_often_as_their_probabilities(every_step: bool, temperature: float, top_k: int | None) -> None:
    logits = torch.tensor([0.3, -1.0, 1.2, 0.8])
    model = Fixed(logits, every_step=every_step)
    drawn = generate(
        model, torch.zeros(2000, 1, dtype=torch.int64), 5, temperature=temperature, top_k=top_k, generator=seeded()
    )
    wanted = torch.exp(logits / temperature)
    if top_k == 2:
        wanted[:2] = 0
    shares = torch.bincount(drawn.flatten(), minlength=4) / drawn.numel()
    torch.testing.assert_close(shares, wanted / wanted.sum(), rtol=0, atol=0.02)  # 4 deviations of a share of 10,000
    assert (shares > 0).equal(wanted > 0)


@pytest.mark.parametrize("temperature", [1e-40, 1e-320])
def test_the_smallest_temperature_takes_the_likeliest(temperature: float) -> None:
    model = Fixed(torch.tensor([1.0, 3.0, float("-inf"), 2.0]))
    assert generate(model, prompt(), 4, temperature=temperature, generator=seeded()).eq(1).all()


def test_the_model_is_left_as_it_was() -> None:
    model = create_model("char_transformer", spec=SPEC, width=16, depth=1, dropout=0.5)
    model.get_submodule("body.layer1").eval()
    modes = [each.training for each in model.modules()]
    state = torch.get_rng_state()
    one, again = (generate(model, prompt(), 10, temperature=0) for _ in range(2))  # nothing is dropped
    assert torch.equal(one, again)
    assert [each.training for each in model.modules()] == modes
    assert torch.equal(torch.get_rng_state(), state)


def test_a_context_is_what_is_read() -> None:
    class Counting(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return nn.functional.one_hot(torch.tensor([x.shape[1]] * len(x)), 12).float() * 100

    assert generate(Counting(), prompt(), 4, context=3).unique().tolist() == [3]
    assert generate(Counting(), prompt(), 4)[0].tolist() == [5, 6, 7, 8]
    assert generate(Counting(), prompt(), 0).shape == (3, 0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"prompt": torch.zeros(3, 0, dtype=torch.int64)},
            r"`prompt` must be codes \(N, T\), one at least, got \(3, 0\)",
        ),
        ({"prompt": torch.zeros(3, 2)}, r"`prompt` must be codes \(N, T\), one at least, got `torch\.float32`"),
        ({"temperature": float("nan")}, "`temperature` must be 0 or more"),
        ({"model": Fixed(torch.tensor([float("-inf")] * 2))}, "infinite or not numbers"),
        ({"length": -1}, "`length` must be 0 or more"),
        ({"temperature": -0.1}, "`temperature` must be 0 or more"),
        ({"top_k": 0}, "`top_k` must be 1 or more"),
        ({"context": 0}, "`context` must be 1 or more"),
        ({"model": Fixed(torch.tensor([0.0, float("nan")]))}, "infinite or not numbers"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, Any], message: str) -> None:
    given = {"model": made("gru"), "prompt": prompt(), "length": 3, **options}
    with pytest.raises(InputError, match=f"generate: .*{message}"):
        generate(**given)
