"""Amounts as they are written and read."""

import pytest

from gradus.analysis.units import COUNT, SIZE, TIME, Unit, count, duration, plain, size


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (999, "999"), (1000, "1.00 K"), (9_995, "9.99 K"), (99_960, "100 K"), (999_499, "999 K"),
     (999_500, "1.00 M"), (4_089_184_256, "4.09 G"), (14_630_806_093_824, "14.6 T"), (10**18, "1000 P")],
)  # fmt: skip
def test_counts_have_three_digits(number: int, text: str) -> None:
    assert count(number) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 B"), (1000, "0.977 KiB"), (1024, "1.00 KiB"), (164.0620 * 2**20, "164 MiB"), (1023 * 2**20, "0.999 GiB")],
)
def test_sizes_are_in_powers_of_1024(number: float, text: str) -> None:
    assert size(number) == text


def test_durations_and_plain_numbers() -> None:
    assert [duration(each) for each in (2e-7, 5e-5, 0.0204, 0.9999, 3, 4000)] == [
        "0.200 us", "50 us", "20.4 ms", "1.00 s", "3.00 s", "4000 s",
    ]  # fmt: skip
    assert [plain(each) for each in (0, 31, 31.25, 0.125, 12_345.6)] == ["0", "31", "31.2", "0.125", "12346"]


@pytest.mark.parametrize("unit", [COUNT, SIZE, TIME])
def test_what_is_written_can_be_read(unit: Unit) -> None:
    for amount in (3e-6, 0.02, 5.0, 1.5e3, 2.25e6, 7e9, 3e12):
        number, _, suffix = unit.write(amount).partition(" ")
        assert float(number) * unit.scales[suffix] == pytest.approx(amount, rel=5e-3)
    assert unit.written(None) == "?"
