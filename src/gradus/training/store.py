"""The run's own database: curves, events and findings, one file, one writer."""

import json
import math
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from gradus.core.errors import InputError, ResourceError
from gradus.core.findings import Finding

FORMAT = 1

# A resumed run repeats the steps after its checkpoint. What an earlier attempt wrote of them stays, but is not shown.
_SCHEMA = f"""
PRAGMA user_version = {FORMAT};
CREATE TABLE attempts (attempt INTEGER PRIMARY KEY, began TEXT NOT NULL, from_step INTEGER NOT NULL, outcome TEXT);
CREATE TABLE scalars (attempt INTEGER, step INTEGER, epoch INTEGER, name TEXT, value REAL);
CREATE TABLE events (attempt INTEGER, step INTEGER, kind TEXT, detail TEXT);
CREATE TABLE findings (attempt INTEGER, step INTEGER, document TEXT);
"""
_VISIBLE = """NOT EXISTS (
    SELECT 1 FROM attempts AS later WHERE later.attempt > row.attempt AND later.from_step < row.step)"""


class RunStore:
    """Writes while a run goes on. Rows become durable at `commit`."""

    def __init__(self, path: Path, from_step: int) -> None:
        with _reported(path):
            new = not path.exists()
            self._path = path
            self._connection = sqlite3.connect(path, isolation_level="DEFERRED")
            self._connection.execute("PRAGMA journal_mode = WAL")
            if new:
                self._connection.executescript(_SCHEMA)
            row = (datetime.now(UTC).isoformat(timespec="seconds"), from_step)
            cursor = self._connection.execute("INSERT INTO attempts (began, from_step) VALUES (?, ?)", row)
            self.attempt = cursor.lastrowid
            self._connection.commit()

    def scalars(self, step: int, epoch: int, values: Mapping[str, float]) -> None:
        rows = [(self.attempt, step, epoch, name, value) for name, value in values.items()]
        with _reported(self._path):
            self._connection.executemany("INSERT INTO scalars VALUES (?, ?, ?, ?, ?)", rows)

    def event(self, step: int, kind: str, detail: Mapping[str, Any]) -> None:
        row = (self.attempt, step, kind, json.dumps(detail))
        with _reported(self._path):
            self._connection.execute("INSERT INTO events VALUES (?, ?, ?, ?)", row)

    def finding(self, step: int, finding: Finding) -> None:
        row = (self.attempt, step, json.dumps(finding.to_json()))
        with _reported(self._path):
            self._connection.execute("INSERT INTO findings VALUES (?, ?, ?)", row)

    def commit(self) -> None:
        with _reported(self._path):
            self._connection.commit()

    def latest(self, name: str) -> dict[str, float]:
        """The last value of a scalar, by its name; empty if it has none."""
        query = "SELECT value FROM scalars WHERE name = ? ORDER BY attempt DESC, step DESC LIMIT 1"
        with _reported(self._path):
            row = self._connection.execute(query, (name,)).fetchone()
        return {} if row is None else {name: _number(row[0])}

    def finish(self, outcome: str) -> None:
        """Note how the attempt ended, and fold everything into the one file."""
        with _reported(self._path):
            self._connection.execute("UPDATE attempts SET outcome = ? WHERE attempt = ?", (outcome, self.attempt))
            self._connection.commit()
            self._connection.execute("PRAGMA journal_mode = DELETE")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._connection.close()


class RunRecord:
    """Reads what a run wrote, also while it goes on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        if not path.is_file():
            raise InputError(f"run {path.parent}", "has no run.sqlite", repair="Is this a run folder?")
        with self._open() as connection:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > FORMAT:
            raise InputError(
                f"{path}", f"is of format {version}, newer than the {FORMAT} known here", repair="Update gradus."
            )

    def curves(self) -> dict[str, list[tuple[int, float]]]:
        """Each scalar's (step, value), in order, by name."""
        curves: dict[str, list[tuple[int, float]]] = {}
        query = f"SELECT name, step, value FROM scalars AS row WHERE {_VISIBLE} ORDER BY step, attempt"
        for name, step, value in self._rows(query):
            curves.setdefault(name, []).append((step, _number(value)))
        return curves

    def events(self, kind: str) -> list[dict[str, Any]]:
        query = f"SELECT detail FROM events AS row WHERE kind = ? AND {_VISIBLE} ORDER BY rowid"
        return [json.loads(detail) for (detail,) in self._rows(query, kind)]

    def findings(self) -> list[dict[str, Any]]:
        query = f"SELECT document FROM findings AS row WHERE {_VISIBLE} ORDER BY rowid"
        return [json.loads(document) for (document,) in self._rows(query)]

    def outcome(self) -> str:
        """How the last attempt ended: "finished", "interrupted", ...; "running" if it has not said."""
        rows = self._rows("SELECT outcome FROM attempts ORDER BY attempt DESC LIMIT 1")
        return (rows[0][0] if rows else None) or "running"

    def _rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._open() as connection:
            return connection.execute(query, values).fetchall()

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._path)
        try:
            yield connection
        except sqlite3.DatabaseError as error:
            raise InputError(f"{self._path}", f"cannot be read: {error}") from error
        finally:
            connection.close()


def _number(value: float | None) -> float:
    """SQLite stores a NaN as NULL."""
    return math.nan if value is None else value


@contextmanager
def _reported(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise ResourceError(f"{path}", f"cannot be written ({error})", repair="Make room, then resume.") from error
