import copy
import json
import platform
from pathlib import Path
from typing import Any

import pytest
import torch

import gradus
from gradus.training.callbacks import Callback
from gradus.training.environment import describe_environment, differences
from gradus.training.train import resume
from tests.end_to_end.recipes import digits

NOW = describe_environment(torch.device("cpu"))


def test_it_is_a_document_that_says_what_results_depend_on() -> None:
    assert json.loads(json.dumps(NOW)) == NOW
    assert NOW["format"] == 1
    assert NOW["versions"].keys() == {"gradus", "python", "torch", "numpy", "scikit-learn"}
    assert NOW["versions"]["torch"] == torch.__version__
    assert (NOW["threads"], NOW["device"]) == (torch.get_num_threads(), "cpu")
    assert NOW["cpu"]["capability"] == torch.backends.cpu.get_cpu_capability()


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("threads",), 99, f"threads 99 -> {NOW['threads']}"),
        (("versions", "torch"), "1.0", f"torch 1.0 -> {torch.__version__}"),
        (("cpu", "capability"), "Z80", f"capability Z80 -> {NOW['cpu']['capability']}"),
        (("device",), "H200", "device H200 -> cpu"),
    ],
)
def test_what_differs_is_said(path: tuple[str, ...], value: Any, said: str) -> None:
    before = copy.deepcopy(NOW)
    table = before
    for name in path[:-1]:
        table = table[name]
    table[path[-1]] = value
    assert differences(before, NOW) == [said]


def test_what_does_not_matter_is_not_said() -> None:
    assert differences(NOW | {"command": ["other"], "code": {"model": {}}}, NOW) == []


def test_of_a_document_that_lacks_something_that_is_said() -> None:
    before = {name: value for name, value in NOW.items() if name != "cpu"}
    assert differences(before, NOW)


def test_a_run_resumed_elsewhere_warns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "python_version", lambda: "2.7.18")
    with pytest.raises(ZeroDivisionError):
        gradus.train(digits(epochs=1), run=tmp_path / "run", callbacks=[_Failing()])
    monkeypatch.undo()
    warnings: list[str] = []
    resume(tmp_path / "run", warn=warnings.append)
    assert warnings == [f"not as when the run began: python 2.7.18 -> {NOW['versions']['python']}"]


class _Failing(Callback):
    def step_ended(self, trainer: Any) -> None:
        raise ZeroDivisionError
