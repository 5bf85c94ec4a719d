"""Activations: exact changes of source written in several ways."""

import pytest

from gradus.diagnosis.history import History
from gradus.diagnosis.signs import Examination, ParameterSigns
from tests.diagnosis.prescription.changing import changes, first_change
from tests.diagnosis.prescription.networks import BLOCKS, HEAD, REPEATED, net


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
    ("source", "before", "after"),
    [
        ("m = nn.Sequential(nn.Linear(4, 8), nn.Threshold(2.0, 0.0), nn.Linear(8, 2))", "nn.Threshold(2.0, 0.0)",
         "nn.LeakyReLU()"),
        ("def activation():\n    return nn.Hardshrink(lambd=3)", "nn.Hardshrink(lambd=3)", "nn.LeakyReLU()"),
        (net("return self.fc2(F.softshrink(self.fc1(x), 2))"), "F.softshrink(self.fc1(x), 2)",
         "F.leaky_relu(self.fc1(x))"),
    ],
)  # fmt: skip
def test_what_lets_nothing_through_up_to_a_threshold_leaks(source: str, before: str, after: str) -> None:
    line = next(each.strip() for each in source.splitlines() if before in each)
    assert first_change(HEAD + source, "leaky") == [f"- {line}", f"+ {line.replace(before, after)}"]


def test_an_output_that_is_cut_off_at_a_threshold_stays() -> None:
    assert first_change(HEAD + net("return F.softshrink(self.fc1(x), 2)"), "leaky") == []


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


def test_rectifiers_between_stacked_blocks() -> None:
    source = BLOCKS.format(forward="return torch.tanh(self.fc(x))", blocks=REPEATED)
    trained = f"{source}\nmodel = Net(8)\nloss = model(x).mean()\nloss.backward()\n"
    assert "+ return torch.relu(self.fc(x))" in first_change(HEAD + trained, "swap-activation")
    assert first_change(HEAD + trained.replace("self.out(x)", "x"), "swap-activation") == []


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


def test_what_makes_data_keeps_its_tanh() -> None:
    source = "y = torch.tanh(x @ w)\nm = nn.Sequential(nn.Linear(4, 8), nn.Sigmoid(), nn.Linear(8, 2))"
    assert [each[:3] for each in first_change(HEAD + source, "swap-activation")] == ["- m", "+ m"]
