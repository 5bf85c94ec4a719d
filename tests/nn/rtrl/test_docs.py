import re
from pathlib import Path
from typing import Any

import torch

DOCS = Path(__file__).parents[3] / "docs" / "rtrl.md"


def test_the_examples_run_and_are_true() -> None:
    torch.manual_seed(0)
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL):
        exec(block, names)  # our own page
    assert names["gradients"]["weight_hh"].shape == (48, 16)
    assert names["step"] == 400
