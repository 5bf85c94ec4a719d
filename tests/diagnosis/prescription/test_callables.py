"""Functions are found under whichever name they are called."""

import ast
from pathlib import Path

import pytest

from gradus.diagnosis.prescription.callables import reaching
from gradus.diagnosis.prescription.prescribe import read_program
from tests.diagnosis.prescription.changing import first_change

HEAD = """
import argparse
from dataclasses import dataclass
from functools import partial
from typing import Callable
import torch
import torch.nn as nn
import torch.nn.functional as F

net = nn.Linear(4, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
def summed(out, y):
    return ((out - y) ** 2).sum()
def other(out, y):
    return (out - y).abs().mean()
"""
LOOP = """
for x, y in loader:
    loss = {}(net(x), y)
    loss.backward()
    optimizer.step()
"""
TRAINER = """
class Trainer:
    {}
    def __init__(self, loss_fn=None, cfg=None):
        self.loss_fn = loss_fn
        self.cfg = cfg
    def fit(self):
        for x, y in loader:
            loss = {}(net(x), y)
            loss.backward()
            optimizer.step()
"""
KEEPS = TRAINER.format("pass", "self.loss_fn")


class TestReached:
    @pytest.mark.parametrize(
        "program",
        [
            "crit = summed\n" + LOOP.format("crit"),
            "crit = partial(summed)\n" + LOOP.format("crit"),
            "crit = torch.compile(summed)\n" + LOOP.format("crit"),
            "crit = torch.jit.script(summed)\n" + LOOP.format("crit"),
            "crit = torch.func.vmap(summed)\n" + LOOP.format("crit"),
            "summed = torch.vmap(summed)\n" + LOOP.format("summed"),
            "def make(name):\n    return summed\ncrit = make('a')\n" + LOOP.format("crit"),
            "LOSSES = {'a': other, 'b': summed}\n" + LOOP.format("LOSSES['b']"),
            "LOSSES = {'a': other, 'b': summed}\ncrit = LOSSES.get('b')\n" + LOOP.format("crit"),
            "LOSSES = {'a': other, 'b': summed}\ncfg = {'loss': 'b'}\n" + LOOP.format("LOSSES[cfg['loss']]"),
            "LOSSES = dict(a=other, b=summed)\n" + LOOP.format("LOSSES['b']"),
            "flag = 1\nif flag: crit = summed\nelse: crit = other\n" + LOOP.format("crit"),
            KEEPS + "Trainer(loss_fn=summed).fit()\n",
            KEEPS + "Trainer(summed).fit()\n",
            TRAINER.format("loss_fn = staticmethod(summed)", "self.loss_fn").replace("self.loss_fn = loss_fn", "pass"),
            "@dataclass\nclass Cfg:\n    loss: Callable = summed\n" + TRAINER.format("pass", "self.cfg.loss")
            + "Trainer(cfg=Cfg()).fit()\n",
            "p = argparse.ArgumentParser()\np.add_argument('--loss', default='b')\nargs = p.parse_args()\n"
            "LOSSES = {'a': other, 'b': summed}\n" + LOOP.format("LOSSES[args.loss]"),
            "def fit(net, loss_fn):" + LOOP.format("loss_fn").replace("\n", "\n    ") + "\nfit(net, summed)\n",
            "LOSSES = {}\ndef register(name):\n    def enter(f):\n        LOSSES[name] = f\n        return f\n"
            "    return enter\n@register('c')\ndef third(out, y):\n    return other(out, y)\n"
            "@register('b')\ndef again(out, y):\n    return summed(out, y)\n" + LOOP.format("LOSSES['b']"),
        ],
    )  # fmt: skip
    def test_a_loss_under_another_name(self, program: str) -> None:
        assert first_change(HEAD + program, "mean-loss") == [
            "- return ((out - y) ** 2).sum()",
            "+ return ((out - y) ** 2).mean()",
        ]

    @pytest.mark.parametrize(
        "loss",
        [
            "sum(w * term(out, y) for w, term in [(1.0, summed), (0.1, other)])",
            "sum(term(out, y) for term in [summed, other])",
            "torch.stack([term(out, y) for term in TERMS]).mean()",
            "sum(term(out, y) for name, term in NAMED.items())",
            "sum(term(out, y) for term in NAMED.values())",
            "sum(w * term(out, y) for w, term in zip([1.0, 0.1], TERMS))",
            "sum(n * term(out, y) for n, term in enumerate(TERMS))",
        ],
    )
    def test_terms_in_a_list(self, loss: str) -> None:
        program = f"""
TERMS = [other, summed]
NAMED = {{"s": summed, "o": other}}
for x, y in loader:
    out = net(x)
    loss = {loss}
    loss.backward()
    optimizer.step()
"""
        assert first_change(HEAD + program, "mean-loss")[-1] == "+ return ((out - y) ** 2).mean()"

    def test_a_name_that_leads_back_to_itself_leads_nowhere(self) -> None:
        program = "from elsewhere import crit\ncrit = torch.compile(crit)\n" + LOOP.format("crit")
        assert first_change(HEAD + program, "mean-loss") == []

    def test_a_module_in_a_table(self) -> None:
        program = "LOSSES = {'a': nn.MSELoss(), 'b': nn.NLLLoss()}\n" + LOOP.format("LOSSES['b']")
        assert (
            first_change(HEAD + program, "fit-loss")[-1] == "+ LOSSES = {'a': nn.MSELoss(), 'b': nn.CrossEntropyLoss()}"
        )

    def test_a_lambda_in_a_table(self) -> None:
        program = "LOSSES = {'b': lambda out, y: ((out - y) ** 2).sum()}\n" + LOOP.format("LOSSES['b']")
        assert first_change(HEAD + program, "mean-loss")[-1].endswith("((out - y) ** 2).mean()}")

    def test_an_object_that_is_called(self) -> None:
        program = (
            "class Summed:\n    def __call__(self, out, y):\n        return (out - y).pow(2).sum()\n"
            "crit = Summed()\n" + LOOP.format("crit")
        )
        assert first_change(HEAD + program, "mean-loss")[-1] == "+ return (out - y).pow(2).mean()"

    def test_a_method_of_a_class_that_derives(self) -> None:
        program = """
class Base:
    def fit(self):
        for x, y in loader:
            loss = self.compute(net(x), y)
            loss.backward()
            optimizer.step()
class Own(Base):
    def compute(self, out, y):
        return ((out - y) ** 2).sum()
Own().fit()
"""
        assert first_change(HEAD + program, "mean-loss")[-1] == "+ return ((out - y) ** 2).mean()"


