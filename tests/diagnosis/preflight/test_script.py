"""Programs of every kind are examined in their first steps, and nothing is left of that."""

import os
import random
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gradus.core.errors import InputError
from gradus.diagnosis.preflight.script import examine_script

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes do not fork here")

SECONDS = 60.0  # of a busy machine; each takes a few

HEAD = """
import torch
from torch import nn
torch.manual_seed(0)
x = torch.randn(200, 8)
y = (x[:, 0] * x[:, 1] > 0).long()
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
def step(a, b):
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(a), b)
    loss.backward()
    optimizer.step()
    return loss
"""

LOOPS = {
    "indexing": """
        for epoch in range(10**6):
            i = epoch * 20 % 200
            step(x[i:i + 20], y[i:i + 20])
        """,
    "full batch": "while True: step(x, y)",
    "few steps": "for _ in range(7): step(x[:30], y[:30])",
    "swallows": """
        while True:
            try: step(x, y)
            except BaseException: pass
        """,
    "finally": """
        try:
            while True: step(x, y)
        finally:
            open("done.txt", "w").write("done")
        """,
    "loader": """
        from torch.utils.data import DataLoader, TensorDataset
        for _ in range(10**6):
            for a, b in DataLoader(TensorDataset(x, y), batch_size=20, shuffle=True): step(a, b)
        """,
    "workers": """
        from torch.utils.data import DataLoader, TensorDataset
        for _ in range(10**6):
            loader = DataLoader(TensorDataset(x, y), batch_size=20, num_workers=1, persistent_workers=True)
            for _ in range(100):
                for a, b in loader: step(a, b)
        """,
    "closure": """
        optimizer = torch.optim.LBFGS(model.parameters(), max_iter=4)
        def closure():
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            return loss
        for _ in range(20): optimizer.step(closure)
        """,
    "two networks": """
        other = nn.Linear(8, 2)
        second = torch.optim.SGD(other.parameters(), lr=0.1)
        while True:
            step(x, y)
            second.zero_grad()
            nn.functional.cross_entropy(other(x), y).backward()
            second.step()
        """,
    "by hand": """
        weight = torch.zeros(8, 1, requires_grad=True)
        while True:
            loss = ((x @ weight).squeeze(1) - x[:, 0]).square().mean()
            loss.backward()
            with torch.no_grad():
                weight -= 0.1 * weight.grad
                weight.grad = None
        """,
    "compiled": """
        model = torch.compile(model)
        while True: step(x, y)
        """,
    "arguments": """
        import argparse
        parser = argparse.ArgumentParser()
        parser.add_argument("--rate", type=float, required=True)
        optimizer.param_groups[0]["lr"] = parser.parse_args().rate
        while True: step(x, y)
        """,
}


def examine(place: Path, program: str, *arguments: str, seconds: float = SECONDS) -> dict[str, Any]:
    script = place / "train.py"
    script.write_text(HEAD + textwrap.dedent(program), encoding="utf-8")
    return examine_script(script, arguments, budget=seconds)


