"""Where figures are written: the one wording for a file that is of no such kind, or cannot be written."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gradus.core.errors import InputError, ResourceError

FIGURE = (".png", ".svg", ".pdf")


@contextmanager
def writing(output: str | Path, owner: str, kinds: tuple[str, ...] = FIGURE) -> Iterator[Path]:
    """The place to write to; its kind is checked before anything is drawn.

    Args:
        kinds: what its suffix may be.
    Raises:
        InputError: it is of no such kind.
        ResourceError: what is done within cannot write it.
    """
    place = Path(output)
    if place.suffix not in kinds:
        *others, last = kinds
        listed = f"{', '.join(others)} or {last}" if others else last
        raise InputError(owner, f"must be a file that ends in {listed}", str(place))
    try:
        yield place
    except OSError as error:
        repair = "Name another place."
        raise ResourceError(str(place), f"cannot be written ({error.strerror})", repair=repair) from error
