"""Modes of a model, and layers that go by neither."""

import pytest

from gradus.diagnosis.history import History
from tests.diagnosis.prescription.changing import changes, first_change

NET = """
import torch
import torch.nn as nn
import torch.nn.functional as F

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 2)

    def forward(self, x):
        return self.fc(x)

model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
"""


class TestTraining:
    @pytest.mark.parametrize(
        ("loop", "expected"),
        [
            pytest.param(
                """
for epoch in range(9):
    for x, y in batches:
        loss = F.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
    evaluate(model)
""",
                ["+ model.train()"],
                id="missing",
            ),
            pytest.param(
                """
model.train()
for epoch in range(9):
    for x, y in batches:
        loss = F.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
    model.eval()
""",
                ["- model.train()", "+ model.train()"],
                id="before the epochs",
            ),
            pytest.param(
                """
for epoch in range(9):
    model.eval()
    for x, y in batches:
        loss = F.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
""",
                ["- model.eval()", "+ model.train()"],
                id="the wrong one",
            ),
            pytest.param(
                """
for epoch in range(9):
    model.train(False)
    for x, y in batches:
        loss = F.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
""",
                ["- model.train(False)", "+ model.train()"],
                id="turned off",
            ),
            pytest.param(
                """
for epoch in range(9):
    model.train
    for x, y in batches:
        F.mse_loss(model(x), y).backward()
        optimizer.step()
""",
                ["- model.train", "+ model.train()"],
                id="not called",
            ),
        ],
    )
    def test_is_in_training_mode(self, loop: str, expected: list[str]) -> None:
        assert first_change(NET + loop, "train-mode", cause="training-in-eval-mode") == expected

    @pytest.mark.parametrize(
        "mode", ["def rest():\n    model.eval()", "def rest():\n    for each in (model,):\n        each.eval()"]
    )
    def test_is_set_again_in_a_loop_that_evaluates_itself(self, mode: str) -> None:
        source = NET + (
            f"""
{mode}

def check():
    rest()
    with torch.no_grad():
        return model(held_out)

for step in range(100):
    if step % 10 == 0:
        check()
    x, y = draw()
    loss = F.mse_loss(model(x), y)
    loss.backward()
    optimizer.step()
"""
        )
        assert "    x, y = draw()\n    model.train()\n    loss = " in changes(source, "train-mode")[0]

    def test_of_a_trainer_and_of_a_function(self) -> None:
        trainer = """
class Trainer:
    def epoch(self):
        for x, y in self.loader:
            loss = self.criterion(self.model(x), y)
            loss.backward()
            self.optimizer.step()
"""
        assert first_change(trainer, "train-mode") == ["+ self.model.train()"]
        function = """
def train(net, loader, optimizer):
    for x, y in loader:
        loss = criterion(net(x), y)
        loss.backward()
        optimizer.step()
"""
        assert "    net.train()\n    for x, y in loader:" in changes(function, "train-mode")[0]

    def test_a_teacher_without_gradients_stays_as_it_is(self) -> None:
        source = """
def train(model, teacher, loader, optimizer):
    for x, y in loader:
        with torch.no_grad():
            wanted = teacher_net(x)
        loss = criterion(model(x), wanted)
        loss.backward()
        optimizer.step()
"""
        assert first_change("import torch\n" + source, "train-mode") == ["+ model.train()"]


class TestEvaluation:
    @pytest.mark.parametrize(
        ("source", "expected"),
        [
            pytest.param(
                """
for epoch in range(9):
    model.train()
    for x, y in batches:
        F.mse_loss(model(x), y).backward()
        optimizer.step()
    with torch.no_grad():
        print(model(held_out))
""",
                ["+ model.eval()"],
                id="block",
            ),
            pytest.param(
                """
@torch.inference_mode()
def accuracy(model, loader):
    hits = sum((model(x).argmax(1) == y).sum() for x, y in loader)
    return hits / len(loader)

for epoch in range(9):
    model.train()
    for x, y in batches:
        F.mse_loss(model(x), y).backward()
        optimizer.step()
    accuracy(model, held_out)
""",
                ["+ model.eval()"],
                id="decorated",
            ),
            pytest.param(
                """
def test(net):
    net.train()
    with torch.no_grad():
        return net(held_out)

for epoch in range(9):
    model.train()
    for x, y in batches:
        F.mse_loss(model(x), y).backward()
        optimizer.step()
    test(model)
""",
                ["- net.train()", "+ net.eval()"],
                id="the wrong one",
            ),
            pytest.param(
                """
def test(net):
    net.eval()
    with torch.no_grad():
        for x, y in held_out:
            net.train()
            hits += (net(x).argmax(1) == y).sum()
        net.train()

for epoch in range(9):
    model.train()
    for x, y in batches:
        F.mse_loss(model(x), y).backward()
        optimizer.step()
    test(model)
""",
                ["- net.train()", "+ net.eval()"],
                id="turned back on the way",
            ),
            pytest.param(
                """
for epoch in range(9):
    for x, y in batches:
        F.mse_loss(model(x), y).backward()
        optimizer.step()
    with torch.no_grad():
        model(held_out)
""",
                ["+ model.train()", "+ model.eval()"],
                id="training mode comes back",
            ),
            pytest.param(
                """
for phase in ["train", "val"]:
    model.train()
    for x, y in loaders[phase]:
        with torch.set_grad_enabled(phase == "train"):
            loss = F.mse_loss(model(x), y)
        if phase == "train":
            loss.backward()
            optimizer.step()
""",
                ["- model.train()", '+ model.train(phase == "train")'],
                id="phases",
            ),
        ],
    )
    def test_is_in_evaluation_mode(self, source: str, expected: list[str]) -> None:
        assert first_change(NET + source, "eval-mode", cause="evaluation-in-train-mode") == expected

    def test_nothing_is_said_where_it_is(self) -> None:
        source = """
for epoch in range(9):
    model.train()
    for x, y in batches:
        F.mse_loss(model(x), y).backward()
        optimizer.step()
    model.eval()
    total = 0
    with torch.no_grad():
        for x, y in held_out:
            total += F.mse_loss(model(x), y)
"""
        assert changes(NET + source, "eval-mode", cause="evaluation-in-train-mode") == []


