"""Norms, activations, residual connections, gates: exact changes of source written in several ways."""

import pytest

from gradus.diagnosis.signs import Examination, History, InputSigns, LossSigns, ModelFacts, ParameterSigns
from tests.diagnosis.prescription.changing import changes, first_change

HEAD = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"
EVALUATES = "\nmodel.eval()\n"
NET = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(4, 8)
        self.fc2 = nn.Linear(8, 2)
        self.act = nn.Sigmoid()

    def forward(self, x):
        {forward}
"""


def net(*forward: str) -> str:
    return NET.format(forward="\n        ".join(forward))


def batches(size: int, normalizations: int = 0) -> History:
    loss = LossSigns(value=1.0, kind="classes", batch=size)
    facts = ModelFacts(name="m", normalizations=normalizations)
    return History(examinations=[Examination(step=0, losses=(loss,))], models={"m": facts})


def normalized(source: str, size: int = 64, normalizations: int = 0) -> list[str]:
    return first_change(HEAD + source + EVALUATES, "normalize-layers", batches(size, normalizations))


@pytest.mark.parametrize(
    "forward",
    [
        ["return self.fc2(torch.sigmoid(self.fc1(x)))"],
        ["return self.fc2(self.act(self.fc1(x)))"],
        ["return self.fc2(self.fc1(x).sigmoid())"],
        ["x = self.fc1(x)", "x = F.relu(x)", "return self.fc2(x)"],
        ["x = F.dropout(F.relu(self.fc1(x)), 0.1)", "return self.fc2(x)"],
    ],
)
def test_a_norm_behind_a_layer_of_a_class(forward: list[str]) -> None:
    assert normalized(net(*forward)) == [
        "- self.fc1 = nn.Linear(4, 8)",
        "+ self.fc1 = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8))",
    ]


@pytest.mark.parametrize(
    ("source", "before", "after"),
    [
        (
            "m = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))",
            "nn.Linear(4, 8), ",
            "nn.Linear(4, 8), nn.BatchNorm1d(8), ",
        ),
        ("m = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU())", "3), ", "3), nn.BatchNorm2d(8), "),
        ("layers += [nn.Linear(n, w), nn.Tanh()]", "w), ", "w), nn.BatchNorm1d(w), "),
        (
            "fc = nn.Linear(4, 8)\nm = nn.Sequential(fc, nn.Tanh(), out)",
            "Sequential(fc, ",
            "Sequential(fc, nn.BatchNorm1d(8), ",
        ),
    ],
)
def test_a_norm_behind_an_item(source: str, before: str, after: str) -> None:
    line = source.splitlines()[-1]
    assert normalized(source) == [f"- {line}", f"+ {line.replace(before, after)}"]


def test_a_norm_on_lines_of_its_own() -> None:
    assert normalized("m = nn.Sequential(\n    nn.Linear(4, 8),\n    nn.ReLU(),\n)") == ["+ nn.BatchNorm1d(8),"]
    appended = "layers.append(nn.Linear(4, 8))\nlayers.append(nn.ReLU())"
    assert normalized(appended) == ["+ layers.append(nn.BatchNorm1d(8))"]


def test_small_batches_get_layer_norm() -> None:
    source = "m = nn.Sequential(nn.Linear(4, 8), nn.ReLU())"
    assert "nn.LayerNorm(8)" in normalized(source, size=4)[1]
    assert "nn.GroupNorm(1, 8)" in normalized("m = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU())", size=4)[1]


def test_without_a_mode_of_evaluation_no_batch_norm() -> None:
    source = HEAD + "m = nn.Sequential(nn.Linear(4, 8), nn.ReLU())"
    assert all("BatchNorm" not in each for each in changes(source, "normalize-layers", batches(64)))


def test_a_residual_branch_is_normalized() -> None:
    assert normalized(net("return x + self.fc2(F.relu(self.fc1(x)))")) == [
        "- return x + self.fc2(F.relu(self.fc1(x)))",
        "+ return x + F.layer_norm(self.fc2(F.relu(self.fc1(x))), x.shape[-1:])",
    ]


@pytest.mark.parametrize("source", ["m = nn.Linear(4, 2)", net("return self.fc2(self.fc1(x))"), "m = make()"])
def test_nothing_to_normalize(source: str) -> None:
    assert normalized(source) == []


def test_a_model_with_norms_gets_no_more() -> None:
    assert normalized("m = nn.Sequential(nn.Linear(4, 8), nn.ReLU())", normalizations=1) == []


# ---- activations ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "before", "after"),
    [
        ("m = nn.Sequential(nn.Linear(4, 8), nn.Sigmoid(), nn.Linear(8, 2))", "nn.Sigmoid()", "nn.ReLU()"),
        ("for _ in range(3):\n    layers += [nn.Linear(n, n), nn.Tanh()]", "nn.Tanh()", "nn.ReLU()"),
        (net("return self.fc2(torch.sigmoid(self.fc1(x)))"), "torch.sigmoid(", "torch.relu("),
        (net("return self.fc2(F.tanh(self.fc1(x)))"), "F.tanh(", "F.relu("),
        (net("return self.fc2(self.fc1(x).tanh())"), ".tanh()", ".relu()"),
        (net("return self.fc2(self.act(self.fc1(x)))"), "nn.Sigmoid()", "nn.ReLU()"),
        ("h = torch.sigmoid(x @ W1 + b1)\ny = h @ W2", "torch.sigmoid(", "torch.relu("),
    ],
)
def test_rectifiers_between_layers(source: str, before: str, after: str) -> None:
    line = next(each.strip() for each in source.splitlines() if before in each)
    assert first_change(HEAD + source, "swap-activation") == [f"- {line}", f"+ {line.replace(before, after)}"]


@pytest.mark.parametrize(
    "source",
    [
        "m = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1), nn.Sigmoid())",  # an output
        net("return torch.sigmoid(self.fc1(x))"),
        net("gate = torch.sigmoid(self.fc1(x)) * x", "return self.fc2(gate)"),
        net("h = torch.tanh(self.fc1(x) + self.fc2(h))", "return h"),  # a recurrent cell
        "model = nn.Linear(4, 1)\np = torch.sigmoid(model(x)) > 0.5",
        "m = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))",
    ],
)
def test_outputs_and_gates_stay(source: str) -> None:
    assert first_change(HEAD + source, "swap-activation") == []


def test_deep_stacks_begin_by_kaiming_too() -> None:
    weight = ParameterSigns(elements=64, matrix=True, weight=1.0, gradient=1.0)
    deep = History(examinations=[Examination(step=0, parameters={f"m:{n}.weight": weight for n in range(9)})])
    source = HEAD + "model = nn.Sequential(nn.Linear(4, 8), nn.Sigmoid(), nn.Linear(8, 2))"
    (changed,) = changes(source, "swap-activation", deep)
    assert "nn.ReLU()" in changed
    assert "kaiming_normal_" in changed


def test_leaky() -> None:
    assert first_change(HEAD + net("return self.fc2(F.relu(self.fc1(x)))"), "leaky") == [
        "- return self.fc2(F.relu(self.fc1(x)))",
        "+ return self.fc2(F.leaky_relu(self.fc1(x)))",
    ]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            "m = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 2))",
            ["- m = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 2))",
             "+ m = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))"],
        ),
        ("m = nn.Sequential(\n    nn.Linear(4, 8),\n    nn.Linear(8, 2),\n)", ["+ nn.ReLU(),"]),
        (
            "l = [nn.Linear(4, 8), nn.Linear(8, 2)]\nm = nn.Sequential(*l)",
            ["- l = [nn.Linear(4, 8), nn.Linear(8, 2)]", "+ l = [nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)]"],
        ),
        (
            net("return self.fc2(self.fc1(x))"),
            ["- return self.fc2(self.fc1(x))", "+ return self.fc2(self.act(self.fc1(x)))"],
        ),
        (net("x = self.fc1(x)", "return self.fc2(x)"), ["- x = self.fc1(x)", "+ x = self.act(self.fc1(x))"]),
        (
            net("return self.fc2(self.fc2(self.fc1(x)))"),
            ["- return self.fc2(self.fc2(self.fc1(x)))",
             "+ return self.fc2(self.act(self.fc2(self.act(self.fc1(x)))))"],
        ),
        (
            "m = nn.Sequential(nn.Linear(4, 8), nn.Identity(), nn.Linear(8, 2), nn.Sigmoid())",
            ["- m = nn.Sequential(nn.Linear(4, 8), nn.Identity(), nn.Linear(8, 2), nn.Sigmoid())",
             "+ m = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2), nn.Sigmoid())"],
        ),
        (
            net("return self.fc2(self.act(self.fc1(x)))").replace("nn.Sigmoid()", "nn.Identity()"),
            ["- self.act = nn.Identity()", "+ self.act = nn.ReLU()"],
        ),
        ("h = x @ W1 + b1\ny = h @ W2 + b2", ["- h = x @ W1 + b1", "+ h = torch.relu(x @ W1 + b1)"]),
    ],
)  # fmt: skip
def test_an_activation_between_layers(source: str, expected: list[str]) -> None:
    assert first_change(HEAD + source, "add-nonlinearity") == expected


@pytest.mark.parametrize(
    "source",
    [
        "m = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))",
        "m = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.0), nn.Linear(8, 2))",
        net("x = F.relu(self.fc1(x))", "return self.fc2(x)"),
        net("x = self.fc1(x)", "x = F.relu(x)", "return self.fc2(x)"),
        "layers = nn.ModuleList([nn.Linear(4, 8), nn.Linear(8, 2)])",  # their activations are where they are called
    ],
)
def test_layers_with_one_between_stay(source: str) -> None:
    assert first_change(HEAD + source, "add-nonlinearity") == []


@pytest.mark.parametrize(
    ("source", "line", "changed"),
    [
        ("h = torch.sigmoid(200.0 * x)", "200.0 * x", "1.0 * x"),
        ("SLOPE = 50\nh = torch.tanh(x * SLOPE)", "SLOPE = 50", "SLOPE = 1.0"),
        ("h = torch.sigmoid(x / 0.01)", "0.01", "1.0"),
    ],
)
def test_a_gentle_slope(source: str, line: str, changed: str) -> None:
    whole = next(each for each in source.splitlines() if line in each)
    found = changes(HEAD + source, "scale-inputs", None, "saturated-units")
    assert whole.replace(line, changed) in found[0].splitlines()


# ---- depth and time -------------------------------------------------------------------------------------------------


def deep(*made: str) -> str:
    return f"""
