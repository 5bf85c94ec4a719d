"""Errors say owner, rule, value and repair in one line, and survive the way between processes."""

import pickle

import pytest

from gradus.core.errors import GradusError, InputError, ResourceError, nearest


def test_owner_rule_value_repair_form_one_line() -> None:
    error = InputError("training.epochs", "must be 1 or more", 0, "Try 10.")
    assert str(error) == "training.epochs: must be 1 or more, got 0. Try 10."
    assert (error.owner, error.rule, error.repair) == ("training.epochs", "must be 1 or more", "Try 10.")


def test_value_and_repair_may_be_left_out() -> None:
    assert str(InputError("data", "must not be empty")) == "data: must not be empty"
    assert str(InputError("data", "must not be empty", None)) == "data: must not be empty, got None"
    assert str(InputError("data", "must not be empty", repair="Fill it.")) == "data: must not be empty. Fill it."


def test_text_is_quoted_and_what_spans_lines_is_folded() -> None:
    assert str(InputError("a", "b", "c")) == "a: b, got `c`"
    assert str(InputError("a", "b", "")) == "a: b, got ''"
    folded = str(InputError("a", "first\n  second", "x\ny\tz", "Do\r\nthis."))
    assert folded == "a: first second, got `x y z`. Do this."


def test_a_long_value_is_shortened() -> None:
    message = str(InputError("a", "b", list(range(1000))))
    assert len(message) < 140
    assert message.endswith("...")


@pytest.mark.parametrize("kind", [InputError, ResourceError])
def test_an_error_survives_the_way_between_processes(kind: type[GradusError]) -> None:
    error = kind("disk", "is full", 3, "Make room.")
    error.add_note("while saving")
    back = pickle.loads(pickle.dumps(error))  # noqa: S301 - what is tested
    assert type(back) is kind
    assert str(back) == str(error) == "disk: is full, got 3. Make room."
    assert (back.owner, back.rule, back.repair, back.__notes__) == ("disk", "is full", "Make room.", ["while saving"])


def test_python_can_catch_them_by_its_own_names() -> None:
    assert issubclass(InputError, ValueError)
    assert issubclass(ResourceError, OSError)
    assert InputError("a", "b").exit_code == ResourceError("a", "b").exit_code == 2


@pytest.mark.parametrize(
    ("name", "repair"),
    [
        ("lenet", "Did you mean `lenet5`?"),
        ("LeNet", "Did you mean `lenet5`?"),
        ("mlp", "Did you mean `MLP`?"),
        ("vgg16", "Known: MLP, cnn, lenet5."),
    ],
)
def test_nearest(name: str, repair: str) -> None:
    assert nearest(name, ["MLP", "lenet5", "cnn"]) == repair


def test_nearest_lists_several_and_none() -> None:
    assert nearest("adamm", ["adam", "adamw"]) == "Did you mean `adam` or `adamw`?"
    assert nearest("x", []) == ""
    assert nearest("x", map(str, range(10, 50))).endswith("48, 49.")
    assert nearest("x", map(str, range(10, 53))).endswith("48, 49, and 3 others.")
