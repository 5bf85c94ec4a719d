import math
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gradus.core.errors import InputError, ResourceError
from gradus.core.findings import Finding
from gradus.training.store import RunRecord, RunStore


def finding(step: int) -> Finding:
    return Finding(
        symptom="non-finite",
        where="",
        since_step=step,
        said_at_step=step,
        severity="critical",
        confidence=1.0,
        evidence={},
        message="",
    )


def test_values_come_back_as_they_were(tmp_path: Path) -> None:
    values = {"a": 0.1 + 0.2, "b": math.inf, "c": -math.inf, "d": 5e-324}
    with RunStore(tmp_path / "db", from_step=0) as store:
        store.scalars(3, 1, values | {"nan": math.nan})
        store.finish("finished")
    curves = RunRecord(tmp_path / "db").curves()
    assert math.isnan(curves.pop("nan")[0][1])
    assert curves == {name: [(3, value)] for name, value in values.items()}


def test_what_a_resumed_attempt_repeats_is_shown_once(tmp_path: Path) -> None:
    path = tmp_path / "db"
    with RunStore(path, from_step=0) as store:
        for epoch in (1, 2, 3):
            store.scalars(10 * epoch, epoch, {"loss": epoch})
            store.event(10 * epoch, epoch, "mark", {"epoch": epoch})
            store.finding(10 * epoch, epoch, finding(epoch))
        store.commit()
    # From within the second epoch.
    with RunStore(path, from_step=15, from_epoch=1) as store:
        store.scalars(20, 2, {"loss": 20.0})
        store.event(20, 2, "mark", {"epoch": 20})
        store.finding(20, 2, finding(20))
        store.commit()
    record = RunRecord(path)
    assert record.curves() == {"loss": [(10, 1.0), (20, 20.0)]}
    assert record.events("mark") == [{"epoch": 1}, {"epoch": 20}]
    assert record.events("other") == []
    assert [each["since_step"] for each in record.findings()] == [1, 20]


def test_a_checkpoint_between_an_epochs_last_step_and_its_evaluation(tmp_path: Path) -> None:
    """The attempt after it begins at the step the epoch was recorded at, and records it again."""
    path = tmp_path / "db"
    with RunStore(path, from_step=0) as store:
        store.scalars(10, 1, {"loss": 1.0})
        store.commit()
    for before, after in ((0, [(10, 2.0)]), (1, [(10, 2.0), (10, 3.0)])):
        with RunStore(path, from_step=10, from_epoch=before) as store:
            store.scalars(10, 1, {"loss": 2.0 + before})
            store.commit()
        assert RunRecord(path).curves() == {"loss": after}


def test_hidden_values_are_not_the_latest(tmp_path: Path) -> None:
    path = tmp_path / "db"
    with RunStore(path, from_step=0) as store:
        store.scalars(10, 1, {"loss": 1.0})
        store.scalars(20, 2, {"loss": 2.0})
        assert store.latest("loss") == {"loss": 2.0}
        assert store.latest("other") == {}
        store.commit()
    with RunStore(path, from_step=12, from_epoch=1) as store:
        assert store.latest("loss") == {"loss": 1.0}


def test_what_is_not_committed_is_not_kept(tmp_path: Path) -> None:
    with RunStore(tmp_path / "db", from_step=0) as store:
        store.scalars(1, 0, {"kept": 1.0})
        store.commit()
        store.scalars(2, 0, {"lost": 1.0})
    record = RunRecord(tmp_path / "db")
    assert set(record.curves()) == {"kept"}
    assert record.outcome() == "running"


def test_it_is_read_while_it_is_written_and_is_one_file_in_the_end(tmp_path: Path) -> None:
    with RunStore(tmp_path / "db", from_step=0) as store:
        store.scalars(1, 0, {"loss": 1.0})
        store.commit()
        (tmp_path / "db-journal").touch()  # as a process leaves it that is killed within the first lines of this
        assert {each.name for each in tmp_path.iterdir()} == {"db", "db-wal", "db-shm", "db-journal"}
        assert RunRecord(tmp_path / "db").curves() == {"loss": [(1, 1.0)]}
        store.finish("finished")
        assert {each.name for each in tmp_path.iterdir()} == {"db"}
    assert RunRecord(tmp_path / "db").outcome() == "finished"


def test_someone_who_reads_it_does_not_fail_its_end(tmp_path: Path) -> None:
    with RunStore(tmp_path / "db", from_step=0) as store, closing(sqlite3.connect(tmp_path / "db")) as reader:
        store.scalars(1, 0, {"loss": 1.0})
        store.commit()
        assert reader.execute("SELECT count(*) FROM scalars").fetchone() == (1,)
        store.finish("finished")
    record = RunRecord(tmp_path / "db")
    assert (record.outcome(), record.curves()) == ("finished", {"loss": [(1, 1.0)]})


@pytest.mark.parametrize("made", [False, True])
def test_one_without_tables_is_that_of_a_run_that_has_not_begun(tmp_path: Path, made: bool) -> None:
    if made:
        with closing(sqlite3.connect(tmp_path / "db")) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
    record = RunRecord(tmp_path / "db")
    assert (record.outcome(), record.curves(), record.findings(), record.events("x")) == ("running", {}, [], [])
    with RunStore(tmp_path / "db", from_step=0) as store:
        store.finish("finished")
    assert RunRecord(tmp_path / "db").outcome() == "finished"


def test_a_newer_one_is_refused(tmp_path: Path) -> None:
    RunStore(tmp_path / "db", from_step=0).finish("finished")
    with closing(sqlite3.connect(tmp_path / "db")) as connection:
        connection.execute("PRAGMA user_version = 2")
    with pytest.raises(InputError, match="db: is of format 2, newer than the 1 known here"):
        RunRecord(tmp_path / "db")


def test_one_that_is_none_cannot_be_read_or_written(tmp_path: Path) -> None:
    (tmp_path / "db").write_text("ten years of work, and none of it a database" * 40)
    with pytest.raises(InputError, match="db: cannot be read: file is not a database"):
        RunRecord(tmp_path / "db")
    with pytest.raises(ResourceError, match=r"db: cannot be written \(file is not a database\)"):
        RunStore(tmp_path / "db", from_step=0)
