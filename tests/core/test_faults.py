"""A fault point tells its listener, and does nothing without one."""

import pytest

from gradus.core import faults


def test_only_a_listener_hears(monkeypatch: pytest.MonkeyPatch) -> None:
    faults.reach("unheard")
    heard: list[str] = []
    monkeypatch.setattr(faults, "listener", heard.append)
    faults.reach("checkpoint.begin")
    assert heard == ["checkpoint.begin"]
