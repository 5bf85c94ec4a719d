"""What a notebook shows."""

from html.parser import HTMLParser

import torch
from torch import nn

from gradus.analysis.inspect import inspect
from gradus.analysis.notebook import html
from tests.analysis.networks import AsksForNumbers, resnet50


class Cells(HTMLParser):
    """The rows of all tables, as lists of text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1] and data.strip():
            self.rows[-1][-1] += data


def test_rows_and_totals_are_tables() -> None:
    found = inspect(resnet50(), (3, 224, 224))
    shown = Cells(found._repr_html_())
    assert found._repr_html_() == html(found, 2)
    assert shown.tags == {"table", "thead", "tbody", "tr", "th", "td"}
    assert shown.rows[0][:5] == ["module", "type", "output", "params", "MACs"]
    assert shown.rows[2][:5] == ["  0", "Conv2d", "1x64x112x112", "9.41 K", "118 M"]
    assert ["multiply-adds", "4,089,184,256"] in shown.rows


def test_text_from_outside_is_escaped_and_notes_are_shown() -> None:
    evil = type("<script>alert(1)</script>", (AsksForNumbers,), {})
    page = html(inspect(evil(), torch.empty(2, 8)))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert any(row[0] == "note" and "not followed to its end" in row[1] for row in Cells(page).rows)


def test_modules_named_like_markup() -> None:
    model = nn.Sequential()
    model.add_module("<img src=x>", nn.Linear(2, 2))
    assert "<img" not in html(inspect(model, (2,)))
