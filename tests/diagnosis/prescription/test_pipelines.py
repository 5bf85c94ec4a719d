"""The steps of training are those of held-out examples, but for chance."""

import pytest

from tests.diagnosis.prescription.changing import changes, first_change

STEPS = """
import torch
class ToFloat:
    def __call__(self, x):
        return x.float()
class Scale:
    def __init__(self, most=1):
        self.most = most
    def __call__(self, x):
        return x / self.most
class Jitter:
    def __call__(self, x):
        return x + torch.randn_like(x)
def flip(x):
    return x.flip(-1)
{}
"""


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("train_tf = Compose([ToFloat(), Scale(9)])\nval_tf = Compose([ToFloat()])", "Compose([ToFloat(), Scale(9)])"),
        ("train_tf = [Jitter(), flip, ToFloat()]\ntest_tf = [ToFloat()]", "[flip, ToFloat()]"),
        ("tfs = {'train': Chain(Scale(9), Jitter()), 'val': Chain(Scale())}", "'val': Chain(Scale(9))"),
        (
            "def make(train):\n    if train:\n        return Compose([Scale(9), flip])\n    return Compose([flip])",
            "return Compose([Scale(9), flip])",
        ),
        ("def make(split):\n    steps = [Scale(9), flip] if split == 'train' else [flip]", "else [Scale(9), flip]"),
        ("data = Rows('train', [Scale(9)])\nother = Rows('val', [Scale(8)])", "Rows('val', [Scale(9)])"),
    ],
)  # fmt: skip
def test_what_held_out_examples_lack_they_get(written: str, expected: str) -> None:
    assert expected in first_change(STEPS.format(written), "same-transform")[-1]


@pytest.mark.parametrize(
    "written",
    [
        "train_tf = [ToFloat(), Jitter()]\nval_tf = [ToFloat()]",
        "train_losses, val_losses = [first()], [second()]",
        "history = {'train': [loss], 'val': [other]}",
        "one = [ToFloat(), Scale(9)]\nother = [ToFloat()]",
    ],
)
def test_nothing_else_is_a_pipeline(written: str) -> None:
    assert changes(STEPS.format(written), "same-transform") == []


def test_a_step_for_training_alone_is_for_all() -> None:
    source = STEPS.format("""
def get_transform(train):
    steps = [ToFloat()]
    if train:
        steps.append(Jitter())
        steps.append(Scale(9))
    return steps
""")
    assert first_change(source, "same-transform") == ["+ steps.append(Scale(9))", "- steps.append(Scale(9))"]


PREPARED = """
import torch
model = torch.nn.Linear(3, 2)
def scale(x):
    return x / 9
class Trainer:
    def prepare(self, batch):
        x, y = batch
        return x / 9, y
    def fit(self, loader, others):
        for batch in loader:
            self.training_step(batch).backward()
        with torch.no_grad():
            for batch in others:
                self.validation_step(batch)
    def training_step(self, batch):
        {}
        return criterion(model(x), y)
    def validation_step(self, batch):
        {}
        return criterion(model(x), y)
"""


@pytest.mark.parametrize(
    ("train", "held_out", "expected"),
    [
        ("x, y = self.prepare(batch)", "x, y = batch", "x, y = self.prepare(batch)"),
        ("x, y = scale(batch.x), batch.y", "x, y = batch.x, batch.y", "x, y = scale(batch.x), batch.y"),
        ("x, y = scale(batch.x), batch.y", "x, y = scale(batch.x), batch.y", ""),
        ("x, y = sample(batch)", "x, y = batch", ""),
        ("x, y = batch.x, batch.y; x = scale(x)", "x, y = batch.x, batch.y", ""),
    ],
)
def test_a_function_prepares_both(train: str, held_out: str, expected: str) -> None:
    source = PREPARED.format(train, held_out)
    assert first_change(source, "same-transform")[1:] == ([f"+ {expected}"] if expected else [])


def test_so_does_a_statement_of_a_method() -> None:
    source = PREPARED.format("x = scale(x)", "pass").replace("(self, batch)", "(self, x, y)")
    assert first_change(source, "same-transform")[0] == "+ x = scale(x)"
