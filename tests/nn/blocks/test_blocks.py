"""All blocks have one home, and a page that names them."""

import re
from pathlib import Path

from gradus.nn import blocks

PAGE = Path(__file__).parents[3] / "docs" / "blocks.md"


def test_the_page_names_every_block_and_no_other() -> None:
    cells = re.findall(r"^\| (`.*?) \|", PAGE.read_text(), re.MULTILINE)
    named = [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]
    assert sorted(named) == sorted(blocks.__all__)


def test_every_block_documents_itself() -> None:
    for name in blocks.__all__:
        assert (getattr(blocks, name).__doc__ or "").strip().splitlines()[0]
