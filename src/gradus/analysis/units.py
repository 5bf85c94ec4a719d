"""Amounts as people write them: 4.09 G, 164 MiB, 20 ms."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unit:
    """What an amount is measured in.

    Attributes:
        scales: how much each suffix stands for.
        write: an amount with the suffix that reads best.
    """

    scales: Mapping[str, float]
    write: Callable[[float], str]

    def written(self, amount: float | None) -> str:
        """An amount, "?" for one that is not known."""
        return "?" if amount is None else self.write(amount)


def count(number: float) -> str:
    """Three digits, in thousands.

    >>> count(4_089_184_256), count(850), count(999_600)
    ('4.09 G', '850', '1.00 M')
    """
    return _readable(number, 1000, ("", "K", "M", "G", "T", "P"))


def size(number: float) -> str:
    """Three digits, in powers of 1024 bytes.

    >>> size(172_035_072), size(512)
    ('164 MiB', '512 B')
    """
    return _readable(number, 1024, ("B", "KiB", "MiB", "GiB", "TiB", "PiB"))


def duration(seconds: float) -> str:
    """Three digits, in seconds or parts of one.

    >>> duration(0.02), duration(90)
    ('20.0 ms', '90.0 s')
    """
    return f"{_digits(seconds)} s" if seconds >= 1 else _readable(seconds * 1e6, 1000, ("us", "ms", "s"))


def plain(number: float) -> str:
    """Three digits, more before a decimal point; whole numbers as they are.

    >>> plain(4.1), plain(164.06), plain(1234)
    ('4.10', '164', '1234')
    """
    return str(int(number)) if number == int(number) else _digits(number)


COUNT = Unit({"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}, count)
SIZE = Unit(
    {f"{prefix}B": 1000**power for power, prefix in enumerate(("", "K", "M", "G", "T"))}
    | {f"{prefix}iB": 1024**power for power, prefix in enumerate(("K", "M", "G", "T"), 1)},
    size,
)
TIME = Unit({"us": 1e-6, "ms": 1e-3, "s": 1}, duration)
PLAIN = Unit({"": 1}, plain)


def _readable(number: float, base: int, units: tuple[str, ...]) -> str:
    power = 0
    while float(f"{number / base**power:.3g}") >= 1000 and power < len(units) - 1:
        power += 1
    scaled = number / base**power
    return f"{_digits(scaled) if power else plain(scaled)} {units[power]}".rstrip()


def _digits(number: float) -> str:
    return f"{number:.0f}" if number >= 99.95 else f"{number:#.3g}"
