"""What a loop forgets to call, and what its optimizer holds, written in several ways."""

import pytest

from gradus.diagnosis.signs import History
from tests.diagnosis.prescription.changing import changes, first_change, lines

HEAD = """
import torch
from torch import nn, optim

model = nn.Linear(4, 2)
optimizer = optim.SGD(model.parameters(), lr=0.1)
"""


class TestZeroGrad:
    @pytest.mark.parametrize(
        ("source", "expected"),
        [
            pytest.param(
                HEAD
                + """
for x, y in batches:
    loss = criterion(model(x), y)
    loss.backward()
    optimizer.step()
""",
                ["+ optimizer.zero_grad()"],
                id="missing",
            ),
            pytest.param(
                HEAD
                + """
for epoch in range(9):
    optimizer.zero_grad()
    for x, y in batches:
        nn.functional.mse_loss(model(x), y).backward()
        optimizer.step()
""",
                ["- optimizer.zero_grad()", "+ optimizer.zero_grad()"],
                id="in the wrong loop",
            ),
            pytest.param(
                HEAD
                + """
for i, (x, y) in enumerate(batches):
    loss = criterion(model(x), y) / 4
    loss.backward()
    if i % 4 == 3:
        optimizer.step()
""",
                ["+ optimizer.zero_grad()"],
                id="accumulation",
            ),
            pytest.param(
                HEAD
                + """
for x, y in batches:
    optimizer.zero_grad
    loss = criterion(model(x), y)
    loss.backward()
    optimizer.step()
""",
                ["- optimizer.zero_grad", "+ optimizer.zero_grad()"],
                id="not called",
            ),
            pytest.param(
                """
import torch
from torch import optim
lbfgs = optim.LBFGS(model.parameters())
def closure():
    loss = criterion(model(x), y)
    loss.backward()
    return loss
for _ in range(9):
    lbfgs.step(closure)
""",
                ["+ lbfgs.zero_grad()"],
                id="closure",
            ),
            pytest.param(
                """
class Trainer:
    def fit(self):
        for x, y in self.loader:
            loss = self.loss(self.model(x), y)
            loss.backward()
            self.optimizer.step()
""",
                ["+ self.optimizer.zero_grad()"],
                id="trainer",
            ),
            pytest.param(
                HEAD
                + """
def compute(x, y):
    loss = criterion(model(x), y)
    loss.backward()

for x, y in batches:
    compute(x, y)
    optimizer.step()
""",
                ["+ optimizer.zero_grad()"],
                id="backward in a function",
            ),
        ],
    )
    def test_gradients_are_cleared(self, source: str, expected: list[str]) -> None:
        assert first_change(source, "zero-grad") == expected

    def test_accumulated_gradients_are_cleared_after_the_step(self) -> None:
        source = (
            HEAD
            + """
for i, (x, y) in enumerate(batches):
    criterion(model(x), y).backward()
    if i % 4 == 3:
        optimizer.step()
"""
        )
        assert "        optimizer.step()\n        optimizer.zero_grad()\n" in changes(source, "zero-grad")[0]

    def test_both_players_are_cleared_before_their_own_pass(self) -> None:
        source = """
for x in batches:
    d_loss.backward()
    opt_d.step()
    g_loss.backward()
    opt_g.step()
"""
        assert first_change(source, "zero-grad") == ["+ opt_d.zero_grad()", "+ opt_g.zero_grad()"]

    def test_nothing_is_said_of_a_scheduler_or_a_game(self) -> None:
        source = """
for x in batches:
    loss.backward()
    scheduler.step()
    env.step(action)
"""
        assert changes(source, "zero-grad") == []


