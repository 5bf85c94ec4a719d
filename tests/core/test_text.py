"""Findings speak English or Chinese, as asked."""

from collections.abc import Iterator

import pytest

from gradus.core import text
from gradus.core.errors import InputError

MESSAGE = text.Message(en="{count} dead units", zh="{count} 个失活单元")


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("GRADUS_LANG", raising=False)
    text.set_language(None)
    yield
    text.set_language(None)


def test_english_unless_asked() -> None:
    assert text.current_language() == "en"
    assert MESSAGE.say(count=3) == "3 dead units"


@pytest.mark.parametrize("named", ["zh", "zh_CN.UTF-8", "zh-Hans", "ZH"])
def test_the_environment_names_the_language(named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADUS_LANG", named)
    assert text.current_language() == "zh"
    assert MESSAGE.say(count=3) == "3 个失活单元"


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


@pytest.mark.parametrize(
    ("en", "zh"),
    [("{count} dead units", "失活单元"), ("{a:g}", "{a}"), ("{a} {b}", "{a} {c}"), ("said", ""), ("", "说")],
)
def test_a_message_has_both_languages_with_the_same_placeholders(en: str, zh: str) -> None:
    with pytest.raises(ValueError, match="same placeholders"):
        text.Message(en=en, zh=zh)


def test_placeholders_may_stand_in_another_order_and_repeat() -> None:
    text.Message(en="{a} of {b:g}, {a}", zh="{b:g} 中的 {a}")
