import pytest

from gradus.core.errors import InputError
from gradus.core.spec import DataSpec
from gradus.models.inputs import image, single_input


def spec(*shapes: tuple[int, ...], dtypes: tuple[str, ...] = ()) -> DataSpec:
    return DataSpec(task="classification", inputs=shapes, input_dtypes=dtypes, outputs=2)


def test_what_fits_is_returned() -> None:
    assert single_input("it", spec((13,))) == (13,)
    assert single_input("it", spec((13,), dtypes=("bfloat16",))) == (13,)
    assert image("it", spec((3, 8, 32)), smallest=8, largest=32, channels=3) == (3, 8, 32)


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        (spec((13,), (4,)), r"it: takes one input, got \(\(13,\), \(4,\)\)"),
        (spec((13,), dtypes=("int64",)), "it: takes floating-point numbers, got `int64`"),
        (spec(()), r"it: an example must have at least one axis, got \(\)"),
        (spec((13,)), r"it: takes images \(channels, height, width\), got \(13,\)"),
        (spec((28, 28)), r"it: takes images \(channels, height, width\), got \(28, 28\)"),
        (spec((3, 16, 16)), r"it: takes images of 1 channel, got \(3, 16, 16\)"),
        (spec((1, 16, 7)), r"it: takes images of at least 8 x 8, got \(1, 16, 7\)"),
        (spec((1, 33, 16)), r"it: takes images of at most 32 x 32, got \(1, 33, 16\)"),
    ],
)
def test_what_does_not_fit_is_named(wrong: DataSpec, rule: str) -> None:
    with pytest.raises(InputError, match=rule):
        image("it", wrong, smallest=8, largest=32, channels=1)
