"""A DataSpec says what data look like, and survives JSON."""

import json

from hypothesis import given
from hypothesis import strategies as st

from gradus.core.spec import DataSpec

SHAPES = st.lists(st.lists(st.integers(1, 9), max_size=3).map(tuple), min_size=1, max_size=3).map(tuple)
NAMES = st.lists(st.text(max_size=5), max_size=4).map(tuple)


@given(st.sampled_from(["classification", "regression"]), SHAPES, st.integers(1, 9), NAMES, NAMES)
def test_json_round_trip(
    task: object,
    inputs: tuple[tuple[int, ...], ...],
    outputs: int,
    classes: tuple[str, ...],
    vocabulary: tuple[str, ...],
) -> None:
    spec = DataSpec(task=task, inputs=inputs, outputs=outputs, classes=classes, vocabulary=vocabulary)  # type: ignore[arg-type]
    assert DataSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


def test_dtypes_default_to_float32_for_every_input() -> None:
    assert DataSpec(task="regression", inputs=((3,), (2,)), outputs=1).input_dtypes == ("float32", "float32")
    assert DataSpec(task="regression", inputs=((3,),), outputs=1, input_dtypes=("int64",)).input_dtypes == ("int64",)


def test_features_counts_the_numbers_of_an_example() -> None:
    assert DataSpec(task="regression", inputs=((3, 4, 5), (7,)), outputs=1).features == 60


def test_an_example_has_the_shapes_and_types_of_the_data() -> None:
    spec = DataSpec(task="regression", inputs=((3, 2), ()), input_dtypes=("float32", "int64"), outputs=1)
    made = [(tuple(each.shape), str(each.dtype)) for each in spec.example()]
    assert made == [((1, 3, 2), "torch.float32"), ((1,), "torch.int64")]
    assert all(each.is_meta for each in spec.example("meta"))
