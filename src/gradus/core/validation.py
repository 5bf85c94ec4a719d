"""Checking options against their annotations, and putting what is wrong into one line."""

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from gradus.core.errors import InputError, nearest

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

_TYPE = re.compile(r"(bool|float|int|none|str)$|.*[\[-]")
"""What pydantic calls a member of a union: ``int``, ``constrained-int``, ``literal['full']``, ``tuple[float, ...]``."""


def validated(owner: str, fields: Mapping[str, tuple[Any, Any]], options: Mapping[str, Any]) -> dict[str, Any]:
    """`options` checked against `fields` (name to annotation and default), defaults filled in.

    Types are strict (``"3"`` is not a number, ``true`` not a count), but a list serves for a tuple, as in TOML.

    Raises:
        InputError: for the first option that is unknown, missing, of the wrong type or out of its constraint.
    """
    from pydantic import ConfigDict, ValidationError, create_model

    empty = inspect.Parameter.empty
    config = ConfigDict(extra="forbid", strict=True, arbitrary_types_allowed=True, protected_namespaces=())
    declared: dict[str, Any] = {
        name: (kind, ... if default is empty else default) for name, (kind, default) in fields.items()
    }
    model = create_model("Options", __config__=config, **declared)
    try:
        checked = model.model_validate({name: as_tuples(value) for name, value in options.items()})
    except ValidationError as error:
        raise first_problem(owner, error, lambda table: fields) from None
    return {name: getattr(checked, name) for name in fields}


def first_problem(
    owner: str, error: "ValidationError", known_at: Callable[[Sequence[str]], Iterable[str]]
) -> InputError:
    """The first of pydantic's complaints as one line; `known_at` tells the names that may stand in a nested table."""
    details = error.errors(include_url=False)
    # An unknown name explains the missing one it was meant for.
    first = min(details, key=lambda each: each["type"] != "extra_forbidden")
    place = _place(first)
    others = len({_place(each) for each in details}) - 1
    more = f" ({others} more to mend after this.)" if others else ""
    if first["type"] == "extra_forbidden":
        *table, name = map(str, first["loc"])
        return InputError(owner, f"unknown option `{name}`", repair=nearest(name, known_at(table)) + more)
    if first["type"] == "missing":
        return InputError(owner, f"option `{place}` must be given", repair=more.strip())
    # A value that may be of several types has a complaint from each; together they say what it may be.
    rules = " or ".join(dict.fromkeys(_rule(each) for each in details if _place(each) == place))
    rules = rules.replace(" or should be ", " or ")
    return InputError(owner, f"`{place}` {rules}", first["input"], more.strip())


def as_tuples(value: Any) -> Any:
    """`value` with every list in it made a tuple."""
    if isinstance(value, list | tuple):
        return tuple(as_tuples(each) for each in value)
    if isinstance(value, dict):
        return {name: as_tuples(each) for name, each in value.items()}
    return value


def _place(detail: "ErrorDetails") -> str:
    """The field a complaint is about: its path up to where pydantic goes on to name a member of a union of types."""
    return ".".join(str(part) for part in takewhile(lambda part: not _TYPE.match(str(part)), detail["loc"]))


def _rule(detail: "ErrorDetails") -> str:
    rule = detail["msg"].removeprefix("Value error, ").removeprefix("Input ")
    rule = rule.replace("valid tuple", "valid list").replace("valid dictionary", "valid table")  # as TOML calls them
    return rule[:1].lower() + rule[1:]
