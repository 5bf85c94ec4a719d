"""``gradus doctor SCRIPT``: a program keeps its own behaviour, and its trouble is told."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import run_gradus
from tests.end_to_end.processes import ENVIRONMENT, Processes

# ---- programs that run as they do by themselves; none of them loads torch -------------------------------------------


@dataclass(frozen=True)
class Ended:
    code: int
    out: bytes
    theirs: str
    ours: str


def ended(place: Path, *command: str, words: bytes = b"") -> Ended:
    environment = {name: each for name, each in os.environ.items() if name != "OMP_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, *command], cwd=place, env=environment, input=words, capture_output=True, check=False
    )
    lines = done.stderr.decode().splitlines()
    ours = [each for each in lines if each.startswith("gradus: ")]
    return Ended(done.returncode, done.stdout, "\n".join(each for each in lines if each not in ours), "\n".join(ours))


BEHAVIOURS = {
    "neighbours": """
        import pickle, pathlib, sys, warnings
        import neighbour
        from dataclasses import dataclass

        @dataclass
        class Point:
            x: "int" = 1

        warnings.warn("careful")
        if __name__ == "__main__":
            print(neighbour.ANSWER, pathlib.Path("numbers.txt").read_text(), pathlib.Path(__file__).is_absolute())
            print(sys.argv, sys.path[0], "gradus" in sys.path[0], pickle.loads(pickle.dumps(Point())))
            sys.stdout.buffer.write(b"\\xff\\x00")
        """,
    "elsewhere": """
        import os, sys
        os.chdir("/")
        print(open(__file__).readline(), sys.modules["__main__"].__file__ == __file__)
        """,
    "reads": "import sys; print(sys.stdin.read()[::-1], input.__name__)",
    "number": "import sys; print('a', end=''); sys.exit(3)",
    "negative": "import sys; sys.exit(-1)",
    "words": "import sys; sys.exit('no such dataset')",
    "nothing": "raise SystemExit",
    "syntax": "print('not reached')\nfor x in\n",
    "raises": """
        import json
        def load(text):
            return json.loads(text)
        try:
            load("{")
        except ValueError as error:
            raise RuntimeError("no configuration") from error
        """,
    "absent": "import no_such_module_anywhere",
    "hook": """
        import sys
        sys.excepthook = lambda kind, error, frames: print("mine:", kind.__name__, frames.tb_lineno, file=sys.stderr)
        1 / 0
        """,
    "closed": "import sys; print('last words'); sys.stdout.close()",
    "late": """
        import atexit, threading, time
        atexit.register(print, "atexit")
        threading.Thread(target=lambda: (time.sleep(0.1), print("thread"))).start()
        print("main")
        """,
    "forks": """
        import os, sys
        child = os.fork()
        if child:
            os.waitpid(child, 0)
        print("parent" if child else "child", flush=True)
        sys.exit(0 if child else 5)
        """,
    "spawns": """
        import multiprocessing
        def double(x):
            return 2 * x
        if __name__ == "__main__":
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                print(pool.map(double, [1, 2]))
        """,
    "leaves": "import os; print('at once', flush=True); os._exit(4)",
    "killed": "import os, signal; print('x', flush=True); os.kill(os.getpid(), signal.SIGTERM)",
}
SPEECHLESS = ("leaves", "killed")
"""Those that end without coming back to the interpreter."""


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_a_program_behaves_as_it_does_by_itself(name: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(_unindented(BEHAVIOURS[name]), encoding="utf-8")
    (tmp_path / "neighbour.py").write_text("ANSWER = 42", encoding="utf-8")
    (tmp_path / "numbers.txt").write_text("1 2 3", encoding="utf-8")
    given = ["program.py", "--json", "-h", "--lang", "zh", "--", "", "a b"]
    alone = ended(tmp_path, *given, words=b"hello")
    watched = ended(tmp_path, "-m", "gradus", "doctor", *given, words=b"hello")
    assert (watched.code, watched.out, watched.theirs) == (alone.code, alone.out, alone.theirs)
    if name in SPEECHLESS:
        return
    error = {"syntax": "SyntaxError", "raises": "RuntimeError", "absent": "ModuleNotFoundError", "hook": "ZeroDivision"}
    assert (
        f"program.py ended with {error[name]}" in watched.ours if name in error else "trained nothing" in watched.ours
    )
    assert "\n" not in watched.ours


def test_ctrl_c_ends_it_and_what_was_seen_is_told(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("print('begun')\nraise KeyboardInterrupt", encoding="utf-8")
    watched = ended(tmp_path, "-m", "gradus", "doctor", "program.py")
    assert (watched.code, watched.out) == (130, b"begun\n")
    assert watched.ours == "gradus: program.py ended with KeyboardInterrupt; what was seen until then counts"


def _unindented(text: str) -> str:
    lines = text.strip("\n").splitlines()
    margin = len(lines[0]) - len(lines[0].lstrip())
    return "\n".join(each[margin:] for each in lines) + "\n"


# ---- programs that train --------------------------------------------------------------------------------------------

TRAINING = """
import os
import sys
from pathlib import Path