class TestStep:
    @pytest.mark.parametrize(
        ("source", "expected"),
        [
            pytest.param(
                HEAD
                + """
for x, y in batches:
    optimizer.zero_grad()
    loss = criterion(model(x), y)
    loss.backward()
    scheduler.step()
""",
                ["+ optimizer.step()"],
                id="missing",
            ),
            pytest.param(
                HEAD
                + """
scaler = torch.amp.GradScaler()
for x, y in batches:
    optimizer.zero_grad()
    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
""",
                ["+ scaler.step(optimizer)", "+ scaler.update()"],
                id="scaled and clipped",
            ),
            pytest.param(
                """
def train(model, loader, opt):
    for x, y in loader:
        loss = criterion(model(x), y)
        loss.backward()
""",
                ["+ opt.step()"],
                id="passed in",
            ),
            pytest.param(
                HEAD
                + """
for x, y in batches:
    loss.backward()
    optimizer.step
""",
                ["- optimizer.step", "+ optimizer.step()"],
                id="not called",
            ),
        ],
    )
    def test_the_optimizer_steps(self, source: str, expected: list[str]) -> None:
        assert first_change(source, "call-step") == expected

    def test_after_clipping(self) -> None:
        source = HEAD + "for x in batches:\n    loss.backward()\n    nn.utils.clip_grad_norm_(model.parameters(), 1)\n"
        assert changes(source, "call-step")[0].endswith("1)\n    optimizer.step()\n")

    def test_of_gradients_that_are_gathered_over_more_batches_than_there_are(self) -> None:
        source = (
            HEAD
            + """
EVERY = 64
for i, (x, y) in enumerate(batches):
    (criterion(model(x), y) / EVERY).backward()
    if (i + 1) % EVERY == 0:
        optimizer.step()
        optimizer.zero_grad()
"""
        )
        fewer, always = changes(source, "call-step")
        assert lines(source, fewer) == ["- EVERY = 64", "+ EVERY = 4"]
        assert always.endswith(".backward()\n    optimizer.step()\n    optimizer.zero_grad()\n")

    def test_under_a_remainder_that_there_is_not(self) -> None:
        source = (
            HEAD
            + """
every = {"steps": 4}
for i, (x, y) in enumerate(batches):
    criterion(model(x), y).backward()
    if i % every["steps"] == every["steps"]:
        optimizer.step()
        optimizer.zero_grad()
"""
        )
        assert first_change(source, "call-step") == [
            '- if i % every["steps"] == every["steps"]:',
            '+ if i % every["steps"] == every["steps"] - 1:',
        ]

    def test_without_a_condition_where_gradients_are_cleared_all_the_same(self) -> None:
        source = (
            HEAD
            + """
for i, (x, y) in enumerate(batches):
    optimizer.zero_grad()
    criterion(model(x), y).backward()
    if i % 1000 == 999:
        optimizer.step()
"""
        )
        assert first_change(source, "call-step") == [
            "- if i % 1000 == 999:",
            "- optimizer.step()",
            "+ optimizer.step()",
        ]


