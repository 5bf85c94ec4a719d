"""What a network can take: the shape of one example, or a line that says why not."""

from gradus.core.errors import InputError
from gradus.core.spec import DataSpec


def single_input(owner: str, spec: DataSpec) -> tuple[int, ...]:
    """The shape of the one input, of floating-point numbers along at least one axis.

    Raises:
        InputError: if there are several inputs, codes in place of numbers, or a bare number per example.
    """
    if len(spec.inputs) != 1:
        raise InputError(owner, "takes one input", spec.inputs, "Join the inputs into one array.")
    (shape,), (dtype,) = spec.inputs, spec.input_dtypes
    if "float" not in dtype:
        raise InputError(owner, "takes floating-point numbers", dtype, "Encode categories first, e.g. one-hot.")
    if not shape:
        raise InputError(owner, "an example must have at least one axis", shape, "Store the numbers as (N, 1).")
    return shape


def image(
    owner: str,
    spec: DataSpec,
    *,
    smallest: int | None = None,
    largest: int | None = None,
    channels: int | None = None,
    reduction: int | None = None,
) -> tuple[int, int, int]:
    """Channels, height and width of the one input, an image with sides from `smallest` to `largest`.

    Args:
        reduction: the network's option of this name, where it has one; `smallest` is this by default.
    Raises:
        InputError: if the input is no image, or has other sides or another number of channels.
    """
    shape = single_input(owner, spec)
    if len(shape) != 3:
        raise InputError(
            owner, "takes images (channels, height, width)", shape, "`mlp` takes any shape; grey images are (1, H, W)."
        )
    depth, height, width = shape
    if channels is not None and depth != channels:
        raise InputError(
            owner, f"takes images of {channels} channel{'s' if channels > 1 else ''}", shape, "Choose another model."
        )
    smallest = smallest or reduction or 1
    if min(height, width) < smallest:
        repair = enlarging(reduction, min(height, width))
        raise InputError(owner, f"takes images of at least {smallest} x {smallest}", shape, repair)
    if largest is not None and max(height, width) > largest:
        raise InputError(
            owner, f"takes images of at most {largest} x {largest}", shape, "Shrink them, or choose another model."
        )
    return depth, height, width


def enlarging(reduction: int | None, side: int) -> str:
    """What to do where images are too small: enlarge them, or reduce them less, so that 2 x 2 places and more are left.

    >>> enlarging(32, 28)
    'Enlarge them, or set `reduction` to 8.'
    """
    fitting = [each for each in (16, 8, 4) if reduction and each < reduction and 2 * each < side]
    return f"Enlarge them, or set `reduction` to {fitting[0]}." if fitting else "Enlarge them."
