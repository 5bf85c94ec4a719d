"""Optimizers of pytorch_optimizer: there by name, imported when made, and missed in one line."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from torch import nn

from gradus.core.errors import InputError
from gradus.optim import optimizers
from tests.optim.paths import Array, apart, follow, gradient, recursion

NAMES = ["adabelief", "adan", "ademamix", "adopt", "lamb", "lion", "muon", "prodigy", "shampoo", "soap", "stable_adamw"]


def test_listing_them_imports_nothing() -> None:
    code = (
        "import sys; from gradus.optim import optimizers; optimizers.cards(); print('pytorch_optimizer' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("name", NAMES)
def test_without_the_package_the_error_says_what_to_install(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pytorch_optimizer", None)
    with pytest.raises(InputError, match=rf"optimizer `{name}`: needs pytorch_optimizer.*torchgradus\[optim\]"):
        optimizers.get(name).build(nn.Linear(2, 2).parameters())


def test_lion_follows_its_paper() -> None:
    b1, b2, lr, decay = 0.9, 0.99, 1e-3, 0.1

    def update(t: int, p: Array, m: Array) -> tuple[Array, Array]:
        g = gradient(p)
        p = p - lr * (np.sign(b1 * m + (1 - b1) * g) + decay * p)
        return p, b2 * m + (1 - b2) * g

    options: dict[str, Any] = {"lr": lr, "weight_decay": decay}
    ours = follow(lambda parameters: optimizers.get("lion").build(parameters, **options))
    assert apart(ours, recursion(update, kept=1)) <= 1e-12


def test_muon_leaves_vectors_to_adamw() -> None:
    layer = nn.Linear(3, 2)
    optimizer = optimizers.get("muon").build(layer.parameters())
    assert [(group["use_muon"], len(group["params"])) for group in optimizer.param_groups] == [(True, 1), (False, 1)]
