"""Where examples come from: one file a format. `open_data` finds the one for a name or a path."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradus.core.cards import Card, Registry
from gradus.core.errors import InputError, nearest
from gradus.core.paths import expand
from gradus.data.raw import RawData


@dataclass(frozen=True, kw_only=True)
class SourceCard(Card):
    """A bundled data set (built without arguments) or a format (built from a path that `opens` recognises)."""

    opens: Callable[[Path], bool] | None = None


sources: Registry[SourceCard] = Registry("data source", "gradus.data.sources", SourceCard)


def is_path(name: str) -> bool:
    """Whether a name given for data or a recipe means a place on disk: it has a suffix or a slash."""
    return "/" in name or "\\" in name or bool(Path(name).suffix) or name in (".", "..")


def locate(name: str, base: Path) -> str:
    """`name` so that it means the same everywhere: of a bundled set, or the absolute path that it is from `base`."""
    path = expand(name, base)
    try:
        on_disk = is_path(name) or (name not in sources and bool(name) and path.exists())
    except OSError:  # a name too long to be one
        on_disk = False
    return str(path) if on_disk else name


def open_data(name: str, options: Mapping[str, Any], *, base: Path = Path()) -> RawData:
    """The examples of a bundled data set, or of the file or folder `name` relative to `base`.

    The option `format` names the format of a path that could be of several.

    Raises:
        InputError: for an unknown name, a path that is missing or in no known format, or data that cannot be used.
    """
    place = locate(name, base)
    path = Path(place)
    try:
        return _opened(path, options) if is_path(place) else _bundled(name, options)
    except OSError as error:
        raise InputError(f"data {path}", f"cannot be read: {error.strerror or error}") from error


def _bundled(name: str, options: Mapping[str, Any]) -> RawData:
    if name not in sources:
        known = [card.name for card in sources.cards() if card.opens is None]
        raise InputError("data", "unknown name, and no file or folder either", name, nearest(name, known))
    card = sources.get(name)
    if card.opens is not None:
        raise InputError("data", f"`{name}` is a format, not a data set", repair="Give the path of a file or folder.")
    raw: RawData = card.build(**card.validate(options))
    return raw


def _opened(path: Path, options: Mapping[str, Any]) -> RawData:
    if not path.exists():
        known = [card.name for card in sources.cards() if card.opens is None]
        raise InputError("data", "no such file or folder", str(path), nearest(path.stem, known))
    formats = [card for card in sources.cards() if card.opens is not None]
    wanted = options.get("format")
    if wanted is not None:
        named = {card.name: card for card in formats}
        if wanted not in named:
            raise InputError(f"data {path}", "`format` is unknown", wanted, nearest(str(wanted), named))
        options = {name: value for name, value in options.items() if name != "format"}
        chosen: RawData = named[wanted].build(path, **named[wanted].validate(options, f"data {path}"))
        return chosen
    for card in formats:
        assert card.opens is not None
        if card.opens(path):
            raw: RawData = card.build(path, **card.validate(options, f"data {path}"))
            return raw
    what = "is an empty folder" if path.is_dir() and not any(path.iterdir()) else "is in no known format"
    raise InputError(
        f"data {path}",
        what,
        repair=f"Known formats, which `gradus data` describes: {', '.join(card.name for card in formats)}.",
    )
