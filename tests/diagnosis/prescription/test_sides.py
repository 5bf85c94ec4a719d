"""Which side of a split something is on, by what is written around it."""

import ast
from pathlib import Path

import pytest

from gradus.diagnosis.prescription.prescribe import read_program
from gradus.diagnosis.prescription.sides import HELD_OUT, TRAINING, side


def side_of_rows(source: str) -> str:
    """That of the first call of `Rows` or the like."""
    program = read_program(Path("script.py"), source.encode())
    assert program is not None
    return next(
        side(file, node)
        for file, node in program.nodes()
        if isinstance(node, ast.Call) and "Rows" in ast.unparse(node.func)
    )


@pytest.mark.parametrize("word", ["train", "training", "tr", "fit"])
def test_words_of_training(word: str) -> None:
    assert side_of_rows(f"Rows('{word}')") == TRAINING


@pytest.mark.parametrize(
    "word",
    ["val", "valid", "validation", "test", "testing", "dev", "eval", "evaluation", "held_out", "heldout", "te", "va"],
)
def test_words_of_the_rest(word: str) -> None:
    assert side_of_rows(f"Rows('{word}')") == HELD_OUT


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("Rows(train=True)", TRAINING),
        ("Rows(train=False)", HELD_OUT),
        ("Rows(training=False)", HELD_OUT),
        ("Rows(is_train=False)", HELD_OUT),
        ("Rows(train=flag)", ""),
        ("Rows(shuffle=True, split='test')", HELD_OUT),
        ("Rows([x_train])", TRAINING),
        ("Rows(x_train, x_test)", ""),
        ("TestRows()", HELD_OUT),
        ("val = Rows('train')", TRAINING),
        ("val = Rows()", HELD_OUT),
        ("valTransform: list = Rows()", HELD_OUT),
        ("both = {'train': 1, 'val': Rows()}", HELD_OUT),
        ("both = {Rows(): 'val'}", ""),
        ("both = {key: Rows()}", ""),
        ("both = dict(val=Rows())", HELD_OUT),
        ("Loader('val', Rows())", HELD_OUT),
    ],
)
def test_by_what_it_is_given_and_called(source: str, expected: str) -> None:
    assert side_of_rows(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("steps = Rows() if train else 1", TRAINING),
        ("steps = 1 if train else Rows()", HELD_OUT),
        ("steps = 1 if Rows() and train else 2", ""),
        ("if train:\n    steps = Rows()", TRAINING),
        ("if test:\n    steps = 1\nelse:\n    steps = Rows()", TRAINING),
        ("if flag:\n    steps = 1\nelse:\n    steps = Rows()", ""),
        ("if not train:\n    steps = Rows()", HELD_OUT),
        ("if split != 'train':\n    steps = Rows()", HELD_OUT),
        ("if Rows() and train:\n    steps = 1", ""),
        ("def make_train():\n    return Rows()", TRAINING),
        ("def fit():\n    def make():\n        return Rows()", ""),
        ("def make(train):\n    steps = 1\n    if train:\n        return 1\n    return Rows()", HELD_OUT),
        (
            "def make(train):\n    if flag:\n        return 1\n    if train:\n        return 2\n    return Rows()",
            HELD_OUT,
        ),
        ("def make(train):\n    if train:\n        log()\n    return Rows()", ""),
        ("def make(train):\n    steps = Rows()\n    if train:\n        return 1\n    return steps", ""),
    ],
)
def test_by_branches_and_functions(source: str, expected: str) -> None:
    assert side_of_rows(source) == expected
