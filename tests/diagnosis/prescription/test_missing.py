"""Numbers that are missing or infinite."""

import pytest

from gradus.diagnosis.signs import NonFinite
from tests.diagnosis.prescription.changing import changes, first_change, lines
from tests.diagnosis.prescription.programs import program, seen


class TestCleanData:
    def test_gaps_become_the_mean_or_zero(self) -> None:
        source = program("x = torch.tensor((a - m) / s)\ny = torch.tensor(b)")
        means, zeros = changes(source, "clean-data", seen())
        assert lines(source, means) == ["+ x = torch.where(torch.isnan(x), torch.nanmean(x, dim=0), x)"]
        assert lines(source, zeros) == ["+ x = torch.nan_to_num(x, nan=0.0, posinf=0.0, neginf=0.0)"]

    def test_of_numpy_stay_in_numpy(self) -> None:
        found = first_change(program("x = np.stack(columns)\ny = np.array(b)"), "clean-data", seen())
        assert found == ["+ x = np.where(np.isnan(x), np.nanmean(x, axis=0), x)"]

    def test_of_tables_stay_tables(self) -> None:
        source = program("import pandas as pd\nx = pd.read_csv(path).sample(frac=1)\ny = np.array(b)")
        means, zeros = changes(source, "clean-data", seen())
        assert lines(source, means) == ["+ x = x.fillna(x.mean(numeric_only=True))"]
        assert lines(source, zeros) == ["+ x = x.fillna(0.0)"]

    def test_before_figures_are_computed_of_them(self) -> None:
        source = program(
            "raw = np.loadtxt(path)\nmean, std = raw[:80].mean(0), raw[:80].std(0)\n"
            "x = torch.tensor((raw - mean) / std)\ny = torch.tensor(b)"
        )
        assert first_change(source, "clean-data", seen()) == [
            "+ raw = np.where(np.isnan(raw), np.nanmean(raw, axis=0), raw)"
        ]

    def test_where_a_function_makes_both_arrays(self) -> None:
        source = program(
            "def scaled(a):\n    t = torch.from_numpy(a)\n    return t / t.norm(dim=1, keepdim=True)\n\n"
            "x, held = scaled(a), scaled(b)\ny = torch.tensor(c)",
            loop="x",
            held_out="held",
        )
        assert lines(source, changes(source, "clean-data", seen())[1]) == [
            "+ x = torch.nan_to_num(x, nan=0.0, posinf=0.0, neginf=0.0)",
            "+ held = torch.nan_to_num(held, nan=0.0, posinf=0.0, neginf=0.0)",
        ]

    def test_examples_without_a_target_are_left_out(self) -> None:
        source = program("x, y = load()\ny[gaps] = float('nan')")
        history = seen(non_finite=NonFinite(step=0, where="", source="target"))
        assert first_change(source, "clean-data", history) == [
            "+ known = torch.isfinite(y).reshape(len(y), -1).all(1)",
            "+ x, y = x[known], y[known]",
        ]

    def test_where_the_model_begins_if_the_array_has_no_name(self) -> None:
        source = """
import torch
class Net(torch.nn.Module):
    def forward(self, x):
        return self.fc(x)
model = Net()
for batch in stream():
    loss = criterion(model(batch["x"]), batch["y"])
    loss.backward()
"""
        assert first_change(source, "clean-data", seen()) == [
            "+ x = torch.nan_to_num(x, nan=0.0, posinf=0.0, neginf=0.0)"
        ]

    def test_where_it_is_called_if_it_is_a_sequence_of_layers(self) -> None:
        source = """
import torch
def run(net, loader):
    for x, y in loader:
        criterion(net(x.float()), y).backward()
net = torch.nn.Sequential(torch.nn.Linear(3, 1))
run(net, stream())
"""
        assert first_change(source, "clean-data", seen()) == [
            "- criterion(net(x.float()), y).backward()",
            "+ criterion(net(torch.nan_to_num(x.float(), nan=0.0, posinf=0.0, neginf=0.0)), y).backward()",
        ]

    def test_not_before_a_sequence_that_is_a_part_of_a_class(self) -> None:
        source = """
import torch
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.head = torch.nn.Sequential(torch.nn.Linear(3, 1))
    def forward(self, x):
        return self.head(x)
model = Net()
for batch in stream():
    loss = criterion(model(batch["x"]), batch["y"])
    loss.backward()
"""
        assert len(changes(source, "clean-data", seen())) == 1

    @pytest.mark.parametrize(
        ("taken", "expected"),
        [
            ("np.log(counts)", "np.log1p(counts)"),
            ("np.log10(counts)", "np.log10(counts + 1)"),
            ("np.log2(counts / hours)", "np.log2((counts / hours) + 1)"),
            ("counts.log()", "counts.log1p()"),
            ("counts.log10()", "(counts + 1).log10()"),
            ("(counts / hours).log10()", "((counts / hours) + 1).log10()"),
        ],
    )
    def test_the_logarithm_of_counts(self, taken: str, expected: str) -> None:
        history = seen(non_finite=NonFinite(step=0, where="", source="input", infinite=True))
        found = first_change(program(f"x = {taken}\ny = b\nlogger.log(10)"), "clean-data", history)
        assert found == [f"- x = {taken}", f"+ x = {expected}"]

    @pytest.mark.parametrize(
        ("taken", "expected"),
        [
            ("torch.log(x)", "torch.log(x.clamp(min=1e-6))"),
            ("(x / x.mean()).log()", "(x / x.mean()).clamp(min=1e-6).log()"),
            ("torch.log10(x * self.scale)", "torch.log10((x * self.scale).clamp(min=1e-6))"),
            ("torch.log(x + 1e-5)", ""),
            ("x.clamp(min=1e-5).log()", ""),
            ("self.fc(x).exp().log()", ""),
            ("torch.log(self.fc(x))", ""),
        ],
    )
    def test_the_logarithm_that_a_model_takes_of_data(self, taken: str, expected: str) -> None:
        source = f"""
import torch
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(3, 1)
        self.scale = torch.nn.Parameter(torch.ones(1))
    def forward(self, x):
        return self.fc({taken})
model = Net()
x, y = torch.rand(64, 3), torch.rand(64, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(9):
    optimizer.zero_grad()
    loss = torch.nn.functional.mse_loss(model(x), y)
    loss.backward()
    optimizer.step()
"""
        infinite = seen(non_finite=NonFinite(step=0, where="", source="input", infinite=True))
        first = changes(source, "clean-data", infinite)[0]
        assert (first == source.replace(taken, expected)) if expected else (taken in first)
        assert "clamp(min=1e-6)" not in changes(source, "clean-data", seen())[0]