class TestOptimizer:
    def test_holds_the_model_that_runs_behind_where_that_is_made(self) -> None:
        source = """
import copy, torch
base = build()
optimizer = torch.optim.Adam(base.parameters(), lr=1e-2)
net = copy.deepcopy(base)
for x, y in batches:
    loss = criterion(net(x), y)
    loss.backward()
    optimizer.step()
"""
        assert first_change(source, "remake-optimizer") == [
            "- optimizer = torch.optim.Adam(base.parameters(), lr=1e-2)",
            "+ optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)",
        ]

    @pytest.mark.parametrize(
        ("rate", "expected"),
        [
            ("1e-2", "+ self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-2)"),
            ("lr", '+ self.optimizer.add_param_group({"params": self.model.parameters()})'),
        ],
    )
    def test_follows_a_model_that_another_method_makes(self, rate: str, expected: str) -> None:
        source = f"""
import torch
class Run:
    def __init__(self, lr):
        self.model = build()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr={rate})
    def reset(self):
        self.model = build()
    def train(self):
        for x, y in batches:
            loss = criterion(self.model(x), y)
            loss.backward()
            self.optimizer.step()
"""
        assert first_change(source, "remake-optimizer") == [expected]

    def test_is_made_after_the_model_was_made_anew_with_what_depends_on_it(self) -> None:
        source = """
import torch
model = build()
optimizer = torch.optim.Adam(model.parameters())
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 3)
print("made")
model.head = torch.nn.Linear(8, 2)
for x, y in batches:
    loss.backward()
    optimizer.step()
"""
        expected = """
import torch
model = build()
print("made")
model.head = torch.nn.Linear(8, 2)
optimizer = torch.optim.Adam(model.parameters())
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 3)
for x, y in batches:
    loss.backward()
    optimizer.step()
"""
        assert changes(source, "remake-optimizer")[0] == expected

    def test_is_made_again_for_a_copy_that_is_trained(self) -> None:
        source = """
import copy
import torch
def train(net, optimizer, batches):
    for x, y in batches:
        criterion(net(x), y).backward()
        optimizer.step()
model = torch.nn.Linear(4, 2)
optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
train(model, optimizer, first)
student = {}
train(student, optimizer, second)
"""
        assert first_change(source.format("copy.deepcopy(model)"), "remake-optimizer") == [
            "+ optimizer = torch.optim.Adam(student.parameters(), lr=0.1)"
        ]
        assert changes(source.format("model"), "remake-optimizer") == []

    def test_is_made_again_for_each_fold(self) -> None:
        source = """
import torch
model = Net()
optimizer = torch.optim.Adam(model.parameters())
for fold in range(3):
    model = Net()
    for x, y in batches:
        loss.backward()
        optimizer.step()
"""
        assert "    model = Net()\n    optimizer = torch.optim.Adam(" in changes(source, "remake-optimizer")[0]

    def test_is_left_where_the_model_only_moves(self) -> None:
        source = """
import torch
model = Net()
optimizer = torch.optim.Adam(model.parameters())
model = model.to("cpu")
for x, y in batches:
    model(x).sum().backward()
    optimizer.step()
"""
        assert changes(source, "remake-optimizer") == []

    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ("head.parameters()", "[*head.parameters(), *encoder.parameters()]"),
            ("list(head.parameters())", "[*list(head.parameters()), *encoder.parameters()]"),
            ("[*head.parameters()]", "[*head.parameters(), *encoder.parameters()]"),
            (
                '[{"params": head.parameters(), "lr": 0.1}]',
                '[{"params": head.parameters(), "lr": 0.1}, {"params": encoder.parameters()}]',
            ),
        ],
    )
    def test_holds_every_model_of_the_loop(self, given: str, expected: str) -> None:
        source = f"""
import torch
from torch import nn
encoder, head = nn.Linear(4, 4), nn.Linear(4, 2)
optimizer = torch.optim.Adam({given}, lr=1e-3)
for x, y in batches:
    loss = nn.functional.cross_entropy(head(encoder(x)), y)
    loss.backward()
    optimizer.step()
"""
        assert f"torch.optim.Adam({expected}, lr=1e-3)" in changes(source, "hold-all")[0]

    @pytest.mark.parametrize(
        "given", ["model.head.parameters()", '[p for n, p in model.named_parameters() if "bias" not in n]']
    )
    def test_holds_the_whole_model(self, given: str) -> None:
        source = f"""
import torch
model = torch.nn.Sequential()
optimizer = torch.optim.Adam({given}, lr=1e-3)
for x, y in batches:
    loss_fn(model(x), y).backward()
    optimizer.step()
"""
        assert "Adam(model.parameters(), lr=1e-3)" in changes(source, "hold-all")[0]

    @pytest.mark.parametrize(
        "picking",
        [
            'weights = [p for n, p in model.named_parameters() if "bias" not in n]\n    groups = [{"params": weights}]',
            'groups = [{"params": model.head.parameters(), "lr": 0.1}, {"params": model.body.parameters()}]',
            "groups = []\n    for p in model.parameters():\n        if p.dim() > 1:\n            groups.append(p)",
            "groups = group_parameters(model)",
        ],
    )
    def test_holds_the_rest_of_what_a_function_picks(self, picking: str) -> None:
        source = f"""
import torch
from torch import nn
def make(model):
    {picking}
    return torch.optim.AdamW(groups, lr=1e-3)

class Trainer:
    def __init__(self):
        self.model = nn.Sequential(nn.Linear(4, 4))
        self.optimizer = make(self.model)

    def fit(self, batches):
        for x, y in batches:
            nn.functional.mse_loss(self.model(x), y).backward()
            self.optimizer.step()
"""
        assert first_change(source, "hold-all") == [
            "- return torch.optim.AdamW(groups, lr=1e-3)",
            "+ optimizer = torch.optim.AdamW(groups, lr=1e-3)",
            '+ held = {id(p) for group in optimizer.param_groups for p in group["params"]}',
            '+ optimizer.add_param_group({"params": [p for p in model.parameters() if id(p) not in held]})',
            "+ return optimizer",
        ]

    @pytest.mark.parametrize("loss", ["self.loss(x, y)", "mse(self.predict(x), y)", "mse(self.b(self.encode(x)), y)"])
    def test_holds_models_that_run_in_methods(self, loss: str) -> None:
        source = f"""
import torch
from torch import nn
mse = nn.MSELoss()
class Pair:
    def __init__(self):
        self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 1)
        self.optimizer = torch.optim.Adam(self.{{}}.parameters())

    def encode(self, x):
        return self.a(x)

    def predict(self, x):
        return self.b(self.encode(x))

    def loss(self, x, y):
        return mse(self.predict(x), y)

    def fit(self, batches):
        for x, y in batches:
            {loss}.backward()
            self.optimizer.step()
"""
        for holds, lacks in ("ab", "ba"):
            expected = f"Adam([*self.{holds}.parameters(), *self.{lacks}.parameters()])"
            assert [expected in each for each in changes(source.format(holds), "hold-all")] == [True]

    def test_holds_what_a_method_runs_as_the_script_calls_it(self) -> None:
        source = """
import torch
from torch import nn
class Pair{}:
    def __init__(self):
        self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 1)

    def loss(self, x, y):
        return (self.b(self.a(x)) - y).square().mean()

pair = Pair()
optimizer = torch.optim.Adam(pair.a.parameters())
for x, y in batches:
    pair.loss(x, y).backward()
    optimizer.step()
"""
        for base, expected in (
            ("", "[*pair.a.parameters(), *pair.b.parameters()]"),
            ("(nn.Module)", "pair.parameters()"),
        ):
            assert [f"Adam({expected})" in each for each in changes(source.format(base), "hold-all")] == [True]

    def test_holds_no_model_that_a_function_keeps_to_itself(self) -> None:
        source = (
            HEAD
            + """
def compute(x, y):
    head = nn.Linear(2, 1)
    return criterion(head(model(x)), y)
for x, y in batches:
    compute(x, y).backward()
    optimizer.step()
"""
        )
        assert changes(source, "hold-all", History()) == []

    def test_is_left_where_it_holds_all(self) -> None:
        source = HEAD + "for x, y in batches:\n    criterion(model(x), y).backward()\n    optimizer.step()\n"
        assert changes(source, "hold-all", History()) == []


