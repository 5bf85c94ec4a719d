"""What gradus finds, said in English or Chinese.

Only findings are translated. Each message is a format string whose placeholders are the same in both languages
(a test reads every catalogue).
"""

import os
from collections.abc import Mapping
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


def say(message: Mapping[Language, str], /, **values: Any) -> str:
    """`message` in the current language, its placeholders filled with `values`."""
    return message[current_language()].format(**values)


def _known(language: str, owner: str) -> Language:
    for each in get_args(Language):
        # "zh_CN.UTF-8" and "zh-Hans" are Chinese too.
        if language.lower().replace("-", "_").split(".")[0].split("_")[0] == each:
            return each  # type: ignore[no-any-return]
    raise InputError(owner, "must be `en` or `zh`", language)
