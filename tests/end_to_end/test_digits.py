"""The first thing a stranger runs."""

import json
import subprocess
import sys
from pathlib import Path


def test_the_default_recipe_learns_real_handwritten_digits(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gradus", "train", "--json"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    result = json.loads(done.stdout)
    assert (result["model"], result["data"], result["parameters"]) == ("lenet5", "digits", 61_706)
    assert result["metrics"]["test_accuracy"] >= 0.975
    assert result["findings"] == []
