"""Losses that do not suit their targets, by what the rule has read."""

from pathlib import Path

import pytest

from gradus.core.findings import Finding
from gradus.diagnosis.prescription.edits import apply
from gradus.diagnosis.prescription.fixes import FIXES, Case
from gradus.diagnosis.prescription.prescribe import load_fixes, read_program
from tests.diagnosis.prescription.changing import lines

HEAD = """import torch
import torch.nn as nn
import torch.nn.functional as F

model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 5))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
"""
STEP = "    optimizer.zero_grad(); loss.backward(); optimizer.step()\n"
SEVERAL, ONE, OUT, RAW = (
    "several classes as one", "one class as several", "labels out of range", "raw outputs as log-probabilities",
)  # fmt: skip


def changed(program: str, reading: str, **evidence: float) -> list[str]:
    """The first change, as lines, where the rule has read this."""
    load_fixes()
    read = read_program(Path("script.py"), program.encode())
    assert read is not None
    finding = Finding(
        symptom="loss-output-mismatch", severity="warning", confidence=0.9, evidence={**evidence, reading: 1.0},
        where="", message="", since_step=0, said_at_step=0,
    )  # fmt: skip
    case = Case(program=read, cause="loss-output-mismatch", findings=[finding])
    found = [apply(edits, read.script) for function in FIXES["fit-loss"] for edits in function(case) if edits]
    return lines(program, found[0]) if found else []


def trained(loss: str, before: str = "") -> str:
    return f"{HEAD}{before}\nfor x, y in loader:\n    {loss}\n{STEP}"


@pytest.mark.parametrize(
    ("loss", "before", "old", "new"),
    [
        (
            "loss = F.cross_entropy(model(x), y, label_smoothing=0.1)",
            "",
            "loss = F.cross_entropy(model(x), y, label_smoothing=0.1)",
            "loss = F.binary_cross_entropy_with_logits(model(x), y)",
        ),
        (
            "loss = criterion(model(x), y)",
            "criterion = nn.CrossEntropyLoss(label_smoothing=0.1)",
            "criterion = nn.CrossEntropyLoss(label_smoothing=0.1)",
            "criterion = nn.BCEWithLogitsLoss()",
        ),
        (
            "loss = -(y * F.log_softmax(model(x), dim=1)).sum(1).mean()",
            "",
            "loss = -(y * F.log_softmax(model(x), dim=1)).sum(1).mean()",
            "loss = F.binary_cross_entropy_with_logits(model(x), y)",
        ),
        (
            "loss = F.binary_cross_entropy(torch.softmax(model(x), dim=1), y)",
            "",
            "loss = F.binary_cross_entropy(torch.softmax(model(x), dim=1), y)",
            "loss = F.binary_cross_entropy(torch.sigmoid(model(x)), y)",
        ),
    ],
)
def test_classes_that_do_not_exclude_each_other(loss: str, before: str, old: str, new: str) -> None:
    assert changed(trained(loss, before), SEVERAL) == [f"- {old}", f"+ {new}"]


@pytest.mark.parametrize(
    ("loss", "new"),
    [
        ("loss = F.binary_cross_entropy_with_logits(model(x), y)", "loss = F.cross_entropy(model(x), y)"),
        ("loss = F.binary_cross_entropy(torch.sigmoid(model(x)), y)", "loss = F.cross_entropy(model(x), y)"),
    ],
)
def test_classes_that_do(loss: str, new: str) -> None:
    assert changed(trained(loss), ONE) == [f"- {loss}", f"+ {new}"]


@pytest.mark.parametrize(
    ("low", "high", "two", "labels"),
    [
        (-1.0, 1.0, 1.0, "(y + 1) / 2"),
        (-1.0, 1.0, 0.0, "(y + 1) / 2"),
        (1.0, 2.0, 1.0, "y - 1"),
        (2.0, 4.0, 1.0, "(y - 2) / 2"),
        (0.0, 9.0, 1.0, "y / 9"),
        (0.0, 9.0, 0.0, None),
        (0.0, 255.0, 0.0, "y / 255"),
    ],
)
def test_labels_become_zeros_and_ones(low: float, high: float, two: float, labels: str | None) -> None:
    for output in ("_with_logits(model(x), {})", "(model(x).sigmoid(), {})"):
        loss = f"loss = F.binary_cross_entropy{output}"
        expected = [f"- {loss.format('y')}", f"+ {loss.format(labels)}"] if labels else []
        assert changed(trained(loss.format("y")), OUT, low=low, high=high, **{"two values": two}) == expected


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("(torch.softmax(out, dim=1) > 0.5).float()", "(torch.sigmoid(out) > 0.5).float()"),
        ("(out.softmax(1) > 0.5).float()", "(out.sigmoid() > 0.5).float()"),
        ("(nn.Softmax(dim=1)(out) > 0.5).float()", "(nn.Sigmoid()(out) > 0.5).float()"),
    ],
)
def test_of_predictions_too_a_sigmoid_is_taken(old: str, new: str) -> None:
    program = trained("loss = F.cross_entropy(model(x), y)") + "with torch.no_grad():\n    out = model(x_test)\n"
    assert [each for each in changed(f"{program}    said = {old}\n", SEVERAL) if "said" in each] == [
        f"- said = {old}", f"+ said = {new}",
    ]  # fmt: skip


def test_a_loss_in_a_table_is_changed_there() -> None:
    program = trained("loss = criterion(model(x), y)", 'criterion = {"nll": nn.NLLLoss, "l1": nn.L1Loss}[name]()')
    assert changed(program, RAW) == [
        '- criterion = {"nll": nn.NLLLoss, "l1": nn.L1Loss}[name]()',
        '+ criterion = {"nll": nn.CrossEntropyLoss, "l1": nn.L1Loss}[name]()',
    ]


def test_nothing_where_nothing_was_read() -> None:
    assert changed(trained("loss = F.cross_entropy(model(x), y)"), "class numbers as values") == []


@pytest.mark.parametrize(
    ("loss", "new"),
    [
        ("loss = F.soft_margin_loss(model(x), y)", "loss = F.soft_margin_loss(model(x), 2 * y - 1)"),
        ("loss = torch.relu(1 - y * model(x)).mean()", "loss = torch.relu(1 - (2 * y - 1) * model(x)).mean()"),
        ("loss = F.softplus(-y * model(x)).mean()", "loss = F.softplus(-(2 * y - 1) * model(x)).mean()"),
    ],
)
def test_labels_get_their_signs(loss: str, new: str) -> None:
    assert changed(trained(loss), "labels without signs") == [f"- {loss}", f"+ {new}"]


@pytest.mark.parametrize(
    "loss",
    [
        "1 - F.cosine_similarity(model(x), y, dim=0).mean()",
        "-F.cosine_similarity(model(x), y, dim=0).mean()",
        "F.mse_loss(F.normalize(model(x), dim=0), F.normalize(y, dim=0))",
        "F.cosine_embedding_loss(model(x), y, torch.ones(len(x)))",
    ],
)
def test_errors_in_place_of_directions(loss: str) -> None:
    assert changed(trained(f"loss = {loss}"), "size left open") == [
        f"- loss = {loss}",
        "+ loss = F.mse_loss(model(x), y)",
    ]
