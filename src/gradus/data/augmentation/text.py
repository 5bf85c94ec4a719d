"""Text rewritten by the user's own code, to another text of the same meaning."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gradus.core.errors import InputError
from gradus.core.usercode import UserCode
from gradus.data.augmentation.changes import Rewriting, augmentations

# N examples, T symbols


@augmentations.register(
    source="Sennrich, Haddow, Birch (2016), Improving neural machine translation models with monolingual data, "
    "arXiv:1511.06709, 3",
    takes=("text",),
)
def rewrite(*, module: str) -> Rewriting:
    """Rewrite text with your own `module`, ``file.py:callable``: N strings and N numbers in [0, 1) to N strings."""
    owner = f"data.augment `rewrite` ({module})"
    hook = UserCode.parse(module, Path(), "data.augment `rewrite`: `module`").load()

    def change(codes: Tensor, u: NDArray[np.float64], vocabulary: tuple[str, ...]) -> Tensor:
        code_of = {symbol: code for code, symbol in enumerate(vocabulary)}
        texts = ["".join(vocabulary[code] for code in row) for row in codes.tolist()]
        try:
            made: Any = hook(list(texts), u.copy())
        except Exception as error:
            raise InputError(owner, f"raises {type(error).__name__}: {error}") from error
        if not isinstance(made, Sequence) or isinstance(made, str) or not all(isinstance(each, str) for each in made):
            raise InputError(owner, "must return a list of strings", made)
        if len(made) != len(texts):
            raise InputError(owner, f"must return a string for each of the {len(texts)} it is given", len(made))
        unknown = sorted(set("".join(made)) - code_of.keys())
        if unknown:
            raise InputError(
                owner, "must write in the symbols of the training text", "".join(unknown), "Replace or drop them."
            )
        # What comes just before the symbol to be foretold matters most, so a text is cut and padded at its beginning.
        length, blank = codes.shape[1], code_of.get(" ", 0)
        rows = [[code_of[symbol] for symbol in text[-length:]] for text in made]
        padded = [[blank] * (length - len(row)) + row for row in rows]
        return torch.tensor(padded, dtype=codes.dtype, device=codes.device)

    return Rewriting(change)
