"""What networks for videos share."""

from gradus.core.errors import InputError
from gradus.core.spec import DataSpec
from gradus.models.inputs import single_input


def video(owner: str, spec: DataSpec, *, frames: int = 1, smallest: int = 1) -> tuple[int, int, int, int]:
    """Channels, frames, height and width of the one input, of at least so many frames of so many pixels a side.

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
    if min(height, width) < smallest:
        raise InputError(owner, f"takes videos of at least {smallest} x {smallest} pixels", shape, "Enlarge them.")
    return channels, given, height, width
