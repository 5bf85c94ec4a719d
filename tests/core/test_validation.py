"""What is wrong with options is said in one line that names the option."""

import inspect
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from gradus.core.errors import InputError
from gradus.core.validation import as_tuples, validated

REQUIRED = inspect.Parameter.empty
FIELDS: dict[str, tuple[Any, Any]] = {
    "width": (Annotated[int, Field(ge=1)], REQUIRED),
    "rate": (Annotated[float, Field(gt=0, lt=1)], 0.5),
    "bias": (bool, True),
    "hidden": (tuple[int, ...], (64,)),
    "betas": (tuple[float, float], (0.9, 0.999)),
    "kind": (Literal["max", "mean"], "max"),
    "size": (Annotated[int, Field(ge=1)] | Literal["full"], 8),
    "name": (str | None, None),
}


def test_defaults_are_filled_in_and_values_kept() -> None:
    assert validated("m", FIELDS, {"width": 3, "rate": 0.25}) == {
        "width": 3, "rate": 0.25, "bias": True, "hidden": (64,), "betas": (0.9, 0.999), "kind": "max", "size": 8,
        "name": None,
    }  # fmt: skip


def test_a_list_serves_for_a_tuple_as_in_toml() -> None:
    checked = validated("m", FIELDS, {"width": 1, "hidden": [3, 4], "betas": [0, 1.0]})
    assert checked["hidden"] == (3, 4)
    assert checked["betas"] == (0.0, 1.0)
    assert as_tuples({"a": [1, [2, {"b": [3]}]]}) == {"a": (1, (2, {"b": (3,)}))}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "m: option `width` must be given"),
        ({"widht": 3}, "m: unknown option `widht`. Did you mean `width`? (1 more to mend after this.)"),
        ({"width": 3, "zzz": 1}, "m: unknown option `zzz`. Known: betas, bias, hidden, kind, name, rate, size, width."),
        ({"width": "3"}, "m: `width` should be a valid integer, got `3`"),
        ({"width": 3.0}, "m: `width` should be a valid integer, got 3.0"),
        ({"width": True}, "m: `width` should be a valid integer, got True"),
        ({"width": 0}, "m: `width` should be greater than or equal to 1, got 0"),
        ({"width": None}, "m: `width` should be a valid integer, got None"),
        ({"width": 3, "rate": "0.1"}, "m: `rate` should be a valid number, got `0.1`"),
        ({"width": 3, "rate": True}, "m: `rate` should be a valid number, got True"),
        ({"width": 3, "rate": 1.0}, "m: `rate` should be less than 1, got 1.0"),
        ({"width": 3, "rate": float("nan")}, "m: `rate` should be less than 1, got nan"),
        ({"width": 3, "bias": 1}, "m: `bias` should be a valid boolean, got 1"),
        ({"width": 3, "bias": "yes"}, "m: `bias` should be a valid boolean, got `yes`"),
        ({"width": 3, "hidden": [3, "4"]}, "m: `hidden.1` should be a valid integer, got `4`"),
        ({"width": 3, "kind": "sum"}, "m: `kind` should be 'max' or 'mean', got `sum`"),
        ({"width": 3, "name": 5}, "m: `name` should be a valid string, got 5"),
        (
            {"width": 0, "rate": 2},
            "m: `width` should be greater than or equal to 1, got 0. (1 more to mend after this.)",
        ),
    ],
)
def test_what_is_wrong_is_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        validated("m", FIELDS, options)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("value", "rule"),
    [("half", "should be a valid integer or 'full'"), (0, "should be greater than or equal to 1 or 'full'")],
)
def test_one_of_several_types_is_one_complaint(value: Any, rule: str) -> None:
    with pytest.raises(InputError) as caught:
        validated("m", FIELDS, {"width": 1, "size": value})
    assert caught.value.rule == f"`size` {rule}"
    assert "more to mend" not in str(caught.value)


def test_options_may_be_called_what_pydantic_calls_its_own() -> None:
    fields: dict[str, tuple[Any, Any]] = {"model_width": (int, 1), "momentum": (float, 0.0)}
    assert validated("m", fields, {"model_width": 2}) == {"model_width": 2, "momentum": 0.0}
