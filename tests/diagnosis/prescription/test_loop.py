"""What a loop forgets to call, written in several ways."""

import pytest

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

    def test_comes_into_the_loop_over_batches_behind_what_clips(self) -> None:
        source = (
            HEAD
            + """
for epoch in range(9):
    for x, y in batches:
        optimizer.zero_grad()
        criterion(model(x), y).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1)
    optimizer.step()
    scheduler.step()
"""
        )
        assert changes(source, "call-step")[0].endswith("(), 1)\n        optimizer.step()\n    scheduler.step()\n")
        for plain in (
            source.replace("    optimizer.step()", "        optimizer.step()"),
            source.replace("for x, y in batches:", "if batches:"),
        ):
            assert changes(plain, "call-step") == []

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


class TestSeveralOptimizers:
    PLAYERS = """
import torch
one, other = torch.nn.Linear(4, 4), torch.nn.Linear(4, 4)
{made}
for x in batches:
    {cleared}
    loss = (other(one(x)) - x).pow(2).mean()
    loss.backward()
    {stepped}
"""

    def test_the_one_that_never_steps_does(self) -> None:
        made = "a = torch.optim.Adam(one.parameters())\nb = torch.optim.Adam(other.parameters())"
        source = self.PLAYERS.format(made=made, cleared="a.zero_grad(), b.zero_grad()", stepped="b.step()")
        assert changes(source, "call-step")[0].endswith("    b.step()\n    a.step()\n")
        both = self.PLAYERS.format(made=made, cleared="a.zero_grad(), b.zero_grad()", stepped="a.step(), b.step()")
        assert changes(both, "call-step") == []
        turns = both.replace("a.zero_grad(), b.zero_grad()", "for opt in (a, b):\n        opt.zero_grad()")
        assert first_change(turns.replace("a.step(), ", ""), "call-step") == ["+ a.step()"]
        turns = both.replace("a.step(), b.step()", "for opt in (a, b):\n        opt.step()")
        assert changes(turns, "call-step") == []

    @pytest.mark.parametrize(
        ("rounds", "expected"),
        [
            (
                "a.zero_grad()\n    x.backward()\n    b.zero_grad()\n    y.backward()\n    b.step()",
                "x.backward()\n    a.step()\n    b.zero_grad()",
            ),
            (
                "b.zero_grad()\n    x.backward()\n    b.step()\n    a.zero_grad()\n    y.backward()",
                "y.backward()\n    a.step()\n",
            ),
            ("x.backward()\n    b.step()\n    y.backward()", "y.backward()\n    a.step()\n"),
        ],
    )
    def test_it_steps_behind_the_pass_it_is_cleared_for(self, rounds: str, expected: str) -> None:
        made = "a = torch.optim.Adam(one.parameters())\nb = torch.optim.Adam(other.parameters())"
        source = f"import torch\n{made}\nfor x, y in batches:\n    {rounds}\n"
        assert expected in changes(source, "call-step")[0]

    @pytest.mark.parametrize(("a", "b"), [('"a"', '"b"'), ("'a'", "'b'"), ("0", "1")])
    def test_it_is_found_in_a_dictionary(self, a: str, b: str) -> None:
        made = f"opts = {{{a}: torch.optim.Adam(one.parameters()), {b}: torch.optim.Adam(other.parameters())}}"
        source = self.PLAYERS.format(made=made, cleared="[each.zero_grad() for each in opts.values()]", stepped="{}")
        assert first_change(source.replace("{}", f"opts[{b}].step()"), "call-step") == [f"+ opts[{a}].step()"]
        looped = source.replace("{}", "for each in opts.values():\n        each.step()")
        assert changes(looped, "call-step") == []
        named = source.replace(f"{{{a}:", "{one:")
        assert changes(named.replace("{}", f"opts[{b}].step()"), "call-step") == []
        unknown = source.replace(made, "opts = optimizers(one, other)")
        assert changes(unknown.replace("{}", f"opts[{b}].step()"), "call-step") == []

    def test_all_of_a_list_step(self) -> None:
        made = "opts = [torch.optim.Adam(one.parameters()), torch.optim.Adam(other.parameters())]"
        source = self.PLAYERS.format(made=made, cleared="for opt in opts:\n        opt.zero_grad()", stepped="pass")
        assert first_change(source, "call-step") == ["+ for opt in opts:", "+ opt.step()"]
        each = self.PLAYERS.replace("    ", "        ").replace("for x", "for opt in opts:\n    for x")
        source = each.format(made=made, cleared="opt.zero_grad()", stepped="pass")
        assert first_change(source, "call-step") == ["+ opt.step()"]


