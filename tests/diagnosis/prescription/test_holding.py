"""What an optimizer holds, written in several ways."""

import pytest

from gradus.diagnosis.history import History
from tests.diagnosis.prescription.changing import changes, first_change
from tests.diagnosis.prescription.test_loop import HEAD


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

    def test_is_made_before_training_where_it_is_not_known_what_makes_weights_anew(self) -> None:
        source = """
import torch
model = build()
optimizer = torch.optim.Adam(model.parameters())
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 3)
for layer in model.modules():
    layer.weight = fresh(layer)
print("ready")
for x, y in batches:
    loss.backward()
    optimizer.step()
"""
        moved = source.split("\n")[3:5]
        expected = source.replace("\n".join(moved) + "\n", "").replace("for x", "\n".join([*moved, "for x"]))
        assert changes(source, "remake-optimizer") == [expected]
        # nothing was done to the model in between, or the optimizer was used by then
        assert changes(source.replace("model.modules()", "others"), "remake-optimizer") == []
        assert changes(source.replace('print("ready")', "optimizer.zero_grad()"), "remake-optimizer") == []

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
        part = source.partition("student")[0].replace("model.parameters()", "model.body.parameters()")
        assert changes(part, "remake-optimizer") == []
        unknown = source.replace("Adam(model.parameters()", "Adam(chosen")
        assert changes(unknown.format("copy.deepcopy(model)"), "remake-optimizer") == []
        looped = source.replace("train(student, optimizer", "for optimizer in make(): train(student, optimizer")
        assert changes(looped.format("copy.deepcopy(model)"), "remake-optimizer") == []
        for call in ("student, make(), second", "student, None, second", "optimizer=optimizer, batches=second"):
            other = source.replace("student, optimizer, second", call)
            assert changes(other.format("copy.deepcopy(model)"), "remake-optimizer") == []
        both = source.replace("criterion(net(x), y)", "criterion(net(x), model(x))")
        assert changes(both.format("copy.deepcopy(model)"), "remake-optimizer") == []

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
        ("given", "expected"),
        [
            ('[{"params": some, "weight_decay": 0.1}]', "for p in model.parameters() if id(p) not in held"),
            ("model.head.parameters()", "torch.optim.Adam(model.parameters())"),
            ("some", "torch.optim.Adam(model.parameters())"),
        ],
    )
    def test_holds_the_whole_of_a_model_that_is_kept_under_another_name(self, given: str, expected: str) -> None:
        source = f"""
import torch
class Trainer:
    def __init__(self, model):
        self.model = model
        some = [p for n, p in model.named_parameters() if n.endswith(".weight")]
        self.optimizer = torch.optim.Adam({given})
    def epoch(self):
        for x, y in batches:
            loss_fn(self.model(x), y).backward()
            self.optimizer.step()
Trainer(torch.nn.GRU(1, 8)).epoch()
"""
        assert expected in changes(source, "hold-all")[0]

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


