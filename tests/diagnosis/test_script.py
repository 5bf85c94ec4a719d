"""The parts of it that need no process of their own; the rest is in tests/end_to_end/test_doctor.py."""

import importlib.util
import json
import math
import sys
from pathlib import Path

import pytest
import torch  # noqa: F401 - once: a program under test that loads it finds it there

from gradus.core.errors import InputError
from gradus.diagnosis.script import AfterLoading, diagnose_script


def test_a_call_comes_once_when_a_module_is_loaded_and_not_when_it_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "late_module.py").write_text("import json\nVALUE = 1", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    called: list[bool] = []
    finder = AfterLoading("late_module", lambda: called.append(sys.modules["late_module"].VALUE == 1))
    sys.meta_path.insert(0, finder)
    try:
        for _ in range(2):
            assert importlib.util.find_spec("late_module") is not None
        assert importlib.util.find_spec("another_late_module") is None
        assert called == []
        import late_module  # type: ignore[import-not-found]
    finally:
        del sys.modules["late_module"]
    assert called == [True]
    assert finder not in sys.meta_path
    assert type(late_module.__loader__).__name__ == "SourceFileLoader"
    assert late_module.__spec__.loader is late_module.__loader__


def test_a_module_that_is_not_there_is_missed_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "meta_path", [AfterLoading("no_such_module", lambda: None), *sys.meta_path])
    with pytest.raises(ModuleNotFoundError, match="No module named 'no_such_module'"):
        importlib.import_module("no_such_module")


def test_it_leaves_the_process_as_it_was(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("import sys\nsys.argv.append('x')\nsys.path.insert(0, 'x')\nsys.exit(9)", encoding="utf-8")
    before = list(sys.argv), list(sys.path), sys.modules["__main__"], list(sys.meta_path)
    for loaded in (True, False):
        with pytest.MonkeyPatch.context() as patch:
            if not loaded:
                patch.delitem(sys.modules, "torch")
            assert diagnose_script(script, ["a"]) == 9
            assert (sys.argv, sys.path, sys.modules["__main__"], sys.meta_path) == before


def test_nothing_runs_if_a_rule_to_silence_is_unknown(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("raise AssertionError", encoding="utf-8")
    with pytest.raises(InputError, match="Did you mean `dead-units`"):
        diagnose_script(script, [], silence=["dead-unit"])


ILL = """
import torch
layer = torch.nn.Linear(2, 1)
sgd = torch.optim.SGD(layer.parameters(), lr=0.1)
for x in (1.0, float("inf")):
    sgd.zero_grad()
    layer(torch.full((4, 2), x)).square().mean().backward()
    sgd.step()
"""


def test_of_several_processes_one_speaks_writes_and_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "script.py"
    script.write_text(ILL, encoding="utf-8")
    codes = []
    for rank in ("0", "1"):
        monkeypatch.setenv("RANK", rank)
        codes.append(diagnose_script(script, [], json_to=tmp_path / f"{rank}.json"))
    assert codes == [1, 0]
    assert [each.name for each in tmp_path.glob("*.json")] == ["0.json"]
    assert capsys.readouterr().err.count("[non-finite]") == 1


def test_numbers_that_json_lacks_are_words(tmp_path: Path) -> None:
    script, place = tmp_path / "script.py", tmp_path / "found.json"
    script.write_text(ILL, encoding="utf-8")
    assert diagnose_script(script, [], json_to=place) == 1
    document = json.loads(place.read_text(encoding="utf-8"), parse_constant=pytest.fail)  # none of NaN and Infinity
    assert math.isfinite(document["overhead"])
    assert "non-finite" in {each["symptom"] for each in document["findings"]}
