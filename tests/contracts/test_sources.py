"""What every data source promises."""

import inspect

import numpy as np
import pytest

from gradus.core.cards import Option
from gradus.data.raw import RawData
from gradus.data.sources import SourceCard, is_path, sources

CARDS = sources.cards()
EVERY = pytest.mark.parametrize("card", CARDS, ids=[card.name for card in CARDS])
BUNDLED = [card for card in CARDS if card.opens is None]


def test_nothing_is_missing() -> None:
    formats = {"csv", "idx", "image_folder", "numpy", "parquet", "series", "text"}
    sets = {"adding", "copy_memory", "digits", "distorted_digits", "line", "moving_digits", "sequential_digits"}
    assert formats | sets <= {card.name for card in CARDS}


@EVERY
def test_documents_itself(card: SourceCard) -> None:
    assert card.kind == "data source"
    assert card.summary.endswith(".")
    assert len(card.summary) <= 120
    assert card.source
    for name in (card.name, *card.aliases):
        assert not is_path(name), "a name that reads as a path could not be asked for"


@EVERY
def test_takes_a_path_if_it_is_a_format_and_options_by_keyword(card: SourceCard) -> None:
    kinds = [each.kind for each in inspect.signature(card.build).parameters.values()]
    given = [kind for kind in kinds if kind is not inspect.Parameter.KEYWORD_ONLY]
    assert len(given) == (card.opens is not None)


@EVERY
def test_options_are_annotated_and_their_defaults_valid(card: SourceCard) -> None:
    def documented(option: Option) -> bool:
        return option.annotation is not inspect.Parameter.empty

    assert all(documented(option) for option in card.options)
    defaults = {option.name: option.default for option in card.options if not option.required}
    assert card.validate(defaults) == card.validate({}) == defaults


@pytest.mark.parametrize("card", BUNDLED, ids=[card.name for card in BUNDLED])
def test_a_bundled_set_needs_nothing_and_is_always_the_same(card: SourceCard) -> None:
    one, other = card.build(), card.build()
    assert isinstance(one, RawData)
    assert one.kind == card.name
    assert len(one.train) > 0
    assert np.array_equal(one.train.target, other.train.target)
    for a, b in zip(one.train.inputs, other.train.inputs, strict=True):
        assert len(a[:]) == len(one.train)
        assert np.array_equal(a[:], b[:])
    spec = one.spec
    assert len(spec.classes) == (spec.outputs if one.task == "classification" else 0)
