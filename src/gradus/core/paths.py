"""Paths as people write them."""

from pathlib import Path

from gradus.core.errors import InputError


def expand(name: str, base: Path) -> Path:
    """The absolute path that `name` means from `base`; a leading ``~`` is the user's home.

    Raises:
        InputError: if there is no such user.
    """
    try:
        return (base / Path(name).expanduser()).absolute()
    except RuntimeError:
        raise InputError("path", "there is no such user", name) from None
