from pathlib import Path

import pytest

from gradus.core.errors import InputError
from gradus.core.paths import expand

BASE = Path("/base")


def test_a_relative_path_starts_at_the_base() -> None:
    assert expand("a/b", BASE) == Path("/base/a/b")
    assert expand("/a", BASE) == Path("/a")
    assert expand("~/a", BASE) == Path.home() / "a"


def test_a_leading_variable_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOMEWHERE", "/there")
    assert expand("$SOMEWHERE/mnist", BASE) == Path("/there/mnist")
    assert expand("odd$SOMEWHERE", BASE) == Path("/base/odd$SOMEWHERE")


@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.delenv("SOMEWHERE", raising=False)
    if value is not None:
        monkeypatch.setenv("SOMEWHERE", value)
    with pytest.raises(InputError, match="variable SOMEWHERE is not set"):
        expand("$SOMEWHERE/mnist", BASE)
