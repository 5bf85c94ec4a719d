"""The neural n-gram model against the paper's equation."""

import pytest
import torch
from torch.nn import functional

from gradus.core.errors import InputError
from gradus.core.spec import DataSpec
from gradus.models import create_model

SPEC = DataSpec(
    task="classification", inputs=((3,),), input_dtypes=("int64",), outputs=4, vocabulary=("a", "b", "c", "d")
)


def test_it_is_the_papers_equation() -> None:
    """y = b + U tanh(d + H x), x the embeddings of the context side by side."""
    model = create_model("neural_lm", spec=SPEC, embedding=5, hidden=(6,))
    codes = torch.tensor([[0, 3, 1], [2, 2, 2]])
    named = dict(model.named_parameters())
    x = functional.one_hot(codes, 4).float() @ named["embedding.weight"]
    hidden = torch.tanh(x.reshape(2, 15) @ named["hidden1.weight"].T + named["hidden1.bias"])
    torch.testing.assert_close(model(codes), hidden @ named["output.weight"].T + named["output.bias"])


def test_only_text_is_taken() -> None:
    with pytest.raises(InputError, match="takes text, codes of a vocabulary"):
        create_model("neural_lm", spec=DataSpec(task="classification", inputs=((3,),), outputs=4))