@pytest.mark.parametrize("name", LOOPS)
def test_loops_of_every_kind_come_to_an_end(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    document = examine(tmp_path, LOOPS[name], *(("--rate", "0.01") if name == "arguments" else ()))
    assert document["steps_seen"] >= (7 if name == "few steps" else 1)
    assert document["findings"] == []
    assert document["program_exit"] == 0
    assert [each["status"] for each in document["checks"]].count("failed") == 0
    assert [each.name for each in tmp_path.iterdir()] == ["train.py"]


def test_a_batch_that_is_fitted_and_one_that_is_not_without_its_inputs(tmp_path: Path) -> None:
    document = examine(tmp_path, LOOPS["full batch"])
    (check,) = [each for each in document["checks"] if each["name"] == "one-batch"]
    assert check["status"] == "passed"
    assert check["figures"]["fitted"] < 0.6 * check["figures"]["without_inputs"] <= 0.75


FAULTS = {
    "learning-rate-too-high": "optimizer = torch.optim.SGD(model.parameters(), lr=500.0)",
    "learning-rate-too-low": "optimizer = torch.optim.SGD(model.parameters(), lr=1e-6)",
    "unscaled-inputs": "x = 300 * x.abs() + 100",
    "non-finite-input": "x[3, 2] = float('nan')",
    "softmax-twice": "model.append(nn.Softmax(dim=1))",
    "parameters-not-in-optimizer": "optimizer = torch.optim.Adam(model[2].parameters(), lr=1e-2)",
    "missing-zero-grad": "optimizer.zero_grad = lambda: None",
}


@pytest.mark.parametrize("cause", FAULTS)
def test_what_is_wrong_is_named(cause: str, tmp_path: Path) -> None:
    document = examine(tmp_path, FAULTS[cause] + "\nwhile True: step(x, y)")
    assert document["causes"][0]["id"] == cause
    assert any(each["status"] == "failed" for each in document["checks"])


def test_files_seeds_and_output_stay_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.txt").write_text("old")
    (tmp_path / "log.txt").write_text("first line\n")
    program = """
        import numpy, os, random, struct, sys
        random.seed(1); numpy.random.seed(1); torch.manual_seed(1)
        os.environ["LEFT"] = "behind"
        os.remove("old.txt"); os.makedirs("runs/events")
        log, events = open("log.txt", "a"), open("runs/events/out.tfevents", "ab")
        while True:
            loss = step(x, y)
            print(float(loss)); print(float(loss), file=sys.stderr); print(float(loss), file=log, flush=True)
            events.write(struct.pack("d", float(loss))); events.flush()
            torch.save(model.state_dict(), "model.pt"); numpy.save("loss.npy", loss.detach().numpy())
            torch.load("model.pt")
        """
    before = random.getstate(), str(np.random.get_state()), torch.get_rng_state()  # noqa: NPY002
    assert examine(tmp_path, program)["steps_seen"] >= 50
    assert sorted(each.name for each in tmp_path.iterdir()) == ["log.txt", "old.txt", "train.py"]
    assert (tmp_path / "log.txt").read_text() == "first line\n"
    assert (tmp_path / "old.txt").read_text() == "old"
    assert before[:2] == (random.getstate(), str(np.random.get_state()))  # noqa: NPY002
    assert torch.equal(before[2], torch.get_rng_state())
    assert "LEFT" not in os.environ
    assert capfd.readouterr() == ("", "")


REFUSED = {
    "print('nothing')": "trained nothing",
    "raise ValueError('no data')": "ended with ValueError: no data before it trained",
    "input('which? ')": "ended with EOFError",
    "import sys; sys.exit('no data here')": r"ended with exit code 1 \(no data here\)",
    "import argparse; p = argparse.ArgumentParser(); p.add_argument('--a', required=True); p.parse_args()": "--a",
    "import time; time.sleep(60)": "came to no backward pass within 2 seconds",
    "import os; os.kill(os.getpid(), 9)": "was killed before it trained",
}


@pytest.mark.parametrize("program", REFUSED)
def test_programs_that_do_not_come_to_train_are_told_in_a_line(program: str, tmp_path: Path) -> None:
    seconds = 2.0 if "sleep" in program else SECONDS
    with pytest.raises(InputError, match=REFUSED[program]) as refused:
        examine(tmp_path, program, seconds=seconds)
    assert "\n" not in str(refused.value)


def test_a_crash_after_some_steps_keeps_what_was_seen(tmp_path: Path) -> None:
    document = examine(tmp_path, "for _ in range(30): step(x, y)\nraise KeyError('late')")
    assert document["program_exit"] == 1
    assert document["program_error"] == "KeyError: 'late'"
    assert document["steps_seen"] == 30


def test_there_must_be_such_a_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        examine_script(tmp_path / "none.py", [], budget=5)


def test_torch_is_left_without_hooks_taps_and_modes() -> None:
    """In the process of a caller, as for a recipe; here of a loop that ends before it has gone anywhere."""
    from torch.nn.modules import module

    from gradus.diagnosis import taps
    from gradus.diagnosis.preflight.examiner import Examiner

    backward = torch.autograd.backward
    for train in (False, True):
        examiner = Examiner(deadline=1e9, enough=lambda: None)
        output = torch.nn.Linear(2, 1)(torch.ones(3, 2)).mean()
        if train:
            output.backward()
        examiner.conclude(ended=False)
        assert torch.autograd.backward is backward
        assert not taps._listeners
        assert not module._global_forward_pre_hooks
        assert not module._global_forward_hooks
        assert not module._global_forward_hooks_with_kwargs
        assert torch._C._len_torch_function_stack() == 0
