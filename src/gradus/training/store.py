"""The run's own database: curves, events and findings, one file, one writer."""

import json
import math
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from gradus.core.errors import InputError, ResourceError
from gradus.core.findings import Finding
from gradus.training.checkpoint import refuse_newer

FORMAT = 1

_SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE attempts (attempt INTEGER PRIMARY KEY, began TEXT NOT NULL, from_step INTEGER NOT NULL,
    from_epoch INTEGER NOT NULL, outcome TEXT);
CREATE TABLE scalars (attempt INTEGER, step INTEGER, epoch INTEGER, name TEXT, value REAL);
CREATE TABLE events (attempt INTEGER, step INTEGER, epoch INTEGER, kind TEXT, detail TEXT);
CREATE TABLE findings (attempt INTEGER, step INTEGER, epoch INTEGER, document TEXT);
PRAGMA user_version = {FORMAT};
COMMIT;
"""
# A resumed run repeats what came after its checkpoint. What an earlier attempt wrote of that stays, but is not shown.
# The step alone does not tell: the last one of an epoch is done both before and after the epoch's evaluation.
_VISIBLE = """NOT EXISTS (
    SELECT 1 FROM attempts AS later WHERE later.attempt > row.attempt
    AND (later.from_step < row.step OR later.from_epoch < row.epoch))"""


class RunStore:
    """Writes while a run goes on. Rows become durable at `commit`.

    Args:
        path: the database; made if it is not there.
        from_step, from_epoch: steps and epochs done when this attempt begins.
    """

    def __init__(self, path: Path, from_step: int, from_epoch: int = 0) -> None:
        self.path = path
        with _reported(path):
            self._connection = sqlite3.connect(path)
            self._connection.execute("PRAGMA journal_mode = WAL")
            if _version(self._connection) == 0:  # also where a process was killed before it got to the tables
                self._connection.executescript(_SCHEMA)
            row = (datetime.now(UTC).isoformat(timespec="seconds"), from_step, from_epoch)
            cursor = self._connection.execute(
                "INSERT INTO attempts (began, from_step, from_epoch) VALUES (?, ?, ?)", row
            )
            self.attempt = cursor.lastrowid
            self._connection.commit()

    def scalars(self, step: int, epoch: int, values: Mapping[str, float]) -> None:
        rows = [(self.attempt, step, epoch, name, value) for name, value in values.items()]
        with _reported(self.path):
            self._connection.executemany("INSERT INTO scalars VALUES (?, ?, ?, ?, ?)", rows)

    def event(self, step: int, epoch: int, kind: str, detail: Mapping[str, Any]) -> None:
        row = (self.attempt, step, epoch, kind, json.dumps(detail))
        with _reported(self.path):
            self._connection.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?)", row)

    def finding(self, step: int, epoch: int, finding: Finding) -> None:
        row = (self.attempt, step, epoch, json.dumps(finding.to_json()))
        with _reported(self.path):
            self._connection.execute("INSERT INTO findings VALUES (?, ?, ?, ?)", row)

    def symptoms(self) -> frozenset[str]:
        """What earlier attempts have found, of which still holds what this one begins with."""
        query = f"SELECT document FROM findings AS row WHERE {_VISIBLE}"
        with _reported(self.path):
            return frozenset(json.loads(document)["symptom"] for (document,) in self._connection.execute(query))

    def commit(self) -> None:
        with _reported(self.path):
            self._connection.commit()

    def latest(self, name: str) -> dict[str, float]:
        """The last value of a scalar, by its name; empty if it has none."""
        query = f"SELECT value FROM scalars AS row WHERE name = ? AND {_VISIBLE} ORDER BY step DESC, rowid DESC LIMIT 1"
        with _reported(self.path):
            row = self._connection.execute(query, (name,)).fetchone()
        return {} if row is None else {name: _number(row[0])}

    def finish(self, outcome: str) -> None:
        """Note how the attempt ended, and fold everything into the one file."""
        with _reported(self.path):
            self._connection.execute("UPDATE attempts SET outcome = ? WHERE attempt = ?", (outcome, self.attempt))
            self._connection.commit()
            try:
                self._connection.execute("PRAGMA journal_mode = DELETE")
                # An attempt killed while it made the database may have left an empty one, which SQLite ignores.
                self.path.with_name(f"{self.path.name}-journal").unlink(missing_ok=True)
            except sqlite3.OperationalError as error:
                # Someone is reading. All is committed, and the last to leave puts what is in the log into the file.
                if error.sqlite_errorcode not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                    raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._connection.close()


class RunRecord:
    """Reads what a run wrote, also while it goes on; nothing of one that was killed before it wrote any.

    Raises:
        InputError: if the database is of a newer format, or cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._begun = path.is_file()
        if self._begun:
            with self._open() as connection:
                version = _version(connection)
            refuse_newer(f"{path}", version, FORMAT)
            self._begun = version > 0

    def curves(self) -> dict[str, list[tuple[int, float]]]:
        """Each scalar's (step, value), in order, by name."""
        curves: dict[str, list[tuple[int, float]]] = {}
        query = f"SELECT name, step, value FROM scalars AS row WHERE {_VISIBLE} ORDER BY step, rowid"
        for name, step, value in self._rows(query):
            curves.setdefault(name, []).append((step, _number(value)))
        return curves

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [detail for _, detail in self.events_by_step(kind)]

    def events_by_step(self, kind: str) -> list[tuple[int, dict[str, Any]]]:
        """Events of a kind with the steps they were written at, as they came."""
        query = f"SELECT step, detail FROM events AS row WHERE kind = ? AND {_VISIBLE} ORDER BY rowid"
        return [(step, json.loads(detail)) for step, detail in self._rows(query, kind)]

    def findings(self) -> list[dict[str, Any]]:
        query = f"SELECT document FROM findings AS row WHERE {_VISIBLE} ORDER BY rowid"
        return [json.loads(document) for (document,) in self._rows(query)]

    def outcome(self) -> str:
        """How the last attempt ended: "finished", "interrupted", ...; "running" if it has not said."""
        rows = self._rows("SELECT outcome FROM attempts ORDER BY attempt DESC LIMIT 1")
        return (rows[0][0] if rows else None) or "running"

    def _rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        if not self._begun:
            return []
        with self._open() as connection:
            return connection.execute(query, values).fetchall()

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self.path)) as connection:
                yield connection
        except sqlite3.Error as error:
            raise InputError(f"{self.path}", f"cannot be read: {error}") from error


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def _number(value: float | None) -> float:
    """SQLite stores a NaN as NULL."""
    return math.nan if value is None else value


@contextmanager
def _reported(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise ResourceError(
            f"{path}", f"cannot be written ({error})", repair="Make room there, then resume."
        ) from error
