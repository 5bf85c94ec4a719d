"""Steps that are left out because a cause is of their kind, or because hardly any program takes them."""

from pathlib import Path

import pytest

from gradus.diagnosis.prescription.edits import apply
from gradus.diagnosis.prescription.fixes import Case
from gradus.diagnosis.prescription.leaving_out import KINDS, odd_ones
from gradus.diagnosis.prescription.prescribe import prescriptions, read_program
from gradus.diagnosis.remedies import BY_ID
from tests.diagnosis.prescription.changing import changes, first_change, lines


def program(
    data: str = "",
    forward: str = "",
    loop: str = "",
    loss: str = "F.cross_entropy(model(x), y)",
    step: str = "",
    held_out: str = "model(test)",
) -> str:
    text = f"""
import torch
import torch.nn as nn
import torch.nn.functional as F

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(4, 3)

    def forward(self, x):
        {forward or "pass"}
        return self.out(x)

inputs, labels, test = load()
{data}
model = Net()
optimizer = torch.optim.Adam(model.parameters())
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
for epoch in range(9):
    for x, y in batches(inputs, labels):
        {loop or "pass"}
        loss = {loss}
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        {step or "pass"}
    with torch.no_grad():
        print({held_out})
"""
    return text.replace("\n        pass\n        loss", "\n        loss")


@pytest.mark.parametrize(
    ("cause", "where", "line"),
    [
        ("constant-inputs", "data", "inputs = inputs.clamp(0, 1)"),
        ("constant-inputs", "forward", "x = x.round()"),
        ("constant-inputs", "loop", "x = torch.stack([x[0] for _ in x])"),
        ("constant-inputs", "loop", "x = x * 0.001"),
        ("constant-inputs", "loop", "x = x[0:1].expand_as(x)"),
        ("underfitting", "forward", "x = F.interpolate(F.adaptive_avg_pool2d(x, 2), size=x.shape[-2:])"),
        ("over-regularization", "step", "loss = loss + 9 * model.out.weight.norm()"),
        ("over-regularization", "step", "loss += 9 * model.out.weight.norm()"),
        ("non-finite-input", "data", "inputs.log_()"),
        ("unscaled-inputs", "data", "inputs = 255 * inputs"),
        ("unscaled-inputs", "loop", "x *= 1000"),
        ("unscaled-targets", "data", "labels = 250 * labels + 2000"),
        ("unscaled-targets", "data", "labels = labels - 5000"),
        ("labels-unrelated", "data", "labels = labels[torch.randperm(len(labels))]"),
        ("noisy-labels", "data", "labels[torch.rand(len(labels)) < 0.3] = 0"),
        ("noisy-labels", "loop", "y = torch.cat([y[:5].roll(1), y[5:]])"),
        ("class-imbalance", "data", "inputs, labels = inputs[labels > 1], labels[labels > 1]"),
        ("overfitting", "data", "inputs, labels = inputs[:20], labels[:20]"),
        ("broadcast-loss", "loop", "y = y[:, None]"),
        ("learning-rate-too-low", "step", "scheduler.step()"),
        ("learning-rate-too-low", "step", "if epoch > 2: break"),
        ("over-regularization", "step", "with torch.no_grad(): model.out.weight.mul_(0.9)"),
        ("optimizer-epsilon-too-large", "data", 'optimizer.defaults["eps"] = 1.0'),
    ],
)
def test_a_statement_of_the_kind_goes(cause: str, where: str, line: str) -> None:
    source = program(**{where: line})
    assert f"- {line}" in first_change(source, "leave-out", cause=cause)


