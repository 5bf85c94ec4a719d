"""What networks for videos share."""

from gradus.core.errors import InputError
from gradus.core.spec import DataSpec
from gradus.models.inputs import single_input

_LEAST = 8
"""The smallest `reduction` that networks for videos have."""


def video(
    owner: str, spec: DataSpec, *, frames: int = 1, smallest: int | None = None, reduction: int
) -> tuple[int, int, int, int]:
    """Channels, frames, height and width of the one input, of at least so many frames of so many pixels a side.

    Args:
        reduction: the network's option of this name; `smallest` is this by default.
    Raises:
        InputError: if the input is no video, or a shorter or smaller one.
    """
    shape = single_input(owner, spec)
    if len(shape) != 4:
        raise InputError(
            owner, "takes videos (channels, frames, height, width)", shape, "One picture is a video of one frame."
        )
    channels, given, height, width = shape
    if given < frames:
        raise InputError(owner, f"takes videos of at least {frames} frames", shape, "Give it longer ones.")
    smallest = smallest or reduction
    if min(height, width) < smallest:
        smaller = reduction > _LEAST and min(height, width) >= _LEAST
        repair = f"Enlarge them, or set `reduction` to {_LEAST}." if smaller else "Enlarge them."
        raise InputError(owner, f"takes videos of at least {smallest} x {smallest} pixels", shape, repair)
    return channels, given, height, width
