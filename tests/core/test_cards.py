"""Registries find cards by importing their home, once, at the first question."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import Field

from gradus.core.cards import Card, Registry
from gradus.core.errors import InputError

HOME = "shelf_for_tests"
MODULE = '''
from {home} import registry

@registry.register(source="a paper", aliases=("seat", "stool"))
def chair(spec, *, legs: int = 4):
    """Something to sit on.

    More about it.
    """
    return ("chair", spec, legs)
'''


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry[Card]]:
    """A package whose one module registers one card, not imported yet."""
    folder = tmp_path / HOME
    (folder / "inner").mkdir(parents=True)
    (folder / "__init__.py").write_text(
        f'from gradus.core.cards import Card, Registry\nregistry = Registry("furniture", "{HOME}", Card)\n'
    )
    (folder / "inner" / "__init__.py").write_text("")
    (folder / "inner" / "chairs.py").write_text(MODULE.format(home=HOME))
    monkeypatch.syspath_prepend(str(tmp_path))
    module = __import__(HOME)
    registry: Registry[Card] = module.registry
    yield registry
    for name in [each for each in sys.modules if each.startswith(HOME)]:
        del sys.modules[name]


def test_modules_are_imported_at_the_first_question(shelf: Registry[Card]) -> None:
    assert f"{HOME}.inner.chairs" not in sys.modules
    assert shelf.names() == ["chair"]
    assert f"{HOME}.inner.chairs" in sys.modules


def test_the_home_is_searched_once(shelf: Registry[Card]) -> None:
    shelf.names()
    del sys.modules[f"{HOME}.inner.chairs"]
    assert shelf.get("chair").name in shelf
    assert f"{HOME}.inner.chairs" not in sys.modules


def test_a_card_is_found_by_name_and_alias(shelf: Registry[Card]) -> None:
    card = shelf.get("chair")
    assert shelf.get("stool") is shelf.get("seat") is card
    assert "seat" in shelf
    assert "table" not in shelf
    assert shelf.cards() == [card]


def test_a_card_reads_its_builder(shelf: Registry[Card]) -> None:
    card = shelf.get("chair")
    assert card.kind == "furniture"
    assert card.summary == "Something to sit on."
    assert [(each.name, each.annotation, each.default, each.required) for each in card.options] == [
        ("legs", int, 4, False)
    ]
    assert card.validate({}) == {"legs": 4}
    assert card.build("oak", **card.validate({"legs": 3})) == ("chair", "oak", 3)


def test_wrong_options_name_the_part(shelf: Registry[Card]) -> None:
    with pytest.raises(InputError, match=r"^furniture `chair`: unknown option `leg`. Did you mean `legs`\?$"):
        shelf.get("seat").validate({"leg": 3})
    with pytest.raises(InputError, match=r"^model\.head: "):
        shelf.get("seat").validate({"leg": 3}, "model.head")


def test_an_unknown_name_lists_the_nearest(shelf: Registry[Card]) -> None:
    with pytest.raises(InputError, match=r"^furniture: unknown name, got `chairs`. Did you mean `chair`\?$"):
        shelf.get("chairs")
    with pytest.raises(InputError, match=r"^recipe: unknown name, got `xyz`. Known: chair, seat, stool.$"):
        shelf.get("xyz", "recipe")


@pytest.mark.parametrize(("name", "aliases"), [("chair", ()), ("seat", ()), ("bench", ("stool",)), ("sofa", ("sofa",))])
def test_a_name_cannot_be_taken_twice(shelf: Registry[Card], name: str, aliases: tuple[str, ...]) -> None:
    shelf.names()
    with pytest.raises(ValueError, match="is registered twice"):
        shelf.register(name, source="", aliases=aliases)(lambda: None)


def test_an_option_without_default_is_required() -> None:
    def build(given: int, /, *, width: Annotated[int, Field(ge=1)], height: int = 1) -> int:
        return given + width + height

    card = Card(kind="box", name="box", build=build, source="")
    assert [each.required for each in card.options] == [True, False]
    with pytest.raises(InputError, match=r"^box `box`: option `width` must be given$"):
        card.validate({})
    assert card.summary == ""


def test_a_home_may_be_a_single_module() -> None:
    registry: Registry[Card] = Registry("word", "gradus.core.text", Card)
    assert registry.names() == []