import torch
from torch import nn

def train(net, steps=60, lr=0.1):
    sgd = torch.optim.SGD(net.parameters(), lr=lr)
    for step in range(steps):
        x = torch.randn(32, 8)
        sgd.zero_grad()
        loss = nn.functional.cross_entropy(net(x), (x[:, 0] > 0).long())
        loss.backward()
        sgd.step()
    print(f"{loss.item():.9f}", flush=True)

def network(width=16):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(8, width), nn.Tanh(), nn.Linear(width, 2))
"""


@dataclass(frozen=True)
class Diagnosed:
    code: int
    out: str
    err: str
    document: dict[str, Any]


def diagnosed(processes: Processes, place: Path, program: str, *options: str) -> Diagnosed:
    script, document = place / "train.py", place / "found.json"
    script.write_text(TRAINING + program, encoding="utf-8")
    done = processes.gradus("doctor", "--json-to", document, *options, script)
    return Diagnosed(done.code, done.out, done.err, json.loads(document.read_text(encoding="utf-8")))


def test_a_fresh_program_still_sets_up_torch_itself_and_prints_the_same(tmp_path: Path) -> None:
    """What it puts into the environment before it loads torch counts, and looking for torch does not load it."""
    script = tmp_path / "train.py"
    first = """
import importlib.util, os, sys
os.environ["OMP_NUM_THREADS"] = "1"
print("torch" in sys.modules, "numpy" in sys.modules, importlib.util.find_spec("torch").loader is not None)
"""
    last = """
print(torch.get_num_threads(), type(torch.__loader__).__name__, torch.__spec__.loader is torch.__loader__)
net = network()
train(net)
print([each.double().sum().item().hex() for each in net.parameters()], torch.randn(1).item().hex())
"""
    script.write_text(first + TRAINING + last, encoding="utf-8")
    alone, watched = ended(tmp_path, "train.py"), ended(tmp_path, "-m", "gradus", "doctor", "train.py")
    assert watched.out == alone.out
    assert watched.out.startswith(b"False False True\n1 ")
    assert "60 steps" in watched.ours  # it was watched


def test_a_healthy_program_ends_with_0(processes: Processes, tmp_path: Path) -> None:
    done = diagnosed(processes, tmp_path, "train(network())")
    assert done.code == 0
    assert done.err == "gradus: nothing is wrong, as far as 60 steps show\n"
    assert done.document["findings"] == []
    assert done.document["steps_seen"] == 60
    assert done.document["program_exit"] == 0
    assert done.document["overhead"] > 0


ILL = "train(network(), lr=1e38)\n"


def test_an_ill_program_ends_with_1_and_a_document(processes: Processes, tmp_path: Path) -> None:
    done = diagnosed(processes, tmp_path, ILL)
    assert done.code == 1
    assert done.document["program_exit"] == 0
    assert done.out == "nan\n"
    (finding,) = [each for each in done.document["findings"] if each["symptom"] == "non-finite"]
    keys = {"symptom", "where", "since_step", "said_at_step", "severity", "confidence", "evidence", "message"}
    assert finding.keys() >= keys | {"remedies"}
    assert finding["severity"] == "critical"
    assert {"id", "text", "why", "source"} == {name for each in finding["remedies"] for name in each}
    assert all({"id", "confidence", "because"} <= each.keys() for each in done.document["causes"])
    likely = done.document["causes"][0]
    assert f"likely cause: {likely['id']}" in done.err
    assert "[non-finite]" in done.err


def test_it_speaks_chinese(processes: Processes, tmp_path: Path) -> None:
    done = diagnosed(processes, tmp_path, ILL, "--lang", "zh")
    assert "严重 [non-finite]: 从第" in done.err
    assert "可能的原因：" in done.err
    assert "likely cause" not in done.err
    assert "没有发现问题" in diagnosed(processes, tmp_path, "train(network())", "--lang", "zh").err


def test_a_silenced_rule_is_not_asked(processes: Processes, tmp_path: Path) -> None:
    found = diagnosed(processes, tmp_path, ILL, "--silence", "non-finite").document["findings"]
    assert "non-finite" not in {each["symptom"] for each in found}


@pytest.mark.parametrize(("exit_", "code"), [("sys.exit(3)", 3), ("sys.exit('lost')", 1), ("os._exit(0)", 0)])
def test_the_program_s_own_code_goes_first(processes: Processes, tmp_path: Path, exit_: str, code: int) -> None:
    (tmp_path / "found.json").write_text('{"program_exit": 0}', encoding="utf-8")  # nobody replaces it after os._exit
    done = diagnosed(processes, tmp_path, ILL + exit_)
    assert (done.code, done.document["program_exit"]) == (code, code)
    assert "[non-finite]" in done.err


def test_a_crash_in_training_shows_the_program_s_frames_and_what_was_found(
    processes: Processes, tmp_path: Path
) -> None:
    done = diagnosed(processes, tmp_path, ILL + "y = network()(torch.ones(2, 8)).sum()\ny.backward()\ny.backward()")
    assert (done.code, done.document["program_exit"]) == (1, 1)
    assert "Trying to backward through the graph a second time" in done.err
    frames = [each for each in done.err.splitlines() if each.lstrip().startswith("File ")]
    assert "train.py" in frames[0]
    assert not [each for each in frames if "gradus" in each or "runpy" in each]
    assert "train.py ended with RuntimeError" in done.err
    assert "non-finite" in {each["symptom"] for each in done.document["findings"]}


def test_two_trainings_one_after_the_other_are_both_seen(processes: Processes, tmp_path: Path) -> None:
    done = diagnosed(processes, tmp_path, "train(network())\n" + ILL)
    first, second = done.out.splitlines()
    assert (first != "nan", second) == (True, "nan")
    assert done.document["steps_seen"] > 60
    assert "non-finite" in {each["symptom"] for each in done.document["findings"]}


def test_of_a_fork_that_goes_on_training_only_the_parent_speaks(processes: Processes, tmp_path: Path) -> None:
    program = ILL + "child = os.fork()\n" + ILL.replace("train(", "train(nn.Sequential(").replace("(), lr", "()), lr")
    done = diagnosed(processes, tmp_path, program + "if child:\n    os.waitpid(child, 0)\nsys.exit(0 if child else 7)")
    assert done.code == 1
    assert done.out == "nan\n" * 3
    assert done.err.count("[non-finite]") == 1
    assert done.err.count("likely cause") == 1


def test_loader_workers_neither_speak_nor_stop_it(processes: Processes, tmp_path: Path) -> None:
    program = """
