import re
from pathlib import Path
from typing import Any

import torch

DOCS = Path(__file__).parents[3] / "docs" / "backpropagation.md"


def test_the_examples_run_and_are_true() -> None:
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL):
        exec(block, names)  # our own page
    assert names["found"].results[0].error.shape == (5, 4)
    assert names["found"].difference < 1e-6
    assert all(each.grad is not None for each in names["net"].parameters())
    assert names["steepest"].tolist() == [6, 8]
    assert names["directional_derivative"](names["f"], names["at"], torch.tensor([6.0, 8.0])) == 10
