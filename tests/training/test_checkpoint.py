import json
import math
import os
import stat
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from gradus.core import faults
from gradus.core.errors import InputError, ResourceError
from gradus.training.checkpoint import (
    INCOMING,
    pack,
    read_checkpoint,
    refuse_newer,
    save_tensors,
    unpack,
    write_atomically,
    write_checkpoint,
)

PHASES = ["begin", "tensors", "state", "written", "previous-removed", "between-renames", "end"]


class Stop(Exception):
    """Instead of SIGKILL: nothing may tidy up after it."""


def stop_at(monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    def listener(reached: str) -> None:
        if reached == point:
            raise Stop

    monkeypatch.setattr(faults, "listener", listener)


def same(one: Any, two: Any) -> bool:
    """Equal in type, order and bits; a NaN equals a NaN, and 0.0 is not -0.0."""
    if type(one) is not type(two):
        return False
    if isinstance(one, Tensor):
        return one.dtype == two.dtype and one.shape == two.shape and torch.equal(bits(one), bits(two))
    if isinstance(one, dict):
        return len(one) == len(two) and all(
            same(*each) for pair in zip(one.items(), two.items(), strict=True) for each in zip(*pair, strict=True)
        )
    if isinstance(one, list | tuple):
        return len(one) == len(two) and all(same(*each) for each in zip(one, two, strict=True))
    if isinstance(one, float):
        return (one == two and math.copysign(1, one) == math.copysign(1, two)) or (math.isnan(one) and math.isnan(two))
    return bool(one == two)


def bits(tensor: Tensor) -> Tensor:
    return tensor.contiguous().reshape(-1).view(torch.uint8) if tensor.numel() else tensor


def tensors() -> st.SearchStrategy[Tensor]:
    whole = torch.arange(-12, 12).reshape(4, 6)
    kinds = [torch.float32, torch.bfloat16, torch.float16, torch.float64, torch.int64, torch.uint8, torch.bool]
    views = [
        lambda t: t,
        lambda t: t[1:3, ::2],
        lambda t: t.T,
        lambda t: t[0, 0],
        lambda t: t[:0],
        lambda t: t.reshape(2, 1, 12)[:, :, 3:5],
    ]
    made = st.builds(lambda kind, view: view(whole.to(kind)), st.sampled_from(kinds), st.sampled_from(views))
    return made | st.just(torch.tensor([math.nan, math.inf, -math.inf, -0.0]))


KEYS = st.text(max_size=4) | st.sampled_from(["$tensor", "$tuple", "a/b", "a", "b", "1", ""]) | st.integers(-2, 2)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | tensors()
STATES = st.recursive(
    LEAVES,
    lambda each: st.lists(each, max_size=3) | st.tuples(each, each) | st.dictionaries(KEYS | st.tuples(KEYS), each),
    max_leaves=12,
)


@given(STATES)
def test_packing_and_back(state: Any) -> None:
    held: dict[str, Tensor] = {}
    document = json.loads(json.dumps(pack(state, held), allow_nan=False))
    assert same(unpack(document, held), state)


@given(st.dictionaries(KEYS, STATES, max_size=3))
def test_through_the_disk_and_back(tmp_path_factory: pytest.TempPathFactory, state: dict[Any, Any]) -> None:
    folder = tmp_path_factory.mktemp("checkpoints")
    write_checkpoint(folder, state, step=7)
    found = read_checkpoint(folder, pytest.fail)
    assert found is not None
    assert found[1] == 7
    assert same(found[0], state)


def test_names_that_look_alike_stay_apart() -> None:
    state = {"a/b": torch.zeros(1), "a": {"b": torch.ones(1)}, "c": {1: torch.full((1,), 2.0), "1": torch.zeros(2)}}
    held: dict[str, Tensor] = {}
    assert same(unpack(pack(state, held), held), state)
    assert len(held) == 4


def test_what_cannot_be_saved_is_named() -> None:
    with pytest.raises(InputError, match=r"checkpoint: `callbacks/mine/1` must be tensors, numbers or text"):
        pack({"callbacks": {"mine": [0, object()]}}, {})


def test_tied_weights_and_views_become_tensors_of_their_own(tmp_path: Path) -> None:
    layer = nn.Linear(3, 3)
    base = torch.arange(10.0)
    given = {"one": layer.weight, "two": layer.weight, "view": base[2:5], "rest": base[5:], "turned": layer.weight.T}
    save_tensors(tmp_path / "file", given)
    read = safetensors.torch.load_file(tmp_path / "file")
    assert all(torch.equal(read[name], each.detach()) for name, each in given.items())


def test_a_saved_file_can_be_read_by_whom_the_umask_lets(tmp_path: Path) -> None:
    former = os.umask(0o027)
    try:
        save_tensors(tmp_path / "file", {"x": torch.zeros(1)})
    finally:
        os.umask(former)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


def test_the_same_tensors_give_the_same_file(tmp_path: Path) -> None:
    tensors = {name: torch.full((3,), 1.5) for name in "abcdefgh"}
    save_tensors(tmp_path / "one", tensors)
    save_tensors(tmp_path / "two", dict(reversed(tensors.items())))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_read_tensors_are_in_memory_of_their_own(tmp_path: Path) -> None:
    """Not in a map of the file, which may be gone, and whose places in memory some kernels round differently for."""
    write_checkpoint(tmp_path, {"a": torch.zeros(3), "b": torch.zeros(())}, step=0)
    found = read_checkpoint(tmp_path, pytest.fail)
    assert found is not None
    assert all(each.data_ptr() % 64 == 0 for each in found[0].values())


def test_there_is_none_yet(tmp_path: Path) -> None:
    assert read_checkpoint(tmp_path / "checkpoints", pytest.fail) is None


@pytest.mark.parametrize("point", PHASES)
@pytest.mark.parametrize("former", [0, 1, 2])
def test_stopped_in_any_phase_one_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str, former: int
) -> None:
    folder = tmp_path / "checkpoints"
    for step in range(1, former + 1):
        write_checkpoint(folder, {"weights": torch.full((4,), float(step))}, step=step)
    with monkeypatch.context() as patch:
        stop_at(patch, f"checkpoint.{point}")
        if former == 0 and point == "previous-removed":  # nothing to remove
            write_checkpoint(folder, {"weights": torch.full((4,), former + 1.0)}, step=former + 1)
        else:
            with pytest.raises(Stop):
                write_checkpoint(folder, {"weights": torch.full((4,), former + 1.0)}, step=former + 1)
    done = point == "end" or (former == 0 and point == "previous-removed")
    found = read_checkpoint(folder, pytest.fail)
    assert (found[1] if found else 0) == former + done
    if found:
        assert same(found[0], {"weights": torch.full((4,), float(found[1]))})
    # And the next one is written over what was left.
    write_checkpoint(folder, {}, step=9)
    assert {each.name for each in folder.iterdir()} <= {"last", "previous"}
    again = read_checkpoint(folder, pytest.fail)
    assert again is not None
    assert again[1] == 9


