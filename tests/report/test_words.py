import math

import pytest

from gradus.report.words import count, duration, figure, label, percent, score


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (percent(0.9251), "92.5 %"),
        (percent(math.nan), "not finite"),
        (count(1234567), "1,234,567"),
        (figure(0.123456), "0.1235"),
        (figure(123456.7), "123,457"),
        (figure(1.5e-7), "1.50e-07"),
        (figure(0), "0"),
        (figure(math.inf), "not finite"),
        (duration(3.21), "3.2 s"),
        (duration(200), "3 min 20 s"),
        (duration(3600), "1 h"),
        (duration(7265), "2 h 1 min"),
        (score("test_accuracy", 0.5), "50.0 %"),
        (score("test_rmse", 0.5), "0.5"),
        (label("validation_f1"), "validation F1"),
        (label("learning_rate.generator"), "learning rate: generator"),
    ],
)
def test_numbers_are_said_as_people_read_them(said: str, expected: str) -> None:
    assert said == expected
