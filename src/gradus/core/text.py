"""What gradus finds, said in English or Chinese.

Only findings are translated.
"""

import os
from dataclasses import dataclass
from string import Formatter
from typing import Any, Literal, get_args

from gradus.core.errors import InputError

Language = Literal["en", "zh"]

_language: Language | None = None


def set_language(language: str | None) -> None:
    """Speak `language` from now on; None goes back to ``GRADUS_LANG``, or English."""
    global _language
    _language = None if language is None else _known(language, "--lang")


def current_language() -> Language:
    """What findings are said in."""
    if _language is not None:
        return _language
    named = os.environ.get("GRADUS_LANG", "")
    return _known(named, "GRADUS_LANG") if named else "en"


@dataclass(frozen=True)
class Message:
    """One thing to say: a format string in each language, with the same placeholders.

    Raises:
        ValueError: where it is defined, if a language is empty or the placeholders differ.
    """

    en: str
    zh: str

    def __post_init__(self) -> None:
        if not (self.en and self.zh) or _placeholders(self.en) != _placeholders(self.zh):
            raise ValueError(f"a message needs the same placeholders in both languages: {self.en!r}, {self.zh!r}")

    def say(self, **values: Any) -> str:
        """It in the current language, its placeholders filled with `values`."""
        text: str = getattr(self, current_language())
        return text.format(**values)


def _placeholders(text: str) -> set[tuple[str | None, str | None]]:
    return {(name, form) for _, name, form, _ in Formatter().parse(text) if name is not None}


def _known(language: str, owner: str) -> Language:
    for each in get_args(Language):
        # "zh_CN.UTF-8" and "zh-Hans" are Chinese too.
        if language.lower().replace("-", "_").split(".")[0].split("_")[0] == each:
            return each  # type: ignore[no-any-return]
    raise InputError(owner, "must be `en` or `zh`", language)
