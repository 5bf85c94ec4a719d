"""A disk that fills up while a run is being saved: one clear line, nothing lost, resumed once there is room."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import gradus
from gradus.core import faults
from gradus.core.errors import ResourceError
from gradus.training import checkpoint
from tests.cli.command import Done, run_gradus
from tests.end_to_end.recipes import digits, weights

SIZE = 2 << 20
RECIPE = digits(epochs=2, checkpoint_every=5, keep="best")


class Disk:
    """A small file system of its own that can be filled."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    def fill(self, leave: int = 0) -> None:
        """Leave `leave` bytes, in pages of 4,096, or none at all."""
        with self._ballast.open("wb", buffering=0) as stream:
            try:
                while True:
                    stream.write(bytes(4096))
            except OSError:
                stream.truncate(max(0, stream.tell() // 4096 * 4096 - leave))

    def make_room(self) -> None:
        self._ballast.unlink(missing_ok=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "none", str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
    yield Disk(place)
    subprocess.run(["umount", str(place)], check=True)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> gradus.Run:
    return gradus.train(RECIPE, run=tmp_path_factory.mktemp("reference") / "run")


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.toml"
    path.write_text(gradus.Recipe.from_dict(RECIPE).to_toml())
    return path


def full_at(monkeypatch: pytest.MonkeyPatch, disk: Disk, point: str, occurrence: int, leave: int = 0) -> None:
    left = occurrence

    def listener(reached: str) -> None:
        nonlocal left
        left -= reached == point
        if reached == point and left == 0:
            disk.fill(leave)

    monkeypatch.setattr(faults, "listener", listener)


def one_line(done: Done) -> str:
    assert done.code == 2, done.err
    (line,) = done.err.splitlines()
    return line


@pytest.mark.parametrize(
    ("point", "occurrence", "leave", "what"),
    [
        ("checkpoint.begin", 1, 0, "checkpoints"),
        ("checkpoint.begin", 3, 0, "checkpoints"),
        ("checkpoint.begin", 3, 16 << 10, "checkpoints"),  # in the tensors
        ("checkpoint.tensors", 3, 0, "checkpoints"),
        ("checkpoint.state", 2, 0, "checkpoints"),
        ("epoch.before-evaluation", 1, 0, "run.sqlite"),
        ("export.begin", 1, 0, "model.safetensors"),
        ("export.begin", 1, 4 << 10, "model.safetensors"),
        ("export.end", 1, 0, "run.sqlite"),
    ],
)
def test_it_fills_up_while(
    disk: Disk,
    recipe: Path,
    reference: gradus.Run,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    point: str,
    occurrence: int,
    leave: int,
    what: str,
) -> None:
    run = disk.path / "run"
    full_at(monkeypatch, disk, point, occurrence, leave)
    line = one_line(run_gradus(capsys, monkeypatch, "train", recipe, "--run", run, "--quiet"))
    assert f"{what}: cannot be written (" in line
    assert "full" in line or "No space left on device" in line
    assert line.endswith(("Make room there, then resume.", "Make room there, then try again."))
    assert not (run / "checkpoints" / "incoming").exists()
    before = checkpoint.read_checkpoint(run / "checkpoints", pytest.fail)
    if occurrence == 3 or point.startswith(("export", "epoch")):
        assert before is not None

    # Still no room: said again, and nothing lost by trying.
    monkeypatch.setattr(faults, "listener", None)
    disk.fill()
    one_line(run_gradus(capsys, monkeypatch, "train", "--resume", run, "--quiet"))
    after = checkpoint.read_checkpoint(run / "checkpoints", pytest.fail)
    assert (after and after[1]) == (before and before[1])

    disk.make_room()
    assert run_gradus(capsys, monkeypatch, "train", "--resume", run, "--quiet").code == 0
    assert weights(run) == weights(reference)
    assert gradus.load_run(run).curves == reference.curves


def test_it_is_full_from_the_start(
    disk: Disk, recipe: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    disk.fill()
    line = one_line(run_gradus(capsys, monkeypatch, "train", recipe, "--run", disk.path / "run", "--quiet"))
    assert line.endswith("data.json: cannot be written (No space left on device). Make room there, then try again.")
    assert {each.name for each in disk.path.iterdir()} == {"ballast"}


def test_a_checkpoint_is_whole_or_refused_however_much_room_there_is(disk: Disk, tmp_path: Path) -> None:
    state = {"weights": torch.arange(6000.0), "bias": torch.zeros(10), "note": "x" * 5000}
    refused = 0
    for pages in range(16):
        checkpoint.write_checkpoint(disk.path / "checkpoints", {"step": 0}, step=0)
        disk.fill(pages * 4096)
        try:
            checkpoint.write_checkpoint(disk.path / "checkpoints", state, step=1)
            expected = 1
        except ResourceError:
            expected, refused = 0, refused + 1
        disk.make_room()
        found = checkpoint.read_checkpoint(disk.path / "checkpoints", pytest.fail)
        assert found is not None
        assert found[1] == expected
    assert 3 < refused < 16
