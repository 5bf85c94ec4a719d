"""Findings speak English or Chinese, as asked."""

from collections.abc import Iterator

import pytest

from gradus.core import text
from gradus.core.errors import InputError

MESSAGE: dict[text.Language, str] = {"en": "{count} dead units", "zh": "{count} 个失活单元"}


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("GRADUS_LANG", raising=False)
    text.set_language(None)
    yield
    text.set_language(None)


def test_english_unless_asked() -> None:
    assert text.current_language() == "en"
    assert text.say(MESSAGE, count=3) == "3 dead units"


@pytest.mark.parametrize("named", ["zh", "zh_CN.UTF-8", "zh-Hans", "ZH"])
def test_the_environment_names_the_language(named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADUS_LANG", named)
    assert text.current_language() == "zh"
    assert text.say(MESSAGE, count=3) == "3 个失活单元"


def test_the_command_line_overrides_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADUS_LANG", "zh")
    text.set_language("en_GB.UTF-8")
    assert text.current_language() == "en"
    text.set_language(None)
    assert text.current_language() == "zh"


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADUS_LANG", "")
    assert text.current_language() == "en"


@pytest.mark.parametrize("named", ["fr", "english", "zhuang", "C"])
def test_an_unknown_language_is_refused(named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=f"^--lang: must be `en` or `zh`, got `{named}`$"):
        text.set_language(named)
    monkeypatch.setenv("GRADUS_LANG", named)
    with pytest.raises(InputError, match=r"^GRADUS_LANG: "):
        text.current_language()
