"""The user's own code rewrites text; what it gets wrong is told."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from gradus.core.errors import InputError
from gradus.core.spec import DataSpec
from gradus.data.augmentation import Augmentation
from tests.data.augmentation.examples import held

VOCABULARY = tuple("abc d")  # the blank has the code 3


def rewritten(folder: Path, code: str, *texts: str, vocabulary: tuple[str, ...] = VOCABULARY) -> list[str]:
    (folder / "hook.py").write_text(code)
    codes = torch.tensor([[vocabulary.index(symbol) for symbol in text] for text in texts])
    spec = DataSpec(
        task="classification", inputs=((codes.shape[1],),), outputs=5, input_dtypes=("int64",), vocabulary=vocabulary
    )
    make = Augmentation([{"name": "rewrite", "module": f"{folder / 'hook.py'}:hook"}], spec)
    index = np.arange(len(texts))
    (made,), target = make(held(codes, index_of(codes)), index, pool=index, seed=0, epoch=0)
    assert torch.equal(target, index_of(codes))
    assert (made.dtype, made.shape) == (torch.int64, codes.shape)
    return ["".join(vocabulary[code] for code in row) for row in made]


def index_of(codes: Tensor) -> Tensor:
    return torch.arange(len(codes))


def test_text_is_replaced(tmp_path: Path) -> None:
    code = "def hook(texts, u):\n    return [each.replace('a', 'b') for each in texts]"
    assert rewritten(tmp_path, code, "abca", "dd a") == ["bbcb", "dd b"]


def test_the_end_is_kept_and_the_beginning_padded(tmp_path: Path) -> None:
    code = "def hook(texts, u):\n    return ['abcd' + texts[0], 'ab', '']"
    assert rewritten(tmp_path, code, "ddaa", "aaaa", "bbbb") == ["ddaa", "  ab", "    "]
    assert rewritten(tmp_path, code, "bbaa", "aaaa", "bbbb", vocabulary=tuple("abcd"))[1:] == ["aaab", "aaaa"]


def test_every_text_has_a_draw(tmp_path: Path) -> None:
    code = (
        "def hook(texts, u):\n    assert u.shape == (3,) and (0 <= u).all() and (u < 1).all() and len(set(u)) == 3\n"
        "    return texts"
    )
    assert rewritten(tmp_path, code, "ab", "ab", "ab") == ["ab", "ab", "ab"]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("return texts[1:]", "must return a string for each of the 2 it is given, got 1"),
        ("return ['axa', 'aza']", "must write in the symbols of the training text, got `xz`"),
        ("return 'ab'", "must return a list of strings, got `ab`"),
        ("return [1, 2]", r"must return a list of strings, got \[1, 2\]"),
        ("return None", "must return a list of strings, got None"),
        ("return texts[9]", "raises IndexError: list index out of range"),
    ],
)
def test_a_mistake_of_the_hook_is_told(code: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"^data.augment `rewrite` \(.*hook.py:hook\): {message}"):
        rewritten(tmp_path, f"def hook(texts, u):\n    {code}", "ab", "ba")


def test_a_hook_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has no callable of this name, got `hook`. Did you mean `hok`\?"):
        rewritten(tmp_path, "def hok(texts, u):\n    return texts", "ab", "ba")
