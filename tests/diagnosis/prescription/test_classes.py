"""Classes that are rare, and labels that are wrong."""

import pytest

from tests.diagnosis.prescription.changing import changes
from tests.diagnosis.prescription.programs import program, seen


class TestBalance:
    def test_by_the_targets_at_hand(self) -> None:
        source = program("x, y = load()").replace("nn.MSELoss()", "nn.CrossEntropyLoss()")
        first, second = changes(source, "balance", seen(counts=(90, 10)))
        assert "nn.CrossEntropyLoss(weight=1 / torch.bincount(y[:80]))\n" in first
        assert "nn.CrossEntropyLoss(weight=torch.bincount(y[:80]) ** -0.5)\n" in second

    def test_of_a_loss_that_the_function_is_handed_for_each_of_a_row(self) -> None:
        source = """
import torch, torch.nn as nn
def run(net, criterion, x, y, optimizer):
    for rows in torch.randperm(len(y)).split(8):
        loss = criterion(net(x[rows]).flatten(0, 1), y[rows].flatten())
        loss.backward()
        optimizer.step()
x, y = load()
net, measure = nn.Linear(4, 3), nn.CrossEntropyLoss()
for epoch in range(9):
    run(net, measure, x, y, torch.optim.Adam(net.parameters()))
    run(net, measure, x, y, torch.optim.Adam(net.parameters()))
"""
        found = changes(source, "balance", seen(counts=(90, 10)))
        assert "nn.CrossEntropyLoss(weight=1 / torch.bincount(y.flatten()))\n" in found[0]

    def test_of_a_functional_loss_by_what_was_seen(self) -> None:
        source = program("x, y = load()").replace(
            "criterion(model(xb), yb)", "nn.functional.cross_entropy(model(xb), yb)"
        )
        found = changes(source, "balance", seen(counts=(90, 10)))
        assert "nn.functional.cross_entropy(model(xb), yb, weight=torch.tensor([1.0, 9.0]))\n" in found[0]
        assert "nn.functional.cross_entropy(model(xb), yb, weight=torch.tensor([1.0, 3.0]))\n" in found[1]

    def test_of_yes_and_no(self) -> None:
        source = program("x, y = load()").replace("nn.MSELoss()", "nn.BCEWithLogitsLoss()")
        assert "pos_weight=(y[:80] == 0).sum() / (y[:80] == 1).sum())" in changes(source, "balance", seen())[0]

    def test_by_targets_that_are_no_tensor_yet(self) -> None:
        data = "def load():\n    return table, (np.random.rand(90) < 0.1).astype(int)\nx, y = load()"
        source = program(data).replace("y[:80])", "torch.from_numpy(y))").replace("MSELoss", "CrossEntropyLoss")
        found = changes(source, "balance", seen(counts=(90, 10)))
        assert "nn.CrossEntropyLoss(weight=1 / torch.bincount(torch.as_tensor(y)))\n" in found[0]
        assert "nn.CrossEntropyLoss(weight=torch.bincount(torch.as_tensor(y)) ** -0.5)\n" in found[1]

    def test_of_probabilities(self) -> None:
        source = program("x, y = load()").replace("nn.MSELoss()", "nn.BCELoss()")
        full, root = changes(source, "balance", seen(counts=(90, 10)))
        assert "nn.functional.binary_cross_entropy(model(xb), yb, weight=1 + 8 * yb)" in full
        assert "nn.functional.binary_cross_entropy(model(xb), yb, weight=1 + 2 * yb)" in root
        assert changes(source, "balance", seen(counts=(90, 0))) == []

    def test_a_sampler_that_nobody_uses(self) -> None:
        data = "x, y = load()\nsampler = torch.utils.data.WeightedRandomSampler(w, 80)"
        assert "batch_size=8, sampler=sampler)" in changes(program(data), "balance", seen())[0]


def test_wrong_labels_count_less() -> None:
    source = program("x, y = load()").replace("nn.MSELoss()", "nn.CrossEntropyLoss()")
    bounded, smoothed = changes(source, "clean-labels")
    nats = 'nn.functional.cross_entropy(model(xb), yb, reduction="none")'
    assert f"loss = (1 - (-{nats}).exp() ** 0.7).mean() / 0.7\n" in bounded
    assert "nn.CrossEntropyLoss(label_smoothing=0.2)\n" in smoothed


def test_wrong_labels_of_two_classes_count_less() -> None:
    source = program("x, y = load()").replace("nn.MSELoss()", "nn.BCEWithLogitsLoss()").replace("error", "val_loss")
    (bounded,) = changes(source, "clean-labels")
    assert "loss = nn.functional.mse_loss(model(xb).sigmoid(), yb)\n" in bounded
    assert "model.load_state_dict(best_weights)\n" in bounded


@pytest.mark.parametrize(
    ("loss", "bounded"),
    [
        ("NLLLoss", '(-nn.functional.nll_loss(model(xb), yb, reduction="none")).exp() ** 0.7).mean() / 0.7'),
        ("BCELoss", "nn.functional.mse_loss(model(xb), yb)"),
        ("MSELoss", "nn.functional.smooth_l1_loss(model(xb), yb)"),
    ],
)
def test_other_losses_bounded(loss: str, bounded: str) -> None:
    source = program("x, y = load()").replace("nn.MSELoss()", f"nn.{loss}()")
    assert bounded in changes(source, "clean-labels")[0]


def test_classes_weigh_in_a_loss_that_a_function_returns() -> None:
    defined = "x, y = load()\ndef criterion(out, target):\n    return nn.functional.cross_entropy(out, target)"
    source = program(defined).replace("criterion = nn.MSELoss()\n", "")
    full, root = changes(source, "balance", seen(counts=(30, 10)))
    assert "cross_entropy(out, target, weight=1 / torch.bincount(y[:80]))" in full
    assert "cross_entropy(out, target, weight=torch.bincount(y[:80]) ** -0.5)" in root


def test_answers_weigh_in_the_loss_of_a_code_among_what_else_it_adds_up() -> None:
    defined = """x, y = load()
def criterion(out, target, mean, log_variance):
    told = nn.functional.binary_cross_entropy_with_logits(out, target)
    code = -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).mean()
    return told + code, told"""
    source = program(defined).replace("criterion = nn.MSELoss()\n", "")
    source = source.replace(
        "loss = criterion(model(xb), yb)", "out, m, v = model(xb)\n        loss, told = criterion(out, yb, m, v)"
    )
    assert "criterion(out, yb, m, v)" in source
    history = seen(counts=(30, 10))
    assert "with_logits(out, target, pos_weight=" in changes(source, "balance", history)[0]