def test_a_whole_one_takes_its_place_in_one_move(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written is renamed; a copy would be there in part for a while."""
    written = {}

    def listener(point: str) -> None:
        if point == "checkpoint.between-renames":
            written["checkpoint"] = (tmp_path / "incoming" / "state.json").stat().st_ino
        if point == "file.file":
            written["file"] = (tmp_path / INCOMING / "file").stat().st_ino

    monkeypatch.setattr(faults, "listener", listener)
    write_checkpoint(tmp_path, {}, step=1)
    write_atomically(tmp_path / "file", lambda incoming: incoming.write_text("new"))
    assert written["checkpoint"] == (tmp_path / "last" / "state.json").stat().st_ino
    assert written["file"] == (tmp_path / "file").stat().st_ino


def test_two_are_kept(tmp_path: Path) -> None:
    for step in range(4):
        write_checkpoint(tmp_path, {}, step=step)
    steps = {each.name: json.loads((each / "manifest.json").read_text())["step"] for each in tmp_path.iterdir()}
    assert steps == {"last": 3, "previous": 2}


def test_a_state_that_cannot_be_saved_costs_nothing(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, {"a": 1}, step=1)
    with pytest.raises(InputError):
        write_checkpoint(tmp_path, {"a": object()}, step=2)
    assert read_checkpoint(tmp_path, pytest.fail) == ({"a": 1}, 1)


def test_a_file_is_the_old_one_or_the_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with monkeypatch.context() as patch:
        stop_at(patch, "file.file")
        with pytest.raises(Stop):
            write_atomically(path, lambda incoming: incoming.write_text("new"))
    assert path.read_text() == "old"
    assert (tmp_path / INCOMING).exists()
    write_atomically(path, lambda incoming: incoming.write_text("newer"))
    assert path.read_text() == "newer"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def write(incoming: Path) -> None:
        incoming.write_text("ne")
        raise OSError(28, "No space left on device")

    with pytest.raises(ResourceError, match=r"file: cannot be written \(No space left on device\)\. Make room"):
        write_atomically(path, write)
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_formats() -> None:
    refuse_newer("x", 1, 1)
    with pytest.raises(InputError, match=r"^x: is of format 2, newer than the 1 known here\. Update gradus\.$"):
        refuse_newer("x", 2, 1)
    with pytest.raises(TypeError):
        refuse_newer("x", "2", 1)