class TestSeeds:
    def test_leave_the_loop(self) -> None:
        source = """
import torch
for epoch in range(9):
    torch.manual_seed(0)
    train()
"""
        expected = """
import torch
torch.manual_seed(0)
for epoch in range(9):
    train()
"""
        assert changes(source, "seed-once")[0] == expected

    def test_leave_what_runs_for_each_example(self) -> None:
        source = """
import random
random.seed(0)
class Crops:
    def __getitem__(self, index):
        random.seed(0)
        return crop(self.images[index])
"""
        assert first_change(source, "seed-once") == ["- random.seed(0)"]

    def test_leave_a_function_that_the_loop_calls(self) -> None:
        source = """
import numpy as np
def augment(x):
    np.random.seed(1)
    return x + np.random.randn(*x.shape)
for x in batches:
    step(augment(x))
"""
        assert first_change(source, "seed-once") == ["- np.random.seed(1)"]

    def test_of_a_generator_come_from_torch(self) -> None:
        source = """
import numpy as np
import torch
class Noisy:
    def __getitem__(self, i):
        rng = np.random.default_rng(0)
        return self.x[i] + rng.normal()
"""
        assert "+ rng = np.random.default_rng(torch.randint(2**31, ()).item())" in first_change(source, "seed-once")

    def test_once_before_training_are_left(self) -> None:
        source = "import torch\ndef main():\n    torch.manual_seed(0)\n    train()\nmain()\n"
        assert changes(source, "seed-once") == []
