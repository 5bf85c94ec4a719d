"""For pytest: the fixture ``assert_healthy``. Loaded with pytest, and so loads nothing itself."""

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def assert_healthy() -> Callable[..., Any]:
    """`gradus.assert_healthy`: runs a training function under the doctor, and fails with what it finds."""
    from gradus.integrations.health import assert_healthy

    return assert_healthy
