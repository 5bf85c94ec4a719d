"""Text from outside, made fit to print: nothing in it moves a cursor, reverses a line or looks like nothing."""

import unicodedata


def printable(text: str, most: int = 60) -> str:
    r"""`text` with control, format and line-breaking characters as escapes, cut to `most` characters.

    >>> printable("red\x1b[31m\n")
    'red\\x1b[31m\\n'
    """
    short = text if len(text) <= most else text[: most - 3] + "..."
    return "".join(_escaped(each) if _acts(each) else each for each in short)


def _acts(character: str) -> bool:
    category = unicodedata.category(character)
    return category in ("Zl", "Zp") or (category[0] == "C" and category != "Co")


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