class TestBatchNorm:
    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ("True", ["self.training"]),
            ("not self.frozen", ["self.training and (not self.frozen)"]),
            ("self.learns", ["self.training and self.learns"]),
            ("False", []),
            ("self.training and not self.frozen", []),
            ("training", []),
        ],
    )
    def test_goes_by_the_mode(self, given: str, expected: list[str]) -> None:
        code = "training = self.training\n        x = F.batch_norm(x, self.mean, self.var, training={})"
        source = NET.replace("return self.fc(x)", f"{code.format(given)}\n        return self.fc(x)")
        history = History()
        history.loop.always_normalizing = True
        found = changes(source, "eval-mode", cause="evaluation-in-train-mode", history=history)
        assert len(found) == len(expected)
        assert all(code.format(each) in change for each, change in zip(expected, found, strict=True))


class TestDropout:
    @pytest.mark.parametrize(
        ("call", "expected"),
        [
            ("F.dropout(x, 0.5)", "F.dropout(x, 0.5, training=self.training)"),
            ("F.dropout(x, p=0.5, training=True)", "F.dropout(x, p=0.5, training=self.training)"),
            ("F.dropout2d(x, 0.2, True)", "F.dropout2d(x, 0.2, self.training)"),
            ("torch.dropout(x, 0.5, train=True)", "torch.dropout(x, 0.5, train=self.training)"),
            ("nn.functional.dropout(x)", "nn.functional.dropout(x, training=self.training)"),
            (
                "F.scaled_dot_product_attention(x, x, x, dropout_p=0.1)",
                "F.scaled_dot_product_attention(x, x, x, dropout_p=0.1 if self.training else 0.0)",
            ),
            ("F.dropout(x, 0.5, not self.sure)", "F.dropout(x, 0.5, self.training and (not self.sure))"),
            ("nn.Dropout(0.5)(x)", "nn.Dropout(0.5).train(self.training)(x)"),
        ],
    )
    def test_drops_in_training_only(self, call: str, expected: str) -> None:
        source = NET.replace("return self.fc(x)", f"x = {call}\n        return self.fc(x)")
        assert f"x = {expected}\n" in changes(source, "pass-training")[0]

    def test_is_left_where_it_does_or_has_no_mode(self) -> None:
        right = NET.replace("self.fc(x)", "self.fc(F.dropout(x, 0.5, training=self.training))")
        assert changes(right, "pass-training") == []
        assert changes(NET + "y = F.dropout(x, 0.5)\n", "pass-training") == []


class TestFrozenStatistics:
    def test_a_frozen_trunk_is_in_evaluation_mode(self) -> None:
        source = """
import torch
trunk, head = build(), torch.nn.Linear(4, 2)
for p in trunk.parameters():
    p.requires_grad = False
for epoch in range(9):
    trunk.train()
    head.train()
    for x, y in batches:
        loss = criterion(head(trunk(x)), y)
        loss.backward()
"""
        assert first_change(source, "freeze-statistics") == ["- trunk.train()", "+ trunk.eval()"]

    def test_a_frozen_part_is_so_after_the_whole_was_set(self) -> None:
        source = """
import torch
model = build()
model.backbone.requires_grad_(False)
for epoch in range(9):
    model.train()
    for x, y in batches:
        criterion(model(x), y).backward()
"""
        assert "    model.train()\n    model.backbone.eval()\n" in changes(source, "freeze-statistics")[0]

    def test_so_are_norms_that_a_function_froze(self) -> None:
        source = """
import torch
def freeze(part):
    for p in part.parameters():
        p.requires_grad_(False)
class Trainer:
    def run(self):
        self.model.train()
        for x, y in batches:
            criterion(self.model(x), y).backward()
"""
        found = first_change(source, "freeze-statistics")
        assert found[0] == "+ for part in self.model.modules():"
        assert found[-1] == "+ part.eval()"