class Net(nn.Module):
    def __init__(self, w):
        super().__init__()
        self.layers = nn.ModuleList({made[0]})

    def forward(self, x):
        for layer in self.layers:
            x = torch.tanh(layer(x))
        return x
"""


def test_a_residual_connection() -> None:
    assert first_change(HEAD + deep("nn.Linear(w, w) for _ in range(9)"), "add-residual") == [
        "- x = torch.tanh(layer(x))",
        "+ x = x + 0.3 * torch.tanh(layer(x))",
    ]
    assert first_change(HEAD + deep("[nn.Linear(2, w), nn.Linear(w, w)]"), "add-residual") == []


BLOCKS = """
class Block(nn.Module):
    def __init__(self, w, v=None):
        super().__init__()
        self.fc = nn.Linear(w, v or w)

    def forward(self, x):
        {forward}

class Net(nn.Module):
    def __init__(self, w):
        super().__init__()
        self.blocks = {blocks}
        self.out = nn.Linear(w, 1)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.out(x)
"""
REPEATED = "nn.Sequential(*[Block(w) for _ in range(9)])"


@pytest.mark.parametrize(
    ("forward", "expected"),
    [
        ("return torch.tanh(self.fc(x))", ["return x + 0.3 * torch.tanh(self.fc(x))"]),
        ("return 2 * torch.tanh(self.fc(x))", ["return x + 0.3 * (2 * torch.tanh(self.fc(x)))"]),
        (
            "x = torch.tanh(self.fc(x))\n        return x",
            ["x_before = x", "x = torch.tanh(self.fc(x))", "return x_before + 0.3 * x"],
        ),
        ("return x + torch.tanh(self.fc(x))", []),
        ("skip = x\n        return torch.tanh(self.fc(x) + skip)", []),
        ("return F.max_pool1d(self.fc(x), 2)", []),
        ("return torch.tanh(self.fc(x)), x", []),
        ("if self.off:\n            return x\n        return torch.tanh(self.fc(x))", []),
    ],
)
@pytest.mark.parametrize(
    "blocks", [REPEATED, "nn.Sequential(Block(w), Block(w))", "nn.ModuleList(Block(w) for _ in range(9))"]
)
def test_a_residual_connection_past_stacked_blocks(blocks: str, forward: str, expected: list[str]) -> None:
    source = HEAD + BLOCKS.format(forward=forward, blocks=blocks)
    found = changes(source, "add-residual")
    changed = [source.replace(forward, "\n        ".join(expected))] if expected else []
    assert found == changed


@pytest.mark.parametrize(
    "blocks",
    [
        "Block(w)",
        "nn.Sequential(*[Block(w + n, w + n + 1) for n in range(9)])",
        "nn.Sequential(Block(w, 9), Block(9, w))",
    ],
)
def test_blocks_of_other_widths_have_none(blocks: str) -> None:
    source = BLOCKS.format(forward="return torch.tanh(self.fc(x))", blocks=blocks)
    assert changes(HEAD + source, "add-residual") == []


def test_rectifiers_between_stacked_blocks() -> None:
    source = BLOCKS.format(forward="return torch.tanh(self.fc(x))", blocks=REPEATED)
    trained = f"{source}\nmodel = Net(8)\nloss = model(x).mean()\nloss.backward()\n"
    assert "+ return torch.relu(self.fc(x))" in first_change(HEAD + trained, "swap-activation")
    assert first_change(HEAD + trained.replace("self.out(x)", "x"), "swap-activation") == []


def test_a_gated_recurrence() -> None:
    source = HEAD + "rnn = nn.RNN(4, 8, nonlinearity='relu', batch_first=True)"
    assert first_change(source, "gated", None, "vanishing-through-time") == [
        "- rnn = nn.RNN(4, 8, nonlinearity='relu', batch_first=True)",
        "+ rnn = nn.GRU(4, 8, batch_first=True)",
        "+ rnn.bias_hh_l0.data[8 : 2 * 8].fill_(4.0)",
    ]
    assert changes(source, "gated", None, "exploding-through-time") == [HEAD + "rnn = nn.GRU(4, 8, batch_first=True)"]


@pytest.mark.parametrize(
    "forward",
    [
        ["return torch.tanh(self.fc1(x) + self.fc2(h))"],
        ["for t in range(9):", "    h = torch.tanh(x[t] @ self.a + h @ self.b)", "return h"],
        ["for t in range(9):", "    h = torch.tanh(self.fc1(torch.cat([x[t], h], 1)))", "return h"],
    ],
)
def test_a_cell_written_by_hand_keeps_its_state(forward: list[str]) -> None:
    cell = net(*forward).replace("(self, x)", "(self, x, h)")
    line = next(each.strip() for each in cell.splitlines() if "tanh" in each)
    assert first_change(HEAD + cell, "gated", None, "vanishing-through-time") == [
        f"- {line}",
        f"+ {line.replace('torch.tanh', '0.9 * h + 0.1 * torch.tanh')}",
    ]


def test_a_state_that_grows_is_bounded() -> None:
    grows = net("for t in range(9):", "    h = h + torch.relu(self.fc1(x[t]))", "return h")
    assert first_change(HEAD + grows, "gated", None, "exploding-through-time") == [
        "- h = h + torch.relu(self.fc1(x[t]))",
        "+ h = 0.9 * h + 0.1 * torch.relu(self.fc1(x[t]))",
    ]
    assert first_change(HEAD + "rnn = nn.LSTM(4, 8)", "gated", None, "exploding-through-time") == []


def test_gates_that_are_there_begin_by_remembering() -> None:
    opened = ["+ rnn.bias_hh_l0.data[8 : 2 * 8].fill_(4.0)"]
    for kind in ("LSTM", "GRU"):
        assert first_change(HEAD + f"rnn = nn.{kind}(4, 8)", "gated", None, "vanishing-through-time") == opened
    shut = HEAD + "rnn = nn.LSTM(4, 8)\nrnn.bias_hh_l0.data[8:16].fill_(-3.0)"
    assert first_change(shut, "gated", None, "vanishing-through-time") == [
        "- rnn.bias_hh_l0.data[8:16].fill_(-3.0)",
        "+ rnn.bias_hh_l0.data[8:16].fill_(4.0)",
    ]


def test_a_squashed_state_is_integrated_by_tanh() -> None:
    cell = net("for t in range(9):", "    h = torch.sigmoid(self.fc1(x[t]) + self.fc2(h))", "return h")
    assert first_change(HEAD + cell, "gated", None, "vanishing-through-time") == [
        "- h = torch.sigmoid(self.fc1(x[t]) + self.fc2(h))",
        "+ h = 0.9 * h + 0.1 * torch.tanh(self.fc1(x[t]) + self.fc2(h))",
    ]


@pytest.mark.parametrize(
    ("made", "before", "after"),
    [
        ("nn.RNN(4, 8, batch_first=True)", "s, _ = self.rnn(x); return s[:, -1]", "s.amax(1)"),
        ("nn.RNN(4, 8, batch_first=True)", "s, _ = self.rnn(x); return s[:, -1, :]", "s.amax(1)"),
        ("nn.RNN(4, 8)", "s = self.rnn(x)[0]; return s[-1]", "s.amax(0)"),
        ("nn.LSTM(4, 8, batch_first=True)", "return self.rnn(x)[0][:, -1]", "self.rnn(x)[0].amax(1)"),
        ("nn.RNN(4, 8, batch_first=True)", "_, h = self.rnn(x); return h[-1]", "states.amax(1)"),
        ("nn.LSTM(4, 8, batch_first=True)", "s, (h, c) = self.rnn(x); return h.squeeze(0)", "s.amax(1)"),
        ("nn.RNN(4, 8, batch_first=True)", "s, _ = self.rnn(x); return s[-1]", ""),
        ("nn.RNN(4, 8, batch_first=True)", "s, h = self.rnn(x); return h[-1] + h.mean()", ""),
        ("nn.RNN(4, 8, batch_first=True, bidirectional=True)", "_, h = self.rnn(x); return h[-1]", ""),
    ],
)
def test_all_states_are_read(made: str, before: str, after: str) -> None:
    source = (
        f"{HEAD}class N(nn.Module):\n    def __init__(self):\n        self.rnn = {made}\n\n    def forward(self, x):\n"
    )
    source += "".join(f"        {line.strip()}\n" for line in before.split(";"))
    (*_, line) = first_change(source, "pool-over-time") or [""]
    assert line == (f"+ return {after}" if after else "")


# ---- activations that have names -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        ("ACT = nn.Sigmoid", "ACT = nn.ReLU"),
        ("def make(n, act=nn.Tanh, gate=nn.Sigmoid): ...", "def make(n, act=nn.ReLU, gate=nn.Sigmoid): ..."),
        ("m = Net(4, activation=torch.tanh)", "m = Net(4, activation=torch.relu)"),
        ("CONFIG = {'width': 4, 'activation': 'tanh'}", "CONFIG = {'width': 4, 'activation': 'relu'}"),
        ("parser.add_argument('--act', default='sigmoid')", "parser.add_argument('--act', default='relu')"),
        ("OUT = nn.Sigmoid", ""),
        ("m = nn.RNN(4, 8, nonlinearity='tanh')", ""),
        ("CONFIG = {'mode': 'tanh'}", ""),
    ],
)
def test_a_rectifier_by_name(line: str, changed: str) -> None:
    source = HEAD + "KNOWN = {'relu': nn.ReLU, 'tanh': nn.Tanh, 'sigmoid': nn.Sigmoid}\n" + line
    assert first_change(source, "swap-activation") == ([f"- {line}", f"+ {changed}"] if changed else [])


def test_a_word_that_the_program_does_not_know_stays() -> None:
    assert first_change(HEAD + "m = Net(activation='tanh')", "swap-activation") == []


def test_layers_of_an_enumerated_list() -> None:
    source = """