@pytest.mark.parametrize(
    ("cause", "where", "before", "after"),
    [
        ("constant-inputs", "data", "kept = inputs.clamp(max=0)", "kept = inputs"),
        ("constant-inputs", "data", "inputs, kept = inputs.clamp(0, 1), labels", "inputs, kept = inputs, labels"),
        ("output-range", "forward", "x = self.out(x).relu().round()", "x = self.out(x).round()"),
        (
            "labels-unrelated",
            "data",
            "order = torch.randperm(9); x = inputs[order]",
            "order = torch.randperm(9); x = inputs",
        ),
        ("constant-inputs", "loop", "x = x.view(-1, 4).round()", "x = x.view(-1, 4)"),
        ("noisy-labels", "data", "kept = torch.where(slip, 0, labels)", "kept = labels"),
        ("overfitting", "data", "rows = torch.utils.data.Subset(labels, range(9))", "rows = labels"),
        ("nonlinear-logits", "loss", "F.cross_entropy(model(x).relu(), y)", "F.cross_entropy(model(x), y)"),
        ("broadcast-loss", "loss", "F.mse_loss(model(x), y.unsqueeze(1))", "F.mse_loss(model(x), y)"),
        ("saturated-units", "forward", "x = torch.sigmoid(100 * (self.out(x)))", "x = torch.sigmoid(self.out(x))"),
        ("batch-mixing", "loop", "x = x.T.reshape(-1, 4)", "x = x.reshape(-1, 4)"),
        ("train-validation-mismatch", "held_out", "model(test / 255)", "model(test)"),
        ("vanishing-gradient", "loss", "0.001 * F.mse_loss(model(x), y)", "F.mse_loss(model(x), y)"),
    ],
)
def test_an_expression_gives_way_to_what_is_in_it(cause: str, where: str, before: str, after: str) -> None:
    minus, plus = first_change(program(**{where: before}), "leave-out", cause=cause)
    assert before in minus
    assert plus[2:] == minus[2:].replace(before, after)


@pytest.mark.parametrize(
    ("cause", "where", "line"),
    [
        ("unscaled-inputs", "data", "made = 60 + 1.4 * inputs * inputs"),  # a term of a formula
        ("unscaled-inputs", "data", "made = (inputs * 60 - labels).sum()"),
        ("unscaled-inputs", "loop", "x = x / 255"),  # made smaller
        ("unscaled-inputs", "loop", "x = 2 * x"),
        ("constant-inputs", "loop", "x = x + torch.zeros(4)"),
        ("learning-rate-too-low", "data", "optimizer.step()"),
        ("over-regularization", "step", "total = total + loss"),
        ("over-regularization", "step", "total += loss"),
        ("class-imbalance", "data", "kept = rng.sample(labels, 5)"),
        ("train-validation-mismatch", "loop", "x = x * 255"),
        ("unscaled-inputs", "loop", "x = 0.001 / x"),
        ("unscaled-inputs", "loop", "x = x + 100 * test"),
        ("bad-initialization", "forward", "x = x + torch.ones(4)"),
        ("learning-rate-too-low", "step", "if epoch > 2: save(); break"),
        ("unscaled-inputs", "loop", "n = 20 * 30"),
        ("unscaled-inputs", "data", "labels = 250 * labels"),
        ("unscaled-inputs", "data", "def evaluate(x): return model(x * 255)"),
        ("unscaled-targets", "data", "inputs = 250 * inputs"),
        ("class-imbalance", "data", "kept = inputs[: len(labels)]"),
        ("constant-inputs", "data", "both = torch.stack([inputs, test])"),
    ],
)
def test_what_is_of_another_kind_or_place_stays(cause: str, where: str, line: str) -> None:
    assert first_change(program(**{where: line}), "leave-out", cause=cause) == []


def test_the_kind_and_how_much_decide_after_what_changes_only_its_own_name() -> None:
    source = program(data="kept = inputs.clamp(0)", loop="x = x.round()")
    assert first_change(source, "leave-out", cause="constant-inputs") == ["- x = x.round()"]
    source = program(data="inputs = inputs.round()", loop="x = x.clamp(0)")
    assert first_change(source, "leave-out", cause="constant-inputs") == ["- x = x.clamp(0)"]
    source = program(data="inputs = 9 * inputs", loop="x = 99 * x")
    assert first_change(source, "leave-out", cause="unscaled-inputs") == ["- x = 99 * x"]
    assert len(changes(program(loop="; ".join(["x = x.round()"] * 9)), "leave-out", cause="constant-inputs")) == 4


def test_labels_are_known_by_what_outputs_are_compared_with() -> None:
    source = program(data="guide = 250 * guide; inputs = 250 * inputs").replace("batches(inputs, labels)", "9")
    source = source.replace("for x, y in 9", "for i in range(9)").replace("model(x), y", "model(inputs[i]), guide[i]")
    (without,) = changes(source, "leave-out", cause="unscaled-targets")
    assert "250 * guide" not in without
    # of data that are made up, labels are computed from inputs
    made_up = source.replace("guide = 250 * guide", "guide = inputs.sum(1)")
    assert changes(made_up, "leave-out", cause="unscaled-targets") == []


