"""Norms, means for sums, branches that count less: exact changes of source written in several ways."""

import pytest

from gradus.diagnosis.history import History
from gradus.diagnosis.signs import Examination, InputSigns, LossSigns, ModelFacts
from tests.diagnosis.prescription.changing import changes, first_change
from tests.diagnosis.prescription.networks import HEAD, deep, net

EVALUATES = "\nmodel.eval()\n"


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


@pytest.mark.parametrize(
    ("together", "mean"),
    [
        ("torch.stack(past).sum(0)", "torch.stack(past).mean(0)"),
        ("torch.sum(torch.stack(past, dim=1), dim=1)", "torch.mean(torch.stack(past, dim=1), dim=1)"),
        ("sum(past)", "sum(past) / len(past)"),
        ("x + sum(past)", "x + (sum(past) / len(past))"),
        ("torch.stack(past, 1).sum(2)", ""),
        ("sum(others)", ""),
        ("sum(past) / len(past)", ""),
    ],
)
def test_all_earlier_layers_are_averaged(together: str, mean: str) -> None:
    loop = ["past = [x]", "for layer in self.layers:", f"    x = {together}", "    past.append(F.relu(layer(x)))"]
    found = first_change(HEAD + net(*loop, "return x"), "normalize-layers", batches(64), "exploding-gradient")
    assert found == ([f"- x = {together}", f"+ x = {mean}"] if mean else [])


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


def test_branches_of_a_loop_count_less_where_signals_explode() -> None:
    source = deep("nn.Linear(w, w) for _ in range(3)").replace("x = torch.tanh(layer(x))", "h = h + F.relu(layer(h))")
    assert first_change(HEAD + source, "normalize-layers", None, "exploding-gradient") == [
        "- h = h + F.relu(layer(h))",
        "+ h = h + 0.1 * F.relu(layer(h))",
    ]


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


def test_a_norm_behind_a_convolution_of_signals() -> None:
    source = HEAD + "m = nn.Sequential(nn.Conv1d(1, 16, 5), nn.BatchNorm1d(16))"
    assert "nn.GroupNorm(8, 16)" in first_change(source, "group-norm")[1]


@pytest.mark.parametrize(("widths", "groups"), [((4, 16), 2), ((8, 24), 4), ((32, 64), 8), ((9, 16), 1), ((), 1)])
def test_groups_divide_every_width_that_an_expression_came_to(widths: tuple[int, ...], groups: int) -> None:
    history = History(models={"net": ModelFacts(name="net", batch_norms=widths)})
    source = HEAD + "def block(c):\n    return nn.Sequential(nn.Conv2d(1, c, 5), nn.BatchNorm2d(c))\n"
    assert f"nn.GroupNorm({groups}, c)" in first_change(source, "group-norm", history)[1]
