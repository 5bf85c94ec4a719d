"""Layers that a model does not know, parts that are frozen, and graphs that are cut."""

import re
from typing import Any

import numpy as np
import pytest
import torch

from gradus.diagnosis.history import History
from gradus.diagnosis.signs import LoopSigns
from tests.diagnosis.prescription.changing import changes, first_change


def net(begin: str, forward: str = "return x") -> str:
    return f"""
import torch
import torch.nn as nn
import torch.nn.functional as F
import numpy as np

def block(width):
    return nn.Sequential(nn.Linear(width, width), nn.ReLU())

class Net(nn.Module):
    def __init__(self, width=8, depth=3):
        super().__init__()
        self.encoder = nn.Linear(4, width)
        {begin}

    def forward(self, x):
        {forward}

model = Net()
"""


class TestRegister:
    @pytest.mark.parametrize(
        ("begin", "expected"),
        [
            (
                "self.layers = [nn.Linear(width, width) for _ in range(depth)]",
                "self.layers = nn.ModuleList([nn.Linear(width, width) for _ in range(depth)])",
            ),
            (
                "self.layers = [block(width), block(width)]",
                "self.layers = nn.ModuleList([block(width), block(width)])",
            ),
            (
                "self.layers = tuple(block(width) for _ in range(2))",
                "self.layers = nn.ModuleList(tuple(block(width) for _ in range(2)))",
            ),
            (
                'self.heads = {"a": nn.Linear(width, 2), "b": nn.Linear(width, 3)}',
                'self.heads = nn.ModuleDict({"a": nn.Linear(width, 2), "b": nn.Linear(width, 3)})',
            ),
            (
                "self.layers = []\n        for _ in range(depth): self.layers.append(nn.Linear(width, width))",
                "self.layers = nn.ModuleList()",
            ),
            (
                "layers = []\n        layers += [nn.Linear(8, 8), nn.ReLU()]\n        self.layers = layers",
                "self.layers = nn.ModuleList(layers)",
            ),
            (
                "self.gains = [nn.Parameter(torch.ones(3)) for _ in range(2)]",
                "self.gains = nn.ParameterList([nn.Parameter(torch.ones(3)) for _ in range(2)])",
            ),
            (
                "self.scale = torch.ones(width, requires_grad=True)",
                "self.scale = nn.Parameter(torch.ones(width))",
            ),
            ("self.w = torch.randn(4, width).requires_grad_()", "self.w = nn.Parameter(torch.randn(4, width))"),
            (
                "self.w = torch.randn(4, width)\n        self.w.requires_grad = True",
                "self.w = nn.Parameter(torch.randn(4, width))",
            ),
            ("self.w = nn.Parameter(torch.randn(4, 8)) * 0.02", "self.w = nn.Parameter(torch.randn(4, 8) * 0.02)"),
            (
                "self.w = [torch.zeros(4, requires_grad=True) for _ in range(2)]",
                "self.w = nn.ParameterList([nn.Parameter(torch.zeros(4)) for _ in range(2)])",
            ),
        ],
    )
    def test_layers_are_kept_where_the_model_knows_them(self, begin: str, expected: str) -> None:
        assert f"        {expected}\n" in changes(net(begin), "register")[0]

    @pytest.mark.parametrize(
        "begin",
        [
            "self.sizes = [width, width]",
            "self.layers = nn.ModuleList([nn.Linear(width, width)])",
            "self.names = ['a', 'b']",
            "self.losses = {'ce': F.cross_entropy}",
            "self.heads = {0: nn.Linear(width, 2)}",
        ],
    )
    def test_other_lists_are_left(self, begin: str) -> None:
        assert changes(net(begin), "register") == []

    def test_a_class_that_makes_layers_becomes_a_module(self) -> None:
        source = net("self.head = Head(width)", "return self.head(x)") + (
            "\nclass Head:\n    def __init__(self, width):\n        self.out = nn.Linear(width, 2)\n\n"
            "    def __call__(self, x):\n        return self.out(x)\n"
        )
        found = changes(source, "register")[-1]
        assert "class Head(nn.Module):\n    def __init__(self, width):\n        super().__init__()\n" in found
        assert "    def forward(self, x):\n        return self.out(x)\n" in found

    @pytest.mark.parametrize(
        "kept",
        [
            "self.width = width",
            "self.out = nn.Linear(width, 2)\n        self.optimizer = torch.optim.SGD(self.out.parameters(), 0.1)",
        ],
    )
    def test_classes_that_make_no_layers_or_train_them_stay(self, kept: str) -> None:
        source = f"\nclass Trainer:\n    def __init__(self, width):\n        {kept}\n"
        assert changes(net("pass") + source, "register") == []

    def test_a_layer_made_in_each_pass_is_made_once(self) -> None:
        found = changes(net("self.width = width", "return nn.Linear(self.width, 2)(x)"), "register")[0]
        assert "        self.width = width\n        self.linear = nn.Linear(self.width, 2)\n" in found
        assert "        return self.linear(x)\n" in found