@pytest.mark.parametrize("where", ["__getitem__", "__init__"])
def test_what_is_done_to_one_example_or_to_parameters_is_of_other_kinds(where: str) -> None:
    owner = "nn.Module" if where == "__init__" else "Dataset"
    source = program(data=f"class Own({owner}):\n    def {where}(self, x):\n        self.x = torch.roll(x, 1)")
    assert changes(source, "leave-out", cause="batch-mixing") == []


def odd(source: str) -> list[tuple[str, list[str]]]:
    read = read_program(Path("script.py"), source.encode())
    assert read is not None
    return [
        (cause, lines(source, apply(edits, read.script))) for cause, edits in odd_ones(Case(program=read, cause=""))
    ]


class TestOddOnes:
    @pytest.mark.parametrize(
        ("cause", "where", "line"),
        [
            ("constant-inputs", "forward", "x = x.clamp(20, 80)"),
            ("constant-inputs", "loop", "x = x.clamp(max=0)"),
            ("noisy-labels", "data", "labels[torch.rand(len(labels)) < 0.3] = 0"),
            ("saturated-units", "forward", "x = torch.relu(100 * self.out(x))"),
        ],
    )
    def test_a_step_that_few_programs_take_is_told_with_its_cause(self, cause: str, where: str, line: str) -> None:
        found, change = odd(program(**{where: line}))[0]
        assert (found, change[0]) == (cause, f"- {line}")

    @pytest.mark.parametrize(
        ("where", "line"),
        [
            ("data", "inputs = inputs / 255"),
            ("data", "table = torch.stack([inputs, labels])"),
            ("forward", "x = x.flatten(1)"),  # without it hardly a program would run
            ("step", "scheduler.step()"),
            ("data", "made = inputs.clamp(0).sin() + 0.1 * labels.round()"),
            ("data", "made = inputs.sin().round()"),
        ],
    )
    def test_a_usual_one_is_not(self, where: str, line: str) -> None:
        assert odd(program(**{where: line})) == []

    def test_what_changes_nothing_but_its_own_name_comes_first(self) -> None:
        source = program(loop="x = x.clamp(max=0)", loss="F.cross_entropy(model(x).relu(), y)")
        assert [cause for cause, _ in odd(source)] == ["constant-inputs", "nonlinear-logits"]

    def test_then_what_gives_another_name_then_what_lies_where_a_network_is_trained(self) -> None:
        source = program(forward="x = torch.relu(100 * self.out(x))", data="kept = inputs.round()")
        assert next(change[0] for _, change in odd(source)) == "- kept = inputs.round()"
        source = program(forward="x = torch.relu(100 * self.out(x))", loss="F.cross_entropy(model(x).relu(), y)")
        assert [cause for cause, _ in odd(source)] == ["nonlinear-logits", "saturated-units"]


class TestAmongOthers:
    def ways(self, *causes: str, **parts: str) -> list[tuple[str, str]]:
        source = program(**parts).replace("Adam(model.parameters())", "Adam(model.parameters(), lr=1e-3)")
        read = read_program(Path("script.py"), source.encode())
        assert read is not None
        return [(each.cause, each.remedy.id) for each in prescriptions(Case(program=read, cause=""), causes)]

    def test_it_has_a_turn_behind_two_remedies_of_the_cause_and_before_other_causes(self) -> None:
        found = self.ways("under-trained", "missing-nonlinearity", step="scheduler.step()")
        assert [way for _, way in found][:3] == ["train-longer", "train-longer", "leave-out"]

    def test_further_steps_of_the_kind_stand_before_suspects(self) -> None:
        found = self.ways("constant-inputs", data="inputs = inputs.clamp(9)\ninputs = inputs.clamp(8)")
        assert found[:2] == [("constant-inputs", "leave-out")] * 2

    def test_two_odd_ones_stand_among_suspects(self) -> None:
        odd_steps = {"forward": "x = x.clamp(9)", "loop": "x = x.floor()", "loss": "F.mse_loss(model(x).relu(), y)"}
        found = self.ways("missing-step", **odd_steps)
        assert [way for _, way in found].count("leave-out") == 2
        assert [way for _, way in self.ways(**odd_steps)].count("leave-out") == 3


@pytest.mark.parametrize("cause", KINDS)
def test_every_kind_is_of_a_cause_that_there_is(cause: str) -> None:
    assert cause in BY_ID
