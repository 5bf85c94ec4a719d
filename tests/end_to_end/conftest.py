from collections.abc import Iterator

import pytest

from tests.end_to_end.processes import Processes


@pytest.fixture(scope="session")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    with Processes(tmp_path_factory.mktemp("log")) as started:
        yield started