def frozen(*places: str) -> History:
    return History(loop=LoopSigns(frozen=0.5, frozen_places=tuple(f"Net:{each}" for each in places)))


class TestUnfreeze:
    @pytest.mark.parametrize(
        "statement",
        [
            "model.encoder.requires_grad_(False)",
            "for p in model.encoder.parameters():\n    p.requires_grad = False",
            "for p in model.encoder.parameters():\n    p.requires_grad_(False)",
            'for name, p in model.named_parameters():\n    if "encoder" in name:\n        p.requires_grad = False',
            "model.encoder.weight.requires_grad = False",
        ],
    )
    def test_what_freezes_goes(self, statement: str) -> None:
        source = net("pass") + statement + "\ntrain(model)\n"
        assert changes(source, "unfreeze", frozen("encoder.weight"))[0] == net("pass") + "train(model)\n"

    def test_layers_learned_elsewhere_that_hold_a_model_up_are_let_learn(self) -> None:
        source = net("pass") + "model.encoder.requires_grad_(False)\nmodel.other.requires_grad_(False)\ntrain(model)\n"
        kept = History(loop=LoopSigns(kept=0.6, kept_places=("Net:encoder.weight",)))
        assert first_change(source, "unfreeze", kept) == ["- model.encoder.requires_grad_(False)"]

    @pytest.mark.parametrize("flag", ['name.startswith("head")', '"head" in name', "not name"])
    def test_what_freezes_by_name_lets_all_learn(self, flag: str) -> None:
        source = net("pass") + f"for name, p in model.named_parameters():\n    p.requires_grad = {flag}\n"
        assert first_change(source, "unfreeze", frozen("encoder.weight"))[-1] == "+ p.requires_grad = True"
        called = source.replace("requires_grad = ", "requires_grad_(").rstrip() + ")\n"
        assert first_change(called, "unfreeze", frozen("encoder.weight"))[-1] == "+ p.requires_grad_(True)"

    def test_a_function_that_freezes_is_not_called(self) -> None:
        source = net("pass") + (
            """
def freeze(module, flag):
    for p in module.parameters():
        p.requires_grad = flag

freeze(model.encoder, False)
freeze(model, True)
"""
        )
        assert first_change(source, "unfreeze", frozen("encoder.weight")) == ["- freeze(model.encoder, False)"]

    def test_first_what_was_found_frozen(self) -> None:
        source = net("pass") + "teacher.requires_grad_(False)\nmodel.encoder.requires_grad_(False)\n"
        assert first_change(source, "unfreeze", frozen("encoder.weight")) == ["- model.encoder.requires_grad_(False)"]

    def test_the_optimizer_of_a_head_takes_all(self) -> None:
        source = net("self.head = nn.Linear(8, 2)") + (
            "model.encoder.requires_grad_(False)\noptimizer = torch.optim.Adam(model.head.parameters())\n"
        )
        assert "torch.optim.Adam(model.parameters())" in changes(source, "unfreeze", frozen("encoder.weight"))[0]

    def test_pretrained_embeddings_learn(self) -> None:
        source = net("self.table = nn.Embedding.from_pretrained(torch.randn(9, 4))")
        assert "from_pretrained(torch.randn(9, 4), freeze=False)" in changes(source, "unfreeze", frozen("table"))[-1]
        made = "self.user = nn.Embedding.from_pretrained({})\n        self.item = nn.Embedding.from_pretrained({})"
        both = net(made.format("torch.randn(9, 4)", "torch.eye(3), True"))
        for found in (changes(both, "unfreeze"), changes(both, "unfreeze", frozen("user.weight", "item.weight"))):
            assert found[0] == net(made.format("torch.randn(9, 4), freeze=False", "torch.eye(3), False"))
        kept = History(loop=LoopSigns(kept=0.9, kept_places=("Net:item.weight",)))
        for one in (frozen("item.weight"), kept):
            first, _ = changes(both, "unfreeze", one)
            assert first == net(made.format("torch.randn(9, 4)", "torch.eye(3), False"))