class TestByHand:
    @pytest.mark.parametrize(
        "update",
        [
            "w -= 0.1 * w.grad",
            "w += -0.1 * w.grad",
            "w.data.sub_(0.1 * w.grad)",
            "w.data.add_(w.grad, alpha=-0.1)",
            "w.copy_(w - 0.1 * w.grad)",
            "w.data = w.data - 0.1 * w.grad.data",
        ],
    )
    def test_the_gradient_is_cleared_behind_the_update(self, update: str) -> None:
        source = f"""
import torch
w = torch.randn(4, requires_grad=True)
for x, y in batches:
    loss = (x @ w - y).pow(2).mean()
    loss.backward()
    with torch.no_grad():
        {update}
"""
        assert first_change(source, "zero-grad") == ["+ w.grad = None"]
        assert changes(f"{source}    w.grad.zero_()\n", "zero-grad") == []
        assert changes(f"{source}    w.grad = None\n", "zero-grad") == []
        assert changes(f"{source}    w.grad.data.zero_()\n", "zero-grad") == []
        assert changes(source.replace("w.grad", "x"), "zero-grad") == []

    def test_where_it_is_changed(self) -> None:
        source = "import torch\ndef descend(w, rate):\n    loss(w).backward()\n    w.data -= rate * w.grad\n"
        assert first_change(f"{source}def other():\n    optimizer.zero_grad()\n", "zero-grad") == ["+ w.grad = None"]

    def test_an_optimizer_of_the_program_leaves_it_to_the_loop(self) -> None:
        source = "class Descent:\n    def step(self):\n        for w in self.weights:\n            w.data -= w.grad\n"
        assert changes(f"import torch\n{source}", "zero-grad") == []


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

    @pytest.mark.parametrize("made", ["np.random.default_rng({})", "torch.Generator().manual_seed({})"])
    def test_of_a_generator_come_from_torch(self, made: str) -> None:
        source = f"""
import numpy as np
import torch
class Noisy:
    def __getitem__(self, i):
        rng = {made.format(0)}
        return self.x[i] + noise(rng)
"""
        assert "+ rng = " + made.format("torch.randint(2**31, ()).item()") in first_change(source, "seed-once")

    def test_once_before_training_are_left(self) -> None:
        source = "import torch\ndef main():\n    torch.manual_seed(0)\n    train()\nmain()\n"
        assert changes(source, "seed-once") == []

    @pytest.mark.parametrize(
        ("seed", "options", "expected"),
        [
            ("0", "", "torch.initial_seed() % 2**32"),
            ("SEED", "", "torch.initial_seed() % 2**32"),
            ("SEED + worker", "", "torch.initial_seed() % 2**32"),
            ("np.random.get_state()[1][0] + worker", "", "torch.initial_seed() % 2**32"),
            ("0", ", persistent_workers=True", "torch.initial_seed() % 2**32"),
            ("worker", ", persistent_workers=True", ""),
            ("torch.initial_seed() % 2**32", "", ""),
            ("torch.utils.data.get_worker_info().seed % 2**32", "", ""),
        ],
    )
    @pytest.mark.parametrize("drawing", ["np.random.randn()", "self.rng.normal()"])
    def test_of_workers_differ(self, seed: str, options: str, expected: str, drawing: str) -> None:
        source = f"""
import numpy as np
import torch
from torch.utils.data import DataLoader
SEED = 1
class Noisy:
    def __getitem__(self, i):
        return self.x[i] + {drawing}
def begin(worker):
    np.random.seed({seed})
loader = DataLoader(Noisy(), num_workers=2, worker_init_fn=begin{options})
"""
        changed = [source.replace(f"np.random.seed({seed})", f"np.random.seed({expected})")]
        assert changes(source, "seed-once") == (changed if expected and "np" in drawing else [])
