"""How parameters begin: exact changes of draws, fills and tensors made by hand."""

import pytest

from gradus.diagnosis.history import History
from gradus.diagnosis.signs import Examination, LayerSigns, ParameterSigns
from tests.diagnosis.prescription.changing import changes, first_change

HEAD = """\
import torch
import torch.nn as nn
import torch.nn.functional as F
"""


def history(activation: str = "relu", matrices: int = 2) -> History:
    layer = LayerSigns(type="Linear", mean=0.0, std=1.0, peak=1.0, varied=1.0, units=8, activation=activation)
    weight = ParameterSigns(elements=64, matrix=True, weight=1.0, gradient=1.0)
    parameters = {f"m:{number}.weight": weight for number in range(matrices)}
    return History(examinations=[Examination(step=0, layers={"m:0": layer}, parameters=parameters)])


def begun(source: str, cause: str = "bad-initialization", activation: str = "relu", matrices: int = 2) -> list[str]:
    return first_change(HEAD + source, "initialize", history(activation, matrices), cause)


@pytest.mark.parametrize(
    ("statement", "relu", "tanh"),
    [
        ("nn.init.normal_(m.weight, std=1)", "nn.init.kaiming_normal_(m.weight)", "nn.init.xavier_uniform_(m.weight)"),
        ("nn.init.uniform_(m.weight, -1, 0)", "nn.init.kaiming_normal_(m.weight)", "nn.init.xavier_uniform_(m.weight)"),
        ("m.weight.data.normal_(0, 1e-4)", "nn.init.kaiming_normal_(m.weight)", "nn.init.xavier_uniform_(m.weight)"),
        ("m.weight.data = torch.randn(3, 4)", "nn.init.kaiming_normal_(m.weight)", "nn.init.xavier_uniform_(m.weight)"),
        (
            "nn.init.xavier_uniform_(m.weight, gain=20)",
            "nn.init.kaiming_normal_(m.weight)",
            "nn.init.xavier_uniform_(m.weight)",
        ),
    ],
)
def test_draws_by_the_activation(statement: str, relu: str, tanh: str) -> None:
    assert begun(statement) == [f"- {statement}", f"+ {relu}"]
    assert begun(statement, activation="tanh") == [f"- {statement}", f"+ {tanh}"]


def test_all_parameters_of_a_model() -> None:
    assert begun("for p in net.parameters():\n    nn.init.normal_(p, std=1)") == [
        "- nn.init.normal_(p, std=1)",
        "+ if p.dim() > 1:",
        "+ nn.init.kaiming_normal_(p)",
    ]
    guarded = """
for p in net.parameters():
    if p.dim() > 1:
        nn.init.constant_(p, 1)
    else:
        p.data.fill_(0)
"""
    assert begun(guarded, "symmetric-initialization") == [
        "- nn.init.constant_(p, 1)",
        "+ nn.init.kaiming_normal_(p)",
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "w = torch.randn(n, m)\nw.requires_grad_()",
            "w = torch.randn(n, m) * (2 / n) ** 0.5",
        ),
        (
            "w = torch.rand(n, m, requires_grad=True)",
            "w = (torch.randn(n, m) * (2 / n) ** 0.5).requires_grad_()",
        ),
        (
            "w = nn.Parameter(torch.randn(n, n) * 5)\nfor x in xs:\n    h = torch.relu(x + h @ w)",
            "w = nn.Parameter(torch.randn(n, n) * (1 / n) ** 0.5)",
        ),
        (
            "w = nn.Parameter(torch.randn(m, n) * 5)\ny = F.linear(x, w)",
            "w = nn.Parameter(torch.randn(m, n) * (2 / n) ** 0.5)",
        ),
        (
            "w = nn.Parameter(torch.randn(8, 4, 3, 3))",
            "w = nn.Parameter(torch.randn(8, 4, 3, 3) * (2 / (4 * 3 * 3)) ** 0.5)",
        ),
        (
            "w = torch.randn(n, m) * 0.01\nparams = [p.requires_grad_() for p in (w, b)]",
            "w = torch.randn(n, m) * (2 / n) ** 0.5",
        ),
        (
            "w = (torch.rand(n + 1, m) - 0.5).requires_grad_()",
            "w = (torch.randn(n + 1, m) * (2 / (n + 1)) ** 0.5).requires_grad_()",
        ),
    ],
)
def test_tensors_made_by_hand(before: str, after: str) -> None:
    assert begun(before) == [f"- {before.splitlines()[0]}", f"+ {after}"]


def test_a_scale_with_a_name() -> None:
    source = "def layer(n, m):\n    scale = (n / 2) ** 0.5\n    return (torch.randn(n, m) * scale).requires_grad_()"
    assert begun(source) == ["- scale = (n / 2) ** 0.5", "+ scale = (2 / n) ** 0.5"]