class TestKeepGraph:
    def test_a_copy_that_is_kept_stays_one(self) -> None:
        source = net(
            "pass", "h = self.encoder(x)\n        self.seen = h.detach().numpy()\n        "
            "return torch.from_numpy(self.seen)"
        )  # fmt: skip
        assert first_change(source, "keep-graph") == ["- return torch.from_numpy(self.seen)", "+ return h"]

    @pytest.mark.parametrize(("name", "made"), [("self.seen", "self.encoder(x)"), ("seen", "x")])
    def test_a_copy_is_none_where_nothing_else_has_a_name_for_it_or_nothing_keeps_it(
        self, name: str, made: str
    ) -> None:
        source = net("pass", f"{name} = {made}.detach().numpy()\n        return torch.from_numpy({name})")
        kept = source.replace(".detach().numpy()", "").replace(f"torch.from_numpy({name})", name)
        assert changes(source, "keep-graph")[0] == kept

    @pytest.mark.parametrize(
        ("forward", "expected"),
        [
            ("return self.head(self.encoder(x).detach())", "return self.head(self.encoder(x))"),
            ("h = self.encoder(x)\n        h = h.detach()\n        return h", "h = self.encoder(x)\n        return h"),
            ("return self.head(self.encoder(x).data)", "return self.head(self.encoder(x))"),
            (
                "h = x\n        for _ in range(9):\n            h = self.encoder(h.data.clone())\n        return h",
                "h = x\n        for _ in range(9):\n            h = self.encoder(h.clone())\n        return h",
            ),
            (
                "with torch.no_grad():\n            h = self.encoder(x)\n            h = F.relu(h)\n        return h",
                "h = self.encoder(x)\n        h = F.relu(h)\n        return h",
            ),
            (
                "return self.head(torch.from_numpy(np.tanh(self.encoder(x).detach().cpu().numpy())))",
                "return self.head(torch.tanh(self.encoder(x)))",
            ),
            (
                "h = self.encoder(x).detach().numpy()\n        h = np.concatenate([h])\n        return torch.tensor(h)",
                "h = self.encoder(x)\n        h = torch.cat([h])\n        return h",
            ),
        ],
    )
    def test_gradients_pass_through_a_module(self, forward: str, expected: str) -> None:
        found = changes(net("self.head = nn.Linear(8, 2)", forward), "keep-graph")
        assert net("self.head = nn.Linear(8, 2)", expected) in found

    @pytest.mark.parametrize(
        ("by_numpy", "by_torch"),
        [
            ("np.abs(np.fft.rfft(h, axis=1)).astype(np.float32)", "torch.abs(torch.fft.rfft(h, axis=1)).float()"),
            ("np.linalg.norm(h, axis=1, keepdims=True)", "torch.linalg.norm(h, axis=1, keepdims=True)"),
            ("np.einsum('ij,ij->i', h, h)", "torch.einsum('ij,ij->i', h, h)"),
            ("np.max(h, axis=1).astype('float32')", "torch.amax(h, axis=1).float()"),
            ("np.maximum(h, 0)", "torch.clamp(h, min=0)"),
            ("np.minimum(h, 0.5)", "torch.clamp(h, max=0.5)"),
            ("np.maximum(h, h)", "torch.maximum(h, h)"),
            ("np.maximum(*h[:2])", "torch.maximum(*h[:2])"),
            ("np.power(h, 2)", "torch.pow(h, 2)"),
            ("np.sin(h).astype(float)", "torch.sin(h).double()"),
            ("h * np.array([1.0, 2.0, -1.0, 0.5])", "h * torch.tensor([1.0, 2.0, -1.0, 0.5])"),
            ("np.array([h, h])", "torch.stack([h, h])"),
            ("np.array([each for each in h])", "torch.stack([each for each in h])"),
            ("np.maximum.reduceat(h, s)", "torch.stack([part.amax(0) for part in h.tensor_split(list(s[1:]))])"),
            ("np.add.reduceat(h, s)", "torch.stack([part.sum(0) for part in h.tensor_split(list(s[1:]))])"),
        ],
    )
    def test_what_numpy_computes_torch_does(self, by_numpy: str, by_torch: str) -> None:
        forward = "h = self.encoder(x)\n        return torch.from_numpy({})"
        away = re.sub(r"\bh\b", "h.detach().numpy()", by_numpy)
        assert changes(net("pass", forward.format(away)), "keep-graph")[0] == net(
            "pass", f"h = self.encoder(x)\n        return {by_torch}"
        )
        h = torch.randn(5, 4, dtype=torch.float64)
        place: dict[str, Any] = {"np": np, "torch": torch, "h": h.numpy(), "s": np.array([0, 2, 3])}
        exec(f"expected = {by_numpy}", place)
        place["h"] = h
        exec(f"found = {by_torch}", place)
        torch.testing.assert_close(place["found"], torch.from_numpy(place["expected"]), rtol=1e-5, atol=1e-6)

    @pytest.mark.parametrize(
        "by_numpy",
        [
            "np.unwrap(h)",
            "np.linalg.outer(h, h)",
            "np.maximum.reduceat(h, s, 0)",
            "np.maximum.reduceat(h, s, axis=0)",
            "np.maximum.reduceat(h + h, s)",
            "np.array(h)",
            "np.array(1.0 - h)",
            "np.array([h, 1.0])",
            "np.array([[h, h], [h, h]])",
            'np.array([h, h], "float32")',
            'np.array([h, h], dtype="float32")',
            "h.astype(np.int64)",
            "h.astype(dtype=np.float32)",
            "h.view(np.float32)",
        ],
    )
    def test_no_gradient_is_handed_to_numpy(self, by_numpy: str) -> None:
        away = re.sub(r"\bh\b", "h.detach().numpy()", by_numpy)
        forward = f"h = self.encoder(x)\n        return torch.from_numpy({away})"
        assert changes(net("pass", forward), "keep-graph") == []

    @pytest.mark.parametrize("gather", ["seen.append({})", "seen += [{}]", "seen.insert(0, {})"])
    def test_what_is_gathered_for_the_output_keeps_its_graph(self, gather: str) -> None:
        forward = "seen = []\n        for each in x:\n            {}\n        return self.head(torch.stack(seen))"
        cut, kept = (forward.format(gather.format(f"self.encoder(each){end}")) for end in (".detach()", ""))
        assert changes(net("pass", cut), "keep-graph")[0] == net("pass", kept)

    def test_a_decorated_method_computes_gradients(self) -> None:
        source = net("pass").replace("    def forward", "    @torch.no_grad()\n    def forward")
        assert changes(source, "keep-graph")[0] == net("pass")

    @pytest.mark.parametrize(
        ("statements", "change"),
        [
            ("loss = F.mse_loss(out.detach(), y)", "+ loss = F.mse_loss(out, y)"),
            ("loss = torch.tensor(F.mse_loss(out, y).item(), requires_grad=True)", "+ loss = F.mse_loss(out, y)"),
            ("loss = torch.tensor(float(F.mse_loss(out, y)), requires_grad=True)", "+ loss = F.mse_loss(out, y)"),
            ("loss = F.mse_loss(out.data, y).requires_grad_()", "+ loss = F.mse_loss(out, y).requires_grad_()"),
        ],
    )
    def test_the_loss_of_the_loop_is_what_was_computed(self, statements: str, change: str) -> None:
        source = net("pass") + f"for x, y in batches:\n    out = model(x)\n    {statements}\n    loss.backward()\n"
        assert change in first_change(source, "keep-graph")

    @pytest.mark.parametrize(
        ("cut", "kept"),
        [
            (
                "out = out.clone().detach()\n    return F.mse_loss(out, y)",
                "out = out.clone()\n    return F.mse_loss(out, y)",
            ),
            ("return F.mse_loss(out.data * 2, y)", "return F.mse_loss(out * 2, y)"),
            (
                "with torch.no_grad():\n        return F.mse_loss(model(x), y)",
                "return F.mse_loss(model(x), y)",
            ),
        ],
    )
    def test_what_the_functions_of_the_loss_call_and_what_only_draws_comes_last(self, cut: str, kept: str) -> None:
        def source(body: str) -> str:
            return net("pass", "return self.encoder(x)") + (
                "@torch.no_grad()\ndef draw():\n    x = torch.randn(8, 4)\n"
                "    return x, torch.multinomial(model(x).softmax(1), 1)\n\n"
                f"def error(out, x, y):\n    {body}\n\n"
                "def objective():\n    x, y = draw()\n    return error(model(x), x, y)\n\n"
                "for step in range(9):\n    loss = objective()\n    loss.backward()\n"
            )

        assert changes(source(cut), "keep-graph")[0] == source(kept)

    @pytest.mark.parametrize(
        ("decided", "open_"),
        [
            ("(torch.sigmoid(out) > 0.5).float()", "torch.sigmoid(out)"),
            ("(out > 0).to(torch.float32)", "torch.sigmoid(out)"),
            ("torch.round(out.sigmoid())", "out.sigmoid()"),
            ("out.softmax(1).round()", "out.softmax(1)"),
            ("(x > 0.5).float() * out", None),  # of the data
            ("torch.tanh(out).round()", None),
            ("(torch.sigmoid(out) > 0.5).any() * out", None),
        ],
    )
    def test_a_decision_on_the_way_to_the_loss_stays_a_probability(self, decided: str, open_: str | None) -> None:
        def source(said: str) -> str:
            loss = f"out = model(x)\n    loss = 1 - ({said} * y).mean()\n    loss.requires_grad_(True)"
            network = net("pass", "return self.encoder(x)")
            return f"{network}for x, y in batches:\n    {loss}\n    loss.backward()\nright = (model(x) > 0).float()\n"

        found = changes(source(decided), "keep-graph")
        assert found[:1] == ([source(open_)] if open_ is not None else [])

    @pytest.mark.parametrize(
        "forward",
        [
            "return x + (self.quantize(x) - x).detach()",
            "return self.head(self.encoder(x))",
            "h = self.encoder(x)\n        self.seen.append(h.detach())\n        return self.head(h)",
            "log = []\n        log.append(self.encoder(x).mean().item())\n        return torch.tensor(log)",
        ],
    )
    def test_straight_through_estimates_and_what_is_only_watched_are_left(self, forward: str) -> None:
        assert changes(net("self.head = nn.Linear(8, 2)", forward), "keep-graph") == []

    def test_outputs_that_were_collected_as_numbers(self) -> None:
        source = net("pass") + (
            "def predict(model, samples):\n    outs = []\n    for each in samples:\n"
            "        outs.append(model(each).item())\n    return torch.tensor(outs, requires_grad=True)\n\n"
            "for x, y in batches:\n    loss = F.mse_loss(predict(model, x), y)\n    loss.backward()\n"
        )
        assert first_change(source, "keep-graph") == [
            "- outs.append(model(each).item())",
            "+ outs.append(model(each).squeeze())",
            "- return torch.tensor(outs, requires_grad=True)",
            "+ return torch.stack(outs)",
        ]

    def test_a_number_that_got_a_name_first(self) -> None:
        source = net("pass") + (
            "for x, y in batches:\n    value = F.mse_loss(model(x), y).item()\n"
            "    loss = torch.tensor(value, requires_grad=True)\n    loss.backward()\n"
        )
        assert changes(source, "keep-graph")[0].endswith(
            "    value = F.mse_loss(model(x), y)\n    loss = value\n    loss.backward()\n"
        )

    def test_a_stack_of_numpy_arrays_made_a_tensor(self) -> None:
        forward = (
            "h = self.encoder(x)\n        h = np.stack([each.detach().numpy() for each in h])\n"
            "        h = torch.from_numpy(h)\n        return h"
        )
        kept = "h = self.encoder(x)\n        h = torch.stack([each for each in h])\n        return h"
        assert changes(net("pass", forward), "keep-graph")[0] == net("pass", kept)

    def test_reports_and_totals_are_left(self) -> None:
        source = net("pass") + (
            "for x, y in batches:\n    loss = F.mse_loss(model(x), y)\n    loss.backward()\n    total += loss.item()\n"
        )
        assert changes(source, "keep-graph") == []
