"""Errors for the person who made them: owner, rule, value, repair, in one line."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, Self

_ABSENT: Any = object()
_MANY = 40
"""Known names that a message lists at most."""


class GradusError(Exception):
    """Something a person can put right. The command line prints its one line and exits with ``exit_code``."""

    exit_code = 2

    def __init__(self, owner: str, rule: str, value: Any = _ABSENT, repair: str = "") -> None:
        """
        Args:
            owner: whose rule was broken: a field, a file, a component.
            rule: what must hold.
            value: what was found instead, if saying so helps.
            repair: what to do, as a sentence.
        """
        message = f"{owner}: {rule}"
        if value is not _ABSENT:
            message += f", got {_short(value)}"
        if repair:
            message += f". {repair}"
        super().__init__(" ".join(message.split()))
        self.owner, self.rule, self.repair = owner, rule, repair

    def renamed(self, owner: str) -> Self:
        """The same, said in another owner's name."""
        self.args = (f"{owner}{str(self).removeprefix(self.owner)}",)
        self.owner = owner
        return self

    def __reduce__(self) -> Any:
        # By default an exception is remade from its message alone, which fails on the way back from another process.
        return _remade, (type(self), self.args, self.__dict__)


class InputError(GradusError, ValueError):
    """What was asked for or handed in cannot be used: a recipe, a name, a file, a shape."""


class ResourceError(GradusError, OSError):
    """The machine refused: a full disk, no permission, a run folder in use."""


def nearest(name: str, known: Iterable[str]) -> str:
    """The repair for an unknown name: the closest known ones, or all of them, if these can be read in a line.

    >>> nearest("lenet", ["lenet5", "mlp"])
    'Did you mean `lenet5`?'
    >>> nearest("resnet", ["mlp", "cnn"])
    'Known: cnn, mlp.'
    """
    names = sorted(known)
    # Capitals are the commonest slip, and count as different letters.
    spelt = {each.lower(): each for each in names}
    close = get_close_matches(name.lower(), spelt, n=3, cutoff=0.6)
    if close:
        return "Did you mean " + " or ".join(f"`{spelt[each]}`" for each in close) + "?"
    if len(names) > _MANY:
        names = [*names[:_MANY], f"and {len(names) - _MANY} others"]
    return f"Known: {', '.join(names)}." if names else ""


def _remade(kind: type[GradusError], args: tuple[Any, ...], state: dict[str, Any]) -> GradusError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(state)
    return error


def _short(value: Any) -> str:
    text = f"`{value}`" if isinstance(value, str) and value else repr(value)
    return text if len(text) <= 120 else text[:117] + "..."
