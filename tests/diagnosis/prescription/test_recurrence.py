"""Residual connections, gates and states: exact changes of source written in several ways."""

import pytest

from tests.diagnosis.prescription.changing import changes, first_change
from tests.diagnosis.prescription.networks import BLOCKS, HEAD, REPEATED, deep, net


def test_a_residual_connection() -> None:
    assert first_change(HEAD + deep("nn.Linear(w, w) for _ in range(9)"), "add-residual") == [
        "- x = torch.tanh(layer(x))",
        "+ x = x + 0.3 * torch.tanh(layer(x))",
    ]
    assert first_change(HEAD + deep("[nn.Linear(2, w), nn.Linear(w, w)]"), "add-residual") == []


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
    each_called = HEAD + BLOCKS.format(forward=forward, blocks=blocks)
    all_called = each_called.replace("for block in self.blocks:\n            x = block(x)", "x = self.blocks(x)")
    for source in (each_called, all_called) if "Sequential" in blocks else (each_called,):
        found = changes(source, "add-residual")
        changed = [source.replace(forward, "\n        ".join(expected))] if expected else []
        assert found == changed


def test_layers_that_are_alike_are_no_blocks() -> None:
    source = "fc = nn.Linear(4, 4)\nm = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))\n"
    assert first_change(f"{HEAD}{source}def out(x):\n    return torch.tanh(fc(x))\n", "swap-activation") == []


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


@pytest.mark.parametrize(
    ("update", "slower"),
    [
        ("(1 - leak) * h + leak * new", "leak = 0.018"),
        ("keep * h + (1 - keep) * new", "keep = 0.982"),
        ("new * (1 - keep) + h * keep", "keep = 0.982"),
        ("h + leak * (new - h)", "leak = 0.018"),
        ("torch.lerp(h, new, leak)", "leak = 0.018"),
        ("h.lerp(new, leak)", "leak = 0.018"),
        ("h + leak * (new - h); h = h + leak * (new - h)", "leak = 0.018"),
        ("(1 - slow) * h + slow * new", ""),
        ("firm * h + (1 - firm) * new", ""),
        ("(1 - over) * h + over * new", ""),
        ("(1 - unknown) * h + unknown * new", ""),
        ("(1 - leak) * x[t] + leak * new", ""),
        ("x[t] + leak * (new - x[t])", ""),
        ("torch.lerp(x[t], new, leak)", ""),
        ("h + leak * new", ""),
        ("h + leak / (new - h)", ""),
        ("(1 - leak) * h - leak * new", ""),
        ("leak * h + keep * new", ""),
    ],
)
def test_a_state_that_leaks_fast_leaks_slowly(update: str, slower: str) -> None:
    new = "new = torch.tanh(self.fc1(x[t]))"
    shares = "leak = 0.6\nkeep = 0.5\nslow = 0.01\nfirm = 0.99\nover = 1.5"
    cell = HEAD + shares + net("for t in range(9):", f"    {new}", f"    h = {update}")
    found = first_change(cell, "gated", None, "vanishing-through-time")
    assert found == (
        [f"- {slower.partition(' ')[0]} = {'0.6' if 'leak' in slower else '0.5'}", f"+ {slower}"] if slower else []
    )


def test_both_shares_of_a_leaking_state_are_changed() -> None:
    update = "return 0.4 * h + 0.6 * self.act(self.a(x) + self.b(h))"
    cell = f"class Cell(nn.Module):\n    def forward(self, x, h):\n        {update}\n"
    slower = update.replace("0.4", "0.982").replace("0.6", "0.018")
    for source in (cell, cell.replace("x, h)", "h, x)")):
        assert first_change(HEAD + source, "gated", None, "vanishing-through-time") == [f"- {update}", f"+ {slower}"]


@pytest.mark.parametrize(
    "source",
    [
        "for x in batches:\n    average = 0.4 * average + 0.6 * x\n",
        "class Net(nn.Module):\n    def forward(self, x):\n        y = 0.4 * y + 0.6 * self.fc(x)\n        return y\n",
    ],
)
def test_an_average_is_no_state(source: str) -> None:
    assert changes(HEAD + source, "gated", None, "vanishing-through-time") == []


def test_a_state_that_grows_is_bounded() -> None:
    grows = net("for t in range(9):", "    h = h + torch.relu(self.fc1(x[t]))", "return h")
    assert first_change(HEAD + grows, "gated", None, "exploding-through-time") == [
        "- h = h + torch.relu(self.fc1(x[t]))",
        "+ h = 0.9 * h + 0.1 * torch.relu(self.fc1(x[t]))",
    ]
    assert first_change(HEAD + "rnn = nn.LSTM(4, 8)", "gated", None, "exploding-through-time") == []
    kept = net("self.h = self.h + self.act(x, self.h)", "return self.h")
    for made, right in (
        ("GRUCell(4, 8)", "self.act(x, self.h)"),
        ("Own()", "0.9 * self.h + 0.1 * self.act(x, self.h)"),
    ):
        assert first_change(HEAD + kept.replace("Sigmoid()", made), "gated", None, "exploding-through-time") == [
            "- self.h = self.h + self.act(x, self.h)",
            f"+ self.h = {right}",
        ]


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
    "source",
    [
        "w = torch.randn(4, 8, requires_grad=True)\nh = torch.sigmoid(x @ w)\ny = nn.Linear(8, 2)(h)",
        "w = nn.Parameter(torch.randn(4, 8))\nh = torch.sigmoid(x @ w)\ny = nn.Linear(8, 2)(h)",
        net("h = torch.sigmoid(x @ self.table)", "return self.fc2(h)"),
    ],
)
def test_what_multiplies_by_weights_does_not(source: str) -> None:
    assert any("relu(x @ " in each for each in first_change(HEAD + source, "swap-activation"))


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