from torch.utils.data import DataLoader, Dataset

class Squares(Dataset):  # known to a spawned worker by the program's name
    def __len__(self):
        return 4
    def __getitem__(self, number):
        return network()(torch.full((8,), float(number)))[0].detach()

if __name__ == "__main__":
    for kind in ("fork", "spawn"):
        loader = DataLoader(Squares(), batch_size=2, num_workers=1, multiprocessing_context=kind)
        print(kind, sum(len(each) for each in loader))
"""
    done = diagnosed(processes, tmp_path, program)
    assert (done.code, done.out) == (0, "fork 4\nspawn 4\n")
    assert done.err == (
        "gradus: train.py trained nothing that can be followed: backward was not called in this process "
        "(torch.autograd.grad is not followed)\n"
    )
    assert done.document["steps_seen"] == 0


def test_a_program_that_leaves_its_folder_finds_the_document_where_it_was_asked_for(
    processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "train.py"
    script.write_text("import os\nos.chdir('/')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "gradus", "doctor", "--json-to", "found.json", "train.py"],
        env=ENVIRONMENT,
        capture_output=True,
        check=True,
    )
    assert done.stdout == b""
    assert json.loads((tmp_path / "found.json").read_bytes())["program_exit"] == 0


# ---- what cannot be done --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["absent.py"], "no such file, got `absent.py`"),
        (["empty"], "is not a run"),
        (["--json", "fine.py"], "--json: a program keeps its own output"),
        (["--budget", "0", "fine.py"], "--budget: must lie between 0 and 1"),
        (["--budget", "half", "fine.py"], "--budget"),
        (["--silence", "dead-unit", "fine.py"], "Did you mean `dead-units`"),
        (["--lang", "fr", "fine.py"], "must be `en` or `zh`"),
        (["--json-to", "absent/found.json", "fine.py"], "--json-to"),
        (["--json-to", "empty", "fine.py"], "--json-to"),
        (["run", "--json", "--epochs"], "a run takes no arguments, got `--epochs`"),
        ([], "SCRIPT.py"),
    ],
)  # fmt: skip
def test_bad_use_is_told_in_a_line_before_anything_runs(
    arguments: list[str],
    told: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "empty").mkdir()
    shutil.copytree(GOLDEN, tmp_path / "run")
    (tmp_path / "fine.py").write_text("print('ran')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    done = run_gradus(capsys, monkeypatch, "doctor", *arguments)
    assert (done.code, done.out) == (2, "")
    assert told in done.err
    assert done.err.count("\n") == 1


# ---- runs -----------------------------------------------------------------------------------------------------------

GOLDEN = Path(__file__).parents[1] / "golden" / "run-format-2" / "finished"


def test_of_a_run_it_reads_what_was_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = shutil.copytree(GOLDEN, tmp_path / "run")
    done = run_gradus(capsys, monkeypatch, "doctor", run, "--json")
    assert (done.code, done.err) == (0, "")
    document = json.loads(done.out)
    assert document.keys() >= {"findings", "causes", "steps_seen", "overhead"}
    assert (document["findings"], document["steps_seen"]) == ([], 80)
    assert (
        "nothing was found in 80 steps; it was trained without the doctor"
        in run_gradus(capsys, monkeypatch, "doctor", run).out
    )
