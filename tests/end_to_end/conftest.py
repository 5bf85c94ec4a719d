from collections.abc import Iterator

import pytest
from selenium import webdriver

from tests.end_to_end.browser import chromium
from tests.end_to_end.processes import Processes


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="session")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    with Processes(tmp_path_factory.mktemp("log")) as started:
        yield started