class TestOutput:
    @pytest.mark.parametrize(
        ("begin", "forward"),
        [
            ("self.act = torch.relu", "self.act(self.fc(x))"),
            ("self.act = ACTS[cfg['act']]", "self.act(self.fc(x))"),
            ("self.act = partial(F.relu)", "self.act(self.fc(x))"),
            ("self.act = MODULES[cfg['act']]()", "self.act(self.fc(x))"),
            ("self.act = act_cls()", "self.act(self.fc(x))"),
            ("self.fc, self.act = layer(cfg['act'])", "self.act(self.fc(x))"),
            ("self.act = getattr(F, 'relu')", "self.act(self.fc(x))"),
            ("self.act = getattr(nn, 'ReLU')()", "self.act(self.fc(x))"),
        ],
    )
    def test_an_activation_under_another_name_is_taken_away(self, begin: str, forward: str) -> None:
        program = (
            HEAD
            + f"""
ACTS = {{"tanh": torch.tanh, "relu": F.relu}}
MODULES = {{"tanh": nn.Tanh, "relu": nn.ReLU}}
cfg = {{"act": "relu"}}
def layer(act):
    return nn.Linear(4, 3), MODULES[act]()
class Net(nn.Module):
    def __init__(self, act_cls=nn.ReLU):
        super().__init__()
        self.fc = nn.Linear(4, 3)
        {begin}
    def forward(self, x):
        return {forward}
net = Net()
for x, y in loader:
    loss = F.cross_entropy(net(x), y)
    loss.backward()
    optimizer.step()
"""
        )
        assert first_change(program, "return-logits", cause="nonlinear-logits")[-1] == "+ return self.fc(x)"

    def test_a_function_kept_as_an_attribute_is_no_method_of_a_tensor(self) -> None:
        program = TRAINER.format("pass", "self.loss_fn") + "Trainer(F.nll_loss).fit()\n"
        assert first_change(HEAD + program, "fit-loss") == [
            "- loss = self.loss_fn(net(x), y)",
            "+ loss = F.cross_entropy(net(x), y)",
        ]

    @pytest.mark.parametrize("kept", ["F.softmax", "torch.softmax", "partial(F.softmax)"])
    def test_another_function_takes_its_place(self, kept: str) -> None:
        program = (
            HEAD
            + f"""
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 3)
        self.normalize = {kept}
    def forward(self, x):
        return self.normalize(self.fc(x), dim=-1)
net = Net()
for x, y in loader:
    loss = F.nll_loss(net(x), y)
    loss.backward()
    optimizer.step()
"""
        )
        assert first_change(program, "add-log")[-1] == "+ return torch.log_softmax(self.fc(x), dim=-1)"


def test_a_constructor_is_not_reached_from_within_itself() -> None:
    source = "class Net(Base):\n    def __init__(self):\n        super().__init__()\nnet = Net()\n"
    program = read_program(Path("script.py"), source.encode())
    assert program is not None
    begin = next(node for _, node in program.nodes() if isinstance(node, ast.FunctionDef))
    assert [ast.unparse(each.node) for each in reaching(program, begin)] == ["Net()"]