class N(nn.Module):
    def __init__(self):
        self.layers = nn.ModuleList([nn.Conv1d(4, 4, 3) for _ in range(8)])

    def forward(self, x):
        for i, layer in enumerate(self.layers):
            x = torch.sigmoid(layer(x))
        return x
"""
    assert first_change(HEAD + source, "swap-activation")[1] == "+ x = torch.relu(layer(x))"


# ---- graphs ---------------------------------------------------------------------------------------------------------


def test_neighbours_are_averaged() -> None:
    graph = net("return self.fc2(adj @ self.fc1(x))").replace("(self, x)", "(self, x, adj)")
    mean = "adj @ self.fc1(x) / adj.sum(-1, keepdim=True).clamp(min=1)"
    assert first_change(HEAD + graph, "normalize-layers", None, "exploding-gradient") == [
        "- return self.fc2(adj @ self.fc1(x))",
        f"+ return self.fc2({mean})",
    ]
    assert first_change(HEAD + graph, "normalize-layers", None, "vanishing-gradient") == []


def test_neighbours_of_a_graph_by_another_name_are_averaged() -> None:
    graph = net("return self.fc2(hears @ self.fc1(x))").replace("(self, x)", "(self, x, hears)")
    for shape, found in (((8, 50, 50), 2), ((8, 50, 4), 0)):
        history = taking((8, 50, 4), shape)
        assert len(first_change(HEAD + graph, "normalize-layers", history, "exploding-gradient")) == found


@pytest.mark.parametrize("pooled", ["self.fc1(x).sum(dim=1)", "torch.sum(self.fc1(x), 1)", "h.sum(1)"])
def test_points_of_a_set_are_averaged(pooled: str) -> None:
    source = HEAD + net("h = torch.tanh(self.fc1(x))", f"return self.fc2({pooled})")
    for cause in ("saturated-units", "exploding-gradient"):
        assert first_change(source, "normalize-layers", None, cause)[1] == (
            f"+ return self.fc2({pooled.replace('sum(', 'mean(')})"
        )


@pytest.mark.parametrize(
    "pooled", ["(mask * h).sum(1)", "h.sum(1) / 9", "h.sum()", "h.sum(0)", "h / mask.sum(1).clamp(min=1)"]
)
def test_sums_of_another_kind_stay(pooled: str) -> None:
    source = HEAD + net("mask = (x > 0).float()", "h = torch.tanh(self.fc1(x))", f"return self.fc2({pooled})")
    found = first_change(source, "normalize-layers", None, "saturated-units")
    assert not any("mean(" in each for each in found)


def test_layers_that_are_given_several_steps_get_layer_norm() -> None:
    history = taking((64, 50, 4))
    flat = net("return self.fc2(torch.relu(self.fc1(x.flatten(0, 1))))")
    steps = net("return self.fc2(torch.relu(self.fc1(x)))")
    filtered = "m = nn.Sequential(nn.Conv1d(50, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool1d(1))"
    for source, norm in ((steps, "LayerNorm"), (flat, "BatchNorm1d"), (filtered, "BatchNorm1d")):
        assert norm in first_change(HEAD + source + EVALUATES, "normalize-layers", history)[1]
    assert "LayerNorm" in normalized(steps + "words = nn.Embedding(9, 4)\n")[1]


def taking(*shapes: tuple[int, ...]) -> History:
    inputs = tuple(InputSigns(shape=each, mean=0.0, std=1.0, low=-3.0, high=3.0) for each in shapes)
    return History(examinations=[Examination(step=0, inputs=inputs)])


def test_other_norms_for_tiny_batches() -> None:
    source = HEAD + "m = nn.Sequential(nn.Conv2d(1, 32, 3), nn.BatchNorm2d(32), nn.Linear(9, 5), nn.BatchNorm1d(5))"
    (line,) = (each for each in changes(source, "group-norm")[0].splitlines() if "Sequential" in each)
    assert line == "m = nn.Sequential(nn.Conv2d(1, 32, 3), nn.GroupNorm(8, 32), nn.Linear(9, 5), nn.LayerNorm(5))"
    loader = HEAD + "from torch.utils.data import DataLoader\nd = DataLoader(x, batch_size=2)"
    assert first_change(loader, "group-norm") == [
        "- d = DataLoader(x, batch_size=2)",
        "+ d = DataLoader(x, batch_size=32)",
    ]
    assert first_change(HEAD + "m = nn.LayerNorm(4)", "group-norm") == []


def test_a_branch_that_has_a_name_is_normalized() -> None:
    source = net("h = self.fc2(torch.relu(self.fc1(x)))", "return x + h")
    assert normalized(source) == ["- return x + h", "+ return x + F.layer_norm(h, x.shape[-1:])"]


def test_a_layer_whose_weight_is_read_stays_a_layer() -> None:
    source = net("return self.fc2(torch.relu(self.fc1(x)))")
    assert normalized(source) != []
    assert normalized(source + "\nnn.init.kaiming_normal_(self.fc1.weight)") == []


def test_a_nonlinearity_behind_each_part_of_a_class() -> None:
    parts = (
        "class Part(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.fc, self.norm = nn.Linear(8, 8), nn.BatchNorm1d(8)\n\n"
        "    def forward(self, x):\n        return self.norm(self.fc(x))\nparts = [Part(), Part()]\n"
    )
    assert first_change(HEAD + parts, "add-nonlinearity") == [
        "- return self.norm(self.fc(x))",
        "+ return torch.relu(self.norm(self.fc(x)))",
    ]
    assert first_change(HEAD + parts.replace("[Part(), Part()]", "[Part()]"), "add-nonlinearity") == []


def test_branches_of_a_loop_count_less_where_signals_explode() -> None:
    source = deep("nn.Linear(w, w) for _ in range(3)").replace("x = torch.tanh(layer(x))", "h = h + F.relu(layer(h))")
    assert first_change(HEAD + source, "normalize-layers", None, "exploding-gradient") == [
        "- h = h + F.relu(layer(h))",
        "+ h = h + 0.1 * F.relu(layer(h))",
    ]


def test_what_makes_data_keeps_its_tanh() -> None:
    source = "y = torch.tanh(x @ w)\nm = nn.Sequential(nn.Linear(4, 8), nn.Sigmoid(), nn.Linear(8, 2))"
    assert [each[:3] for each in first_change(HEAD + source, "swap-activation")] == ["- m", "+ m"]


def test_a_cell_that_adds_up_states_is_bounded() -> None:
    cell = (
        "class Cell(nn.Module):\n    def forward(self, x, h):\n        return h + F.relu(self.inp(x) + self.rec(h))\n"
    )
    assert first_change(HEAD + cell, "gated", None, "exploding-through-time") == [
        "- return h + F.relu(self.inp(x) + self.rec(h))",
        "+ return 0.9 * h + 0.1 * F.relu(self.inp(x) + self.rec(h))",
    ]
    for given, carried in (("h", "h"), ("x, skip", "skip")):  # an input, and what is no state
        other = cell.replace("x, h)", f"{given})").replace("return h", f"return {carried}")
        assert first_change(HEAD + other, "gated", None, "exploding-through-time") == []


def test_residual_branches_begin_silent_or_count_less_where_signals_explode() -> None:
    source = net("y = self.fc2(torch.relu(self.fc1(x)))", "return torch.relu(x + y)")
    assert first_change(HEAD + source, "normalize-layers", None, "exploding-gradient") == [
        "- return torch.relu(x + y)",
        "+ return torch.relu(x + 0.1 * y)",
    ]
    assert first_change(HEAD + source, "initialize", None, "exploding-gradient") == [
        "+ nn.init.zeros_(self.fc2.weight)"
    ]
    assert first_change(HEAD + source, "initialize", None, "vanishing-gradient") == []


@pytest.mark.parametrize(
    ("last", "expected"), [("nn.Linear(8, 8)", ["+ nn.init.zeros_(self.body[-1].weight)"]), ("nn.ReLU()", [])]
)
def test_the_last_layer_of_a_branch_begins_at_zero(last: str, expected: list[str]) -> None:
    source = (
        f"class Block(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        f"        self.body = nn.Sequential(nn.Linear(8, 8), {last})\n\n"
        f"    def forward(self, x):\n        return x + self.body(x)\n"
    )
    assert first_change(HEAD + source, "initialize", None, "exploding-gradient") == expected


def test_a_nonlinearity_between_the_turns_of_a_loop() -> None:
    source = deep("nn.Linear(w, w) for _ in range(3)").replace("torch.tanh(layer(x))", "layer(x)")
    assert first_change(HEAD + source, "add-nonlinearity") == [
        "- x = layer(x)",
        "+ x = torch.relu(layer(x)) if layer is not self.layers[-1] else layer(x)",
    ]


LOOP = "layers = []\nfor a, b in sizes:\n    layers.append(nn.Linear(a, b))\n"
NORM = "    layers.append(nn.BatchNorm1d(b))\n"
WHOLE = "m = nn.Sequential(*layers)"
ADDED = "+ layers.append(nn.ReLU())"
BLOCK = "def block(a, b):\n    return nn.Sequential(nn.Linear(a, b), nn.BatchNorm1d(b))\n"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (f"{LOOP}layers.append(nn.Linear(8, 1))\n{WHOLE}", [ADDED]),
        (f"{LOOP}{NORM}m = nn.Sequential(*layers, nn.Linear(8, 1))", [ADDED]),
        (f"{LOOP}    if b > 1:\n    {NORM}{WHOLE}", [ADDED]),
        (f"{LOOP}{WHOLE}", ["+ if layers:", ADDED]),
        (f"{LOOP}    layers.append(nn.Dropout(0.1))\n{WHOLE}", ["+ if layers:", ADDED]),
        (
            LOOP.replace("    layers", "    if layers:\n        layers.append(nn.Dropout(0.0))\n    layers") + WHOLE,
            ["- layers.append(nn.Dropout(0.0))", ADDED],
        ),
        (
            "m = nn.Sequential(*[nn.Linear(a, b) for a, b in sizes])",
            [
                "- m = nn.Sequential(*[nn.Linear(a, b) for a, b in sizes])",
                "+ m = nn.Sequential(*[layer for a, b in sizes for layer in (nn.Linear(a, b), nn.ReLU())][:-1])",
            ],
        ),
        (
            f"{BLOCK}m = nn.Sequential(block(4, 8), block(8, 8), nn.Linear(8, 1))",
            [
                "- return nn.Sequential(nn.Linear(a, b), nn.BatchNorm1d(b))",
                "+ return nn.Sequential(nn.Linear(a, b), nn.BatchNorm1d(b), nn.ReLU())",
            ],
        ),
        (f"{LOOP}    layers.append(nn.Tanh())\n{WHOLE}", []),
        (f"{LOOP}m = nn.ModuleList(layers)", []),  # their activations are where they are called
    ],
)
def test_a_nonlinearity_where_a_loop_makes_the_layers(source: str, expected: list[str]) -> None:
    assert first_change(HEAD + source, "add-nonlinearity") == expected


def test_a_norm_behind_a_convolution_of_signals() -> None:
    source = HEAD + "m = nn.Sequential(nn.Conv1d(1, 16, 5), nn.BatchNorm1d(16))"
    assert "nn.GroupNorm(8, 16)" in first_change(source, "group-norm")[1]
