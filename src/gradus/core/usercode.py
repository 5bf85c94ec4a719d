"""The user's own code, named as ``file.py:callable``."""

import hashlib
import importlib.util
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from gradus.core.errors import InputError, nearest
from gradus.core.paths import expand


@dataclass(frozen=True, slots=True)
class UserCode:
    """Where a callable lives. `path` is absolute; `name` is the callable's."""

    path: Path
    name: str

    @classmethod
    def parse(cls, reference: str, base: Path, owner: str) -> "UserCode":
        """Read ``file.py:callable``; the file is looked for relative to `base`."""
        file, colon, name = reference.rpartition(":")
        if not colon or not file.endswith(".py") or not name.isidentifier():
            raise InputError(owner, "must look like `file.py:callable`", reference)
        path = expand(file, base).resolve()
        if not path.is_file():
            raise InputError(owner, "no such file", str(path), f"Paths are relative to {base.resolve()}.")
        return cls(path, name)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self._content()).hexdigest()

    def load(self) -> Callable[..., Any]:
        """Run the file as a module and return its callable. This executes the user's code."""
        # Registered under a name of its own, so that classes defined there can be pickled. A file that names two parts
        # of a recipe is run once, or those classes would be there twice and differ.
        identity = hashlib.sha256(str(self.path).encode() + self._content()).hexdigest()
        module_name = f"gradus_user_{identity[:16]}"
        module = sys.modules.get(module_name) or self._run(module_name)
        found = getattr(module, self.name, None)
        if not callable(found):
            names = [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]
            raise InputError(str(self.path), "has no callable of this name", self.name, nearest(self.name, names))
        return found  # type: ignore[no-any-return]

    def _content(self) -> bytes:
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise InputError(str(self.path), f"cannot be read: {error.strerror}") from error

    def _run(self, module_name: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(module_name, self.path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[module_name] = module
        # The file may import its neighbours, as it could when run as a script.
        sys.path.insert(0, str(self.path.parent))
        try:
            spec.loader.exec_module(module)
        except (Exception, SystemExit) as error:  # a script may end by sys.exit, and would silently end us
            del sys.modules[module_name]
            error.add_note(f"while importing {self.path}")
            raise InputError(
                str(self.path), f"raises {type(error).__name__} on import: {error}", repair="Run it with python to see."
            ) from error
        finally:
            with suppress(ValueError):  # the file may have mended the path itself
                sys.path.remove(str(self.path.parent))
        return module
