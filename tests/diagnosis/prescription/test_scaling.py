"""Scales of inputs and targets, in arrays, datasets and the model."""

from dataclasses import replace

import pytest

from tests.diagnosis.prescription.changing import changes, first_change
from tests.diagnosis.prescription.programs import PIXELS, TABLE, program, seen


class TestScaledInputs:
    def test_of_an_array_that_is_split_later(self) -> None:
        source = program("x, y = torch.tensor(table), torch.tensor(wanted)")
        assert first_change(source, "scale-inputs", seen()) == ["+ x = (x - x[:80].mean(0)) / x[:80].std(0)"]

    @pytest.mark.parametrize(("spread", "over"), [(500.0, "(0, 1), keepdims=True"), (1.0, "")])
    def test_of_sequences_whose_channels_differ(self, spread: float, over: str) -> None:
        source = program("x, y = torch.tensor(table), torch.tensor(wanted)")
        signs = replace(TABLE, shape=(32, 24, 6), spread=spread)
        found = first_change(source, "scale-inputs", seen(signs))
        assert found == [f"+ x = (x - x[:80].mean({over})) / x[:80].std({over})"]

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("m, s = a.mean(), a.std()\nx = (a - m) / s", "m, s = a.mean(0), a.std(0)"),
            ("x = (a - np.mean(a[:80])) / np.std(a[:80])", "x = (a - np.mean(a[:80], 0)) / np.std(a[:80], 0)"),
        ],
    )
    def test_by_one_number_are_scaled_by_one_for_each_column(self, before: str, after: str) -> None:
        source = program(f"import numpy as np\na, y = load()\n{before}")
        assert f"+ {after}" in first_change(source, "scale-inputs", seen(), "feature-scale")
        assert f"+ {after}" not in first_change(source, "scale-inputs", seen(), "unscaled-inputs")

    def test_that_are_right_are_left_where_layers_are_blamed(self) -> None:
        source, signs = program("x, y = torch.tensor(table), torch.tensor(wanted)"), replace(TABLE, mean=0.1, std=1.0)
        for cause, expected in (("saturated-units", 0), ("unscaled-inputs", 1)):
            found = changes(source, "scale-inputs", seen(signs), cause)
            assert sum("(x - x[:80].mean(0))" in each for each in found) == expected

    def test_of_constant_columns_are_not_divided_by_zero(self) -> None:
        source = program("x, y = load()")
        found = first_change(source, "scale-inputs", seen(replace(TABLE, constant=0.2)))
        assert found == ["+ x = (x - x[:80].mean(0)) / x[:80].std(0).clip(1e-6)"]

    @pytest.mark.parametrize(
        "data",
        [
            "from sklearn.model_selection import train_test_split\nx_tr, x_te, y, y_te = train_test_split(a, b)",
            "x_tr, y = load('train')\nx_te, y_te = load('test')",
        ],
    )
    def test_of_two_arrays_share_figures_of_the_training_array(self, data: str) -> None:
        found = first_change(program(data, "x_tr", "x_te"), "scale-inputs", seen())
        assert found == [
            "+ mean, std = x_tr.mean(0), x_tr.std(0)",
            "+ x_tr = (x_tr - mean) / std",
            "+ x_te = (x_te - mean) / std",
        ]

    def test_of_an_array_that_the_model_predicts_by_a_method_of_its_own(self) -> None:
        source = program("x_tr, y = load('train')\nx_te, y_te = load('test')", "x_tr", "x_te")
        own = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(5, 1)

    def forward(self, x):
        x = torch.sigmoid(self.fc(x))
        return x

    def predict(self, x):
        return (self.forward(x) > 0.5).float()

model = Net()
optimizer ="""
        both = "model.predict(x_te), model.predict(x_tr)"  # as well as on what it was trained on
        source = source.replace("model(x_te)", both).replace("optimizer =", own, 1)
        assert first_change(source, "scale-inputs", seen())[1:] == [
            "+ x_tr = (x_tr - mean) / std",
            "+ x_te = (x_te - mean) / std",
        ]

    def test_of_pictures_are_divided(self) -> None:
        found = first_change(program("x, y = pictures()"), "scale-inputs", seen(PIXELS))
        assert found == ["+ x = x / 255"]

    def test_of_a_dataset_of_its_own(self) -> None:
        source = """
import torch
class Pictures(torch.utils.data.Dataset):
    def __init__(self, images, labels):
        self.images = images
        self.labels = labels
    def __getitem__(self, i):
        picture = torch.from_numpy(self.images[i]).float()
        return picture, self.labels[i]

loader = torch.utils.data.DataLoader(Pictures(images[:80], labels[:80]))
model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 2))
for x, y in loader:
    loss = torch.nn.functional.cross_entropy(model(x), y)
    loss.backward()
"""
        found = changes(source, "scale-inputs", seen(PIXELS))
        assert "picture = torch.from_numpy(self.images[i]).float() / 255\n" in found[0]

    def test_or_in_the_model_where_the_array_is_not_known(self) -> None:
        source = program("x, y = load()", "*parts()").replace("model(x[80:])", "model(other())")
        assert (
            "nn.Sequential(nn.BatchNorm1d(5, affine=False), nn.Linear(5, 8)"
            in changes(source, "scale-inputs", seen())[-1]
        )

    def test_or_in_a_class(self) -> None:
        source = """
import torch
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(5, 2)
    def forward(self, x):
        return self.fc(x)
model = Net()
for x, y in batches:
    loss = criterion(model(x), y)
    loss.backward()
"""
        assert first_change(source, "scale-inputs", seen()) == [
            "+ self.normalize = torch.nn.BatchNorm1d(5, affine=False)",
            "+ x = self.normalize(x)",
        ]


class TestScaledTargets:
    def test_in_training_only_and_predictions_are_scaled_back(self) -> None:
        source = program("x, y = load()")
        keep, change = changes(source, "scale-targets", seen())
        assert "target_mean, target_std = y[:80].mean(), y[:80].std()\n" in keep
        assert "loss = criterion(model(xb), (yb - target_mean) / target_std)\n" in keep
        assert "error = criterion(model(x[80:]) * target_std + target_mean, y[80:])\n" in keep
        assert "y = (y - y[:80].mean()) / y[:80].std()\n" in change
