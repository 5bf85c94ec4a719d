"""An encoder, a decoder, and what the one looks at in the other."""

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
    task="classification", inputs=((6,),), input_dtypes=("int64",), outputs=4, vocabulary=tuple("abcde"), steps=3
)
SCORES = pytest.mark.parametrize("score", ["additive", "dot", "general"])


def made(**options: Any) -> nn.Module:
    torch.manual_seed(0)
    return create_model("seq2seq", spec=SPEC, **{"hidden": 8, "embedding": 5, **options})


def codes(*shape: int) -> Tensor:
    return torch.randint(5, shape, generator=torch.Generator().manual_seed(1))


@SCORES
def test_gives_as_many_symbols_as_are_asked_for_and_what_each_is_made_of(score: str) -> None:
    said = made(score=score)(codes(7, 6))
    assert said.output.shape == (7, 3, 4)
    assert said.attention.shape == (7, 3, 6)
    assert (said.attention > 0).all()
    torch.testing.assert_close(said.attention.sum(-1), torch.ones(7, 3))


@SCORES
def test_it_is_its_equations_step_by_step(score: str) -> None:
    model, x = made(score=score).double(), codes(2, 6)
    part: Any = model.get_submodule
    memory, ends = part("encoder")(part("embedding")(x))
    state = torch.tanh(part("bridge")(ends[1]))
    said = torch.zeros(2, 5, dtype=torch.float64)
    found = model(x)
    for step in range(3):
        query = state
        if score == "additive":
            attention = part("decoder.attention")
            energies = torch.stack(
                [
                    torch.tanh(attention.of_query(query) + attention.of_memory(memory[:, place]))
                    @ attention.score.weight[0]
                    for place in range(6)
                ],
                1,
            )
        else:
            keys = memory if score == "dot" else memory @ part("decoder.attention.of_memory").weight.T
            energies = torch.stack([(query * keys[:, place]).sum(-1) for place in range(6)], 1)
        weights = energies.exp() / energies.exp().sum(1, keepdim=True)
        context = torch.stack([weights[row] @ memory[row] for row in range(2)])
        state = part("decoder.cell")(torch.cat((said, context), 1), query)
        logits = part("decoder.output")(torch.cat((state, context, said), 1))
        torch.testing.assert_close(found.attention[:, step], weights)
        torch.testing.assert_close(found.output[:, step], logits)
        said = logits.softmax(1) @ part("decoder.said").weight


def test_weights_are_found_by_the_function_that_gathers_them() -> None:
    model, x = made(), codes(2, 6)
    (weights,) = attention_weights(model, x).values()
    torch.testing.assert_close(weights, model(x).attention)


@SCORES
def test_it_learns_to_say_a_few_words_from_their_end(score: str) -> None:
    torch.manual_seed(0)
    spec = DataSpec(
        task="classification", inputs=((4,),), input_dtypes=("int64",), outputs=5, vocabulary=tuple("abcde"), steps=4
    )
    model, x = create_model("seq2seq", spec=spec, hidden=16), codes(8, 4)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(120):
        loss = cross_entropy(model(x).output.flatten(0, 1), x.flip(1).flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (model(x).output.argmax(-1) == x.flip(1)).all()


def test_what_does_not_fit_is_refused() -> None:
    one = DataSpec(task="classification", inputs=((6,),), input_dtypes=("int64",), outputs=4, vocabulary=tuple("abcde"))
    with pytest.raises(InputError, match="model `seq2seq`: gives a class at every step"):
        create_model("seq2seq", spec=one)
    with pytest.raises(InputError, match="hidden"):
        made(hidden=7)
