"""Paths as people write them."""

import os
import re
from pathlib import Path

from gradus.core.errors import InputError


def expand(name: str, base: Path) -> Path:
    """The absolute path that `name` means from `base`.

    A leading ``~`` is the user's home, a leading ``$NAME`` the value of that environment variable.

    Raises:
        InputError: if there is no such user, or the variable is not set.
    """
    variable = re.match(r"\$(\w+)", name)
    if variable:
        value = os.environ.get(variable[1], "")
        if not value:
            repair = f"Set {variable[1]} to the folder that holds the rest of the path, or give another path."
            raise InputError(f"path {name}", f"the environment variable {variable[1]} is not set", repair=repair)
        name = value + name[variable.end() :]
    try:
        return (base / Path(name).expanduser()).absolute()
    except RuntimeError:
        raise InputError("path", "there is no such user", name) from None