def test_units_that_begin_alike() -> None:
    source = "W = torch.zeros(n, m)\nb = torch.zeros(m)\nfor p in [W, b]:\n    p.requires_grad = True"
    assert begun(source, "symmetric-initialization") == [
        "- W = torch.zeros(n, m)",
        "+ W = torch.randn(n, m) * (2 / n) ** 0.5",
    ]
    tables = "user = nn.Embedding(9, 4)\nnn.init.constant_(user.weight, 0.1)"
    assert begun(tables, "symmetric-initialization") == [
        "- nn.init.constant_(user.weight, 0.1)",
        "+ nn.init.normal_(user.weight, std=0.1)",
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "nn.init.kaiming_normal_(m.weight)",
        "nn.init.zeros_(m.bias)",
        "nn.init.ones_(self.norm.weight)",
        "if isinstance(m, nn.BatchNorm2d):\n    nn.init.constant_(m.weight, 1)",
        "x = torch.randn(64, 10)",
        "for emb in (self.user_bias, self.item_bias):\n    nn.init.zeros_(emb.weight)",
        "noise.data.normal_()",
    ],
)
def test_what_begins_well_stays(statement: str) -> None:
    assert begun(statement) == []
    assert begun(statement, "symmetric-initialization") == []


def test_deep_rectified_stacks_get_kaiming() -> None:
    source = "class Net(nn.Module):\n    pass\n\nmodel = Net()\n"
    assert begun(source, "vanishing-gradient", matrices=9) == [
        "+ for module in model.modules():",
        "+ if isinstance(module, nn.Linear):",
        "+ nn.init.kaiming_normal_(module.weight)",
    ]
    assert begun(source, "vanishing-gradient", matrices=3) == []
    assert begun(source, "vanishing-gradient", "sigmoid", matrices=9) == []


def test_a_rate_far_above_the_customary_is_lowered_next() -> None:
    source = "nn.init.normal_(m.weight, std=1)\no = torch.optim.Adam(p, lr=0.1)"
    one, other = changes(HEAD + source, "initialize", history(), "bad-initialization")
    assert "lr=0.1)" in one
    assert "kaiming" in other
    assert "lr=0.001)" in other


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("nn.init.constant_(fc.bias, -5.0)", "nn.init.constant_(fc.bias, 0.0)"),
        ("fc.bias.data.fill_(-3)", "fc.bias.data.fill_(0.0)"),
        ("fc.bias.data.fill_(value=-3)", "fc.bias.data.fill_(value=0.0)"),
        ("g = nn.Parameter(torch.full((n,), 1.0))\ny = x - g", "g = nn.Parameter(torch.full((n,), 0.0))"),
        ("nn.init.uniform_(fc.bias, -9, -8)", "nn.init.zeros_(fc.bias)"),
        (
            "self.theta = nn.Parameter(torch.full((n,), 6.0))\ny = x - self.theta",
            "self.theta = nn.Parameter(torch.full((n,), 0.0))",
        ),
    ],
)
def test_biases_begin_at_zero(before: str, after: str) -> None:
    assert first_change(HEAD + before, "reset-biases") == [f"- {before.splitlines()[0]}", f"+ {after}"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("nn.init.constant_(gate.bias, -9.0)", "nn.init.constant_(gate.bias, -2.0)"),
        ("gate.bias.data.fill_(8)", "gate.bias.data.fill_(2.0)"),
        ("g = nn.Parameter(torch.full((n,), 6.0))\ny = torch.sigmoid(g)", "g = nn.Parameter(torch.full((n,), 2.0))"),
        ("nn.init.constant_(gate.bias, -4.5)", "nn.init.constant_(gate.bias, -2.0)"),
        ("nn.init.constant_(gate.bias, -4.0)", ""),
        ("g = nn.Parameter(torch.full((n,), 6.0))\ny = x * g", ""),
    ],
)
def test_biases_that_shut_gates_leave_them_a_slope(before: str, after: str) -> None:
    expected = [f"- {before.splitlines()[0]}", f"+ {after}"] if after else []
    assert first_change(HEAD + before, "initialize", history(), "saturated-units") == expected
    assert first_change(HEAD + before, "initialize", history(), "dead-units") == []
    weight = HEAD + before.replace(".bias", ".weight")
    assert before == before.replace(".bias", ".weight") or not any(
        "2.0" in each for each in changes(weight, "initialize", history(), "saturated-units")
    )


@pytest.mark.parametrize(
    "source",
    [
        "nn.init.zeros_(fc.bias)",
        "nn.init.constant_(fc.bias, 0)",
        "g = nn.Parameter(torch.full((n,), 6.0))\ny = x * g",
        "g = nn.Parameter(torch.full((n,), 0.5))\ny = x - g",
        "g = nn.Parameter(torch.full((n,), unknown))\ny = x - g",
        "fc.bias *= 6.0",
        "fc.bias -= 0.0",
        "fc.bias -= unknown",
        "fc.weight -= 6.0",
    ],
)
def test_biases_that_are_no_fault(source: str) -> None:
    assert first_change(HEAD + source, "reset-biases") == []


