"""What comes from outside cannot act on whoever prints it."""

import unicodedata

import pytest

from gradus.core.characters import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, naïve, 名前, مرحبا, $x_1^{2}$, 👍", "plain, naïve, 名前, مرحبا, $x_1^{2}$, 👍"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\nb\tc\r\0", "a\\nb\\tc\\r\\x00"),
        ("\u202eevil\u2066", "\\u202eevil\\u2066"),  # which would turn the line round
        ("\u2028\u2029", "\\u2028\\u2029"),
        ("\udc80", "\\udc80"),  # half a character, as a file name may have
    ],
)
def test_what_acts_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_it_is_cut() -> None:
    assert printable("x" * 60) == "x" * 60
    assert printable("x" * 61) == "x" * 57 + "..."
    assert printable("abcdefgh", most=5) == "ab..."


def test_every_control_character_of_unicode_is_escaped() -> None:
    for point in range(0x110000):
        if unicodedata.category(chr(point)) in ("Cc", "Cf", "Zl", "Zp"):
            assert chr(point) not in printable(chr(point))
