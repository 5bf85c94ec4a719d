"""Batches whose examples are put in order."""

import textwrap

import pytest

from tests.diagnosis.prescription.changing import changes, first_change

COLLATE = """
def collate(batch):
    {parts}
    {ordered}
    return pad_sequence(tracks), torch.tensor(labels)
"""


@pytest.mark.parametrize(
    ("parts", "ordered", "key"),
    [
        (
            "labels = [label for _, label in batch]",
            "tracks = sorted((track for track, _ in batch), key=len, reverse=True)",
            "len(example[0]), reverse=True",
        ),
        ("tracks, labels = zip(*batch)", "tracks = sorted(tracks, key=lambda t: -len(t))", "-len(example[0])"),
        (
            'tracks, labels = [b["x"] for b in batch], [b["y"] for b in batch]',
            "tracks.sort(key=len, reverse=True)",
            "len(example['x']), reverse=True",
        ),
        ("labels, tracks = zip(*batch)", "tracks = sorted(list(tracks))", "example[1]"),
    ],
)
def test_labels_go_with_inputs_that_are_sorted(parts: str, ordered: str, key: str) -> None:
    source = COLLATE.format(parts=parts, ordered=ordered)
    assert first_change(source, "check-labels") == [f"+ batch = sorted(batch, key=lambda example: {key})"]


def test_what_is_sorted_as_a_whole_is_left() -> None:
    ordered = "tracks = sorted(tracks, key=len)"
    source = COLLATE.format(parts="batch.sort(key=size)\n    tracks, labels = zip(*batch)", ordered=ordered)
    assert not any("batch = sorted(" in each for each in changes(textwrap.dedent(source), "check-labels"))


def test_some_of_the_examples_are_not_sorted_as_all() -> None:
    source = COLLATE.format(parts="labels = list(batch)", ordered="tracks = sorted(x for x, _ in batch if len(x))")
    assert not any("batch = sorted(" in each for each in changes(source, "check-labels"))


def test_a_lambda_has_no_place_for_it_and_hinders_no_other() -> None:
    collate = COLLATE.format(parts="labels = list(batch)", ordered="tracks = sorted([track for track, _ in batch])")
    source = f"raw = lambda batch: sorted(track for track, _ in batch)\n{collate}"
    assert first_change(source, "check-labels") == ["+ batch = sorted(batch, key=lambda example: example[0])"]