NET = """
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(4, 4)
        self.head = nn.Linear(4, 2)
    def picked(self):
        return self.head.parameters()
    def grow(self):
        self.head = nn.Linear(4, 3)
    def forward(self, x):
        return self.head(self.body(x))
model = Net()
"""
TRAIN = """
for x, y in batches:
    loss = nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""


class TestPicked:
    @pytest.mark.parametrize(
        ("made", "expected"),
        [
            (
                (
                    "def some(m):\n    return [p for n, p in m.named_parameters() if 'head' in n]\n"
                    "optimizer = torch.optim.Adam(some(model), lr=1e-3)"
                ),
                "+ optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)",
            ),
            (
                (
                    "params = []\nfor name in ('head',):\n    params.extend(getattr(model, name).parameters())\n"
                    "optimizer = torch.optim.SGD(params, lr=1e-3)"
                ),
                "+ optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)",
            ),
            (
                "optimizer = torch.optim.Adam(model.picked(), lr=1e-3)",
                "+ optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)",
            ),
            (
                "optimizer = getattr(torch.optim, 'Adam')(model.head.parameters(), lr=1e-3)",
                "+ optimizer = getattr(torch.optim, 'Adam')(model.parameters(), lr=1e-3)",
            ),
            (
                "CLASSES = {'adam': torch.optim.Adam}\noptimizer = CLASSES['adam'](model.head.parameters(), lr=1e-3)",
                "+ optimizer = CLASSES['adam'](model.parameters(), lr=1e-3)",
            ),
        ],
    )
    def test_all_of_the_model_takes_the_place_of_what_was_picked(self, made: str, expected: str) -> None:
        assert expected in first_change(NET + made + TRAIN, "hold-all")

    def test_all_of_itself_where_a_model_makes_its_optimizer(self) -> None:
        making = "def optimizer(self):\n        return torch.optim.Adam({}.parameters(), lr=1e-3)\n    def grow(self)"
        source = NET.replace("def grow(self)", making) + "optimizer = model.optimizer()" + TRAIN
        found = changes(source.replace("{}", "self.head"), "hold-all")[0]
        assert found == source.replace("{}", "self")

    @pytest.mark.parametrize(
        "made",
        [
            (
                "groups = []\nfor name in ('head',):\n    part = getattr(model, name)\n"
                "    groups.append({'params': list(part.parameters()), 'lr': 0.1})\noptimizer = torch.optim.SGD(groups)"
            ),
            (
                "def groups(m):\n    return [{'params': m.head.parameters(), 'lr': 0.1}]\n"
                "optimizer = torch.optim.SGD(groups(model))"
            ),
            "optimizer = torch.optim.SGD([{'params': model.head.parameters(), 'lr': 0.1}])",
        ],
    )
    def test_the_rest_is_a_group_at_the_rate_of_the_first(self, made: str) -> None:
        assert first_change(NET + made + TRAIN, "hold-all") == [
            '+ held = {id(p) for group in optimizer.param_groups for p in group["params"]}',
            (
                '+ optimizer.add_param_group({"params": [p for p in model.parameters() if id(p) not in held], '
                '"lr": optimizer.param_groups[0]["lr"]})'
            ),
        ]

    def test_models_that_no_group_has_become_groups(self) -> None:
        centers = (
            "class Centers(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.centers = nn.Parameter(torch.randn(2, 2))\n"
            "    def forward(self, out, y):\n        return (out - self.centers[y]).square().mean()\n"
            "pull, push, other = Centers(), Centers(), Centers()\n"
        )
        made = (
            "groups = [{'params': model.parameters()}]\noptimizer = torch.optim.Adam(groups, lr=1e-3)\n"
            "second = torch.optim.SGD(other.parameters(), lr=0.1)"
        )
        train = TRAIN.replace(
            "(model(x), y)\n", "(model(x), y) + pull(model(x), y) - push(model(x), y) + other(x, y)\n"
        )
        text = '+ optimizer.add_param_group({{"params": [p for p in {}.parameters() if id(p) not in held]}})'
        held = '+ held = {id(p) for group in optimizer.param_groups for p in group["params"]}'
        expected = [held, text.format("pull"), held, text.format("push")]
        assert first_change(NET + centers + made + train, "hold-all") == expected
        both = "[{'params': pull.parameters()}, {'params': push.parameters()}, "
        assert changes(NET + centers + made.replace("groups = [", f"groups = {both}") + train, "hold-all") == []


class TestRemade:
    @pytest.mark.parametrize(
        "change",
        [
            "model.grow()",
            'setattr(model, "head", nn.Linear(4, 3))',
            "model.body.append(nn.Linear(4, 4))",
            "model.head = nn.Linear(4, 3)",
            "swap(model, 3)",
            "widen(model)",
        ],
    )
    def test_behind_what_gives_the_model_other_layers(self, change: str) -> None:
        made = "optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)\n"
        swap = "def swap(m, n):\n    m.head = nn.Linear(4, n)\ndef widen(m):\n    swap(m, 9)\n"
        source = f"{NET}{swap}{made}{change}{TRAIN}"
        assert f"{swap}{change}\n{made.strip()}{TRAIN}" in changes(source, "remake-optimizer")[0]
        by_function = source.replace(made, "optimizer = make(model)\n").replace(
            swap, f"{swap}def make(net):\n    return torch.optim.Adam(net.parameters())\n"
        )
        assert f"\n{change}\noptimizer = make(model){TRAIN}" in changes(by_function, "remake-optimizer")[0]

    @pytest.mark.parametrize(
        "change",
        [
            "model.head.reset_parameters()",
            "model.steps = 3",
            "model.names.append('head')",
            "setattr(model, 'steps', 3)",
            "setattr(other, 'head', nn.Linear(4, 3))",
            "others.append(nn.Linear(4, 3))",
            "print(model)",
        ],
    )
    def test_not_where_the_layers_stay(self, change: str) -> None:
        source = f"{NET}optimizer = torch.optim.Adam(model.parameters())\n{change}{TRAIN}"
        assert changes(source, "remake-optimizer") == []

    def test_made_before_as_well_where_it_may_not_come_to_it(self) -> None:
        source = f"{NET}optimizer = torch.optim.Adam(model.parameters())\nif wide:\n    model.grow(){TRAIN}"
        assert first_change(source, "remake-optimizer") == ["+ optimizer = torch.optim.Adam(model.parameters())"]

    @pytest.mark.parametrize(
        ("rate", "expected"),
        [
            ("0.1", ["+ self.opt = torch.optim.SGD(self.model.parameters(), 0.1)"]),
            (
                "lr",
                [
                    '+ held = {id(p) for group in self.opt.param_groups for p in group["params"]}',
                    '+ self.opt.add_param_group({"params": [p for p in self.model.parameters() if id(p) not in held]})',
                ],
            ),
        ],
    )
    def test_in_another_method_of_its_holder(self, rate: str, expected: list[str]) -> None:
        source = f"""{NET}
class Run:
    def __init__(self, lr):
        self.model = Net()
        self.opt = torch.optim.SGD(self.model.parameters(), {rate})
    def fit(self):
        self.model.grow()
        for x, y in batches:
            self.model(x).sum().backward()
            self.opt.step()
"""
        assert first_change(source, "remake-optimizer") == expected
        outside = source.replace("        self.model.grow()\n", "") + "run = Run(0.1)\nrun.model.grow()\nrun.fit()\n"
        assert first_change(outside, "remake-optimizer") == [
            each.replace("self.", "run.") for each in expected if rate == "0.1"
        ]