def test_the_state_matrix_among_others() -> None:
    source = "rnn = nn.RNN(4, 8)\nfor p in rnn.parameters():\n    nn.init.normal_(p, std=0.02)"
    assert begun(source, "vanishing-through-time") == [
        "- nn.init.normal_(p, std=0.02)",
        "+ if p.dim() > 1:",
        "+ nn.init.orthogonal_(p)",
    ]
    assert begun(source.replace("rnn.parameters", "net.parameters"), "vanishing-through-time") == []


def test_a_state_matrix_above_the_identity() -> None:
    source = "rnn.weight_hh_l0.data.copy_(torch.eye(8) * 1.3)\nrnn.weight_ih_l0.data *= 2"
    assert begun(source, "exploding-through-time") == [
        "- rnn.weight_hh_l0.data.copy_(torch.eye(8) * 1.3)",
        "+ rnn.weight_hh_l0.data.copy_(torch.eye(8))",
    ]
    named = "GAIN = 1.3\nrnn.weight_hh_l0.data.copy_(GAIN * torch.eye(8))\nnn.init.normal_(rnn.weight_ih_l0, std=0.2)"
    for cause in ("exploding-through-time", "exploding-gradient", "bad-initialization"):
        assert begun(named, cause) == [
            "- rnn.weight_hh_l0.data.copy_(GAIN * torch.eye(8))",
            "+ rnn.weight_hh_l0.data.copy_(torch.eye(8))",
        ]
    gained = "rnn = nn.RNN(4, 8)\nnn.init.orthogonal_(rnn.weight_hh_l0, gain={})"
    assert begun(gained.format(1.05), "exploding-through-time") == []
    assert begun(gained.format(1.15), "exploding-through-time")[1] == "+ nn.init.orthogonal_(rnn.weight_hh_l0)"


def test_weights_made_larger_in_place() -> None:
    assert begun("fc.weight.data *= 20\nfc.bias.data *= 2") == ["- fc.weight.data *= 20"]
    assert begun("fc.weight.data *= scale") == []
    assert begun("w *= 0.5") == []
    looped = "for p in net.parameters():\n    if p.ndim == 2:\n        p *= 15\n    else:\n        p *= 3"
    assert begun(looped) == ["- p *= 15", "+ pass"]


def test_a_table_that_is_the_output_layer_too() -> None:
    table = "embed = nn.Embedding(64, dim)\n"
    put = ["+ nn.init.normal_(embed.weight, std=dim ** -0.5)"]
    for use in ("head.weight = embed.weight", "y = F.linear(x, embed.weight)", "y = x @ embed.weight.T"):
        assert begun(table + use) == put
    assert begun(table) == []
    assert begun(table + "embed.weight = head.weight") == []
    filled = "nn.init.normal_(embed.weight, std=0.02)\nhead.weight = embed.weight"
    assert put[0] not in begun(table + filled)


def test_a_tensor_that_a_function_makes() -> None:
    source = """
def weight(n, m):
    return torch.full((n, m), 0.01)


w = nn.Parameter(weight(3, 4))
"""
    assert begun(source, "symmetric-initialization", "tanh") == [
        "- return torch.full((n, m), 0.01)",
        "+ return torch.randn((n, m)) * (1 / n) ** 0.5",
    ]
    assert begun(source.replace("nn.Parameter", ""), "symmetric-initialization") == []


@pytest.mark.parametrize(
    "shift", ["m.bias -= 6.0", "m.bias.data -= 6.0", "m.bias.data += -6", "m.bias.sub_(6)", "m.bias.add_(-6)"]
)
def test_biases_that_are_shifted_begin_at_zero(shift: str) -> None:
    source = f"import torch.nn as nn\nm = nn.Linear(3, 4)\n{shift}\n"
    assert first_change(source, "reset-biases") == [f"- {shift}", "+ nn.init.zeros_(m.bias)"]


def test_a_layer_that_carries_a_state_begins_orthogonal() -> None:
    source = (
        "import torch\nimport torch.nn as nn\nrec = nn.Linear(4, 4)\nnn.init.normal_(rec.weight, std=0.9)\n"
        "for x in xs:\n    h = torch.tanh(inp(x) + rec(h))\n"
    )
    assert first_change(source, "initialize", None, "exploding-through-time") == [
        "- nn.init.normal_(rec.weight, std=0.9)",
        "+ nn.init.orthogonal_(rec.weight)",
    ]
    for other in ("h = torch.tanh(rec(h))", "h = inp(x) + h"):
        stack = source.replace("h = torch.tanh(inp(x) + rec(h))", other)
        assert first_change(stack, "initialize", None, "exploding-through-time") == []
    once = source.replace("for x in xs:\n    ", "")
    assert first_change(once, "initialize", None, "exploding-through-time") == []


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
