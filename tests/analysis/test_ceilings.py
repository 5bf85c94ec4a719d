"""What is measured, how it is fitted, kept and refused. No test here depends on how long anything takes."""

import json
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch

from gradus.analysis import ceilings as module
from gradus.analysis.ceilings import Ceilings, Roof, cached_at, ceilings, measure
from gradus.analysis.kernels import KINDS, Demand
from gradus.analysis.trials import trials
from gradus.core.errors import InputError, ResourceError
from tests.analysis.test_roofline import MACHINE
from tests.analysis.test_timing import NOTICEABLE, busy_process


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "gradus"


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of threads that were measured: each time MACHINE."""
    asked: list[int] = []

    def measure(threads: int) -> Ceilings:
        asked.append(threads)
        return MACHINE

    monkeypatch.setattr(module, "measure", measure)
    return asked


def test_round_trip_through_json() -> None:
    assert Ceilings.parse(json.loads(json.dumps(MACHINE.document()))) == MACHINE


@pytest.mark.parametrize(
    "document",
    [None, [], {}, {**MACHINE.document(), "fresh": -1.0}, {**MACHINE.document(), "roofs": {}},
     {**MACHINE.document(), "more": 1}, {**MACHINE.document(), "threads": "two"},
     {**MACHINE.document(), "roofs": {kind: {"start": float("nan")} for kind in KINDS}}],
)  # fmt: skip
def test_documents_of_others(document: object) -> None:
    with pytest.raises(InputError, match="ceilings: must be as"):
        Ceilings.parse(document)


def test_measured_once_and_kept(cache: Path, measured: list[int]) -> None:
    assert ceilings(1) == ceilings(1) == MACHINE
    assert measured == [1]
    assert [each.name for each in cache.iterdir()] == [cached_at(1).name]  # and nothing half written
    assert ceilings(1, again=True) == MACHINE
    assert measured == [1, 1]


def test_each_number_of_threads_has_its_own() -> None:
    assert cached_at(1) != cached_at(2)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"roofs": 1}', "\x00\xff", '{"roofs": {"view": null}}'])
def test_a_broken_file_is_measured_anew(cache: Path, measured: list[int], content: str) -> None:
    cache.mkdir()
    cached_at(1).write_text(content, encoding="latin-1")
    assert ceilings(1) == MACHINE
    assert measured == [1]
    assert Ceilings.parse(json.loads(cached_at(1).read_text())) == MACHINE


def test_a_folder_that_cannot_be_written_to_costs_only_measuring(cache: Path, measured: list[int]) -> None:
    cache.write_text("a file, where a folder should be")
    assert ceilings(1) == ceilings(1) == MACHINE
    assert measured == [1, 1]


def test_a_cache_folder_that_is_not_absolute_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "here")
    assert cached_at(1).parent == Path.home() / ".cache" / "gradus"


def test_every_kind_of_kernel_has_trials_that_tell_its_numbers_apart() -> None:
    every = trials()
    assert set(every) == set(KINDS)
    for kind, some in every.items():
        terms = [[each.demand.starts for each in some]]
        terms += [[each.demand.work for each in some]] if kind in module._COMPUTES else []
        terms += [[each.demand.moved for each in some]] if kind in module._MOVES else []
        scaled = np.array([np.array(each) / max(each) for each in terms])
        assert np.linalg.matrix_rank(scaled, tol=1e-3) == len(terms), kind


def test_start_rate_and_bandwidth_are_found_again() -> None:
    asked = [Demand("matrix", work, moved) for work, moved in ((10**6, 10**5), (10**9, 10**6), (10**8, 10**7))]
    seen = [(each, 2e-5 + each.work / 1e11 + each.moved / 1e10) for each in asked]
    found = module._roof("matrix", seen)
    assert (found.start, found.rate, found.bandwidth) == pytest.approx((2e-5, 1e11, 1e10))
    without = [(each, 2e-5 + each.work / 1e11 - each.moved / 1e15) for each in asked]
    assert module._roof("matrix", without).bandwidth is None  # negative: there is none
    assert module._roof("view", [(Demand("view", 0, 0), 2.0)]) == Roof(2.0)


def test_where_the_cache_ends() -> None:
    ladder = [(2**each, 1e-6 + 2**each / (80e9 if each < 20 else 20e9)) for each in range(14, 26)]
    cache, memory, size = module._levels(ladder)
    assert (cache, memory) == pytest.approx((80e9, 20e9), rel=0.2)
    assert size == 2**19


def test_what_is_measured_is_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "quiet", lambda owner: nullcontext())  # whatever else runs beside the tests
    monkeypatch.setattr(module, "_SPREAD", float("inf"))
    monkeypatch.setattr(module, "_ROUNDS", 3)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    found = measure(1)
    assert found.threads == 1
    assert Ceilings.parse(found.document()) == found
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads


def test_kernels_that_take_now_this_long_and_now_that_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "quiet", lambda owner: nullcontext())
    monkeypatch.setattr(module, "_SPREAD", 0.0)
    monkeypatch.setattr(module, "_ROUNDS", 3)
    with pytest.raises(ResourceError, match="needs kernels that take as long each time, and half of them vary by"):
        measure(1)


@NOTICEABLE
def test_a_loaded_machine_is_not_measured(cache: Path) -> None:
    with busy_process(), pytest.raises(ResourceError, match="measuring ceilings: needs a machine that does little"):
        ceilings(1)
    assert not cache.exists()
