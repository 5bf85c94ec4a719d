"""Where operations look along one axis: convolution, pooling, interpolation."""

import math
from fractions import Fraction

from gradus.analysis.reach import Pattern


def window(kernel: int, stride: int, padding: int, dilation: int = 1) -> Pattern:
    """Of a convolution or of pooling: output o looks at o*stride - padding + j*dilation."""
    return Pattern([[tap * dilation - padding for tap in range(kernel)]], stride)


def transposed(kernel: int, stride: int, padding: int, dilation: int = 1) -> Pattern:
    """Of a transposed convolution: output o looks at (o + padding - j*dilation) / stride where that is whole."""
    reached = [[phase + padding - tap * dilation for tap in range(kernel)] for phase in range(stride)]
    return Pattern([[each // stride for each in taps if each % stride == 0] for taps in reached], 1)


def adaptive(size: int, outputs: int) -> Pattern:
    """Of adaptive pooling: output o looks from floor(o*size/outputs) to ceil((o+1)*size/outputs)."""
    ratio = Fraction(size, outputs)
    windows = [range(math.floor(o * ratio), math.ceil((o + 1) * ratio)) for o in range(ratio.denominator)]
    return Pattern(windows, ratio.numerator)


def nearest(ratio: Fraction, *, exact: bool) -> Pattern:
    """Of interpolation that repeats pixels, with `ratio` of the input for one of the output."""
    shift = Fraction(1, 2) if exact else Fraction(0)
    return Pattern([[math.floor((o + shift) * ratio)] for o in range(ratio.denominator)], ratio.numerator)


def smooth(ratio: Fraction, *, corners: bool, cubic: bool, antialias: bool) -> Pattern:
    """Of linear and cubic interpolation: the pixels whose weight is not zero; the border aside.

    Args:
        ratio: pixels of the input for one of the output.
        corners: whether the centres of the outermost pixels fall together, else the edges of the image.
    """
    half, scale, support = Fraction(1, 2), max(ratio, Fraction(1)) if antialias else Fraction(1), 2 if cubic else 1

    def weighs(distance: Fraction) -> bool:
        scaled = abs(distance) / scale
        return scaled < support and not (cubic and scaled == 1)  # where the cubic kernel crosses zero

    on_centres = corners and not antialias  # torch's anti-aliased kernels take the ratio of corners, not their places
    centres = [o * ratio if on_centres else (o + half) * ratio - half for o in range(ratio.denominator)]
    spans = [range(math.floor(each - support * scale), math.ceil(each + support * scale) + 1) for each in centres]
    sources = [[at for at in span if weighs(each - at)] for each, span in zip(centres, spans, strict=True)]
    return Pattern(sources, ratio.numerator)
