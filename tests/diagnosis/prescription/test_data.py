"""What goes in, written in several ways: scales, gaps, order, classes, splits, labels, the batch axis."""

from dataclasses import replace

import pytest

from gradus.diagnosis.signs import Examination, History, InputSigns, LossSigns, NonFinite
from tests.diagnosis.prescription.changing import changes, first_change, lines

TABLE = InputSigns(shape=(32, 5), mean=900.0, std=400.0, low=0.0, high=90000.0, varied=400.0, columns=5)
PIXELS = InputSigns(shape=(32, 1, 8, 8), mean=90.0, std=60.0, low=0.0, high=255.0, varied=60.0)


def seen(signs: InputSigns = TABLE, counts: tuple[int, ...] = (), **fields: object) -> History:
    losses = (LossSigns(value=1.0, kind="classes", counts=counts),) if counts else ()
    return History(examinations=[Examination(step=0, inputs=(signs,), losses=losses)], **fields)  # type: ignore[arg-type]


def program(data: str, loop: str = "x[:80]", held_out: str = "x[80:]") -> str:
    return f"""
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

{data}
loader = DataLoader(TensorDataset({loop}, y[:80]), batch_size=8, shuffle=True)
model = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 1))
optimizer = torch.optim.Adam(model.parameters())
criterion = nn.MSELoss()
for epoch in range(9):
    for xb, yb in loader:
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        error = criterion(model({held_out}), y[80:])
"""


class TestScaledInputs:
    def test_of_an_array_that_is_split_later(self) -> None:
        source = program("x, y = torch.tensor(table), torch.tensor(wanted)")
        assert first_change(source, "scale-inputs", seen()) == ["+ x = (x - x[:80].mean(0)) / x[:80].std(0)"]

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


class TestCleanData:
    def test_gaps_become_the_mean_or_zero(self) -> None:
        source = program("x = torch.tensor((a - m) / s)\ny = torch.tensor(b)")
        means, zeros = changes(source, "clean-data", seen())
        assert lines(source, means) == ["+ x = torch.where(torch.isnan(x), torch.nanmean(x, dim=0), x)"]
        assert lines(source, zeros) == ["+ x = torch.nan_to_num(x, nan=0.0, posinf=0.0, neginf=0.0)"]

    def test_of_numpy_stay_in_numpy(self) -> None:
        found = first_change(program("x = np.stack(columns)\ny = np.array(b)"), "clean-data", seen())
        assert found == ["+ x = np.where(np.isnan(x), np.nanmean(x, axis=0), x)"]

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

    def test_the_logarithm_of_counts(self) -> None:
        history = seen(non_finite=NonFinite(step=0, where="", source="input", infinite=True))
        found = first_change(program("x = np.log(counts)\ny = b"), "clean-data", history)
        assert found == ["- x = np.log(counts)", "+ x = np.log1p(counts)"]

    def test_fractions_are_kept(self) -> None:
        data = "x = torch.tensor(a, dtype=torch.long).float()\ny = load()"
        assert "x = torch.tensor(a, dtype=torch.float32)\n" in changes(program(data), "drop-constants", seen())[0]

    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ("frame = (frame // 255).float()", "frame = (frame / 255).float()"),
            (
                "x = torch.tensor(pixels // TOP, dtype=torch.float32)",
                "x = torch.tensor(pixels / TOP, dtype=torch.float32)",
            ),
            ("x = (pixels // 16).astype(np.float32)", "x = (pixels / 16).astype(np.float32)"),
            ("x = (pixels / 255).astype(np.uint8)", "x = (pixels / 255).astype(np.float32)"),
            ("x = (pixels / 255).to(torch.uint8)", "x = (pixels / 255).to(torch.float32)"),
            ("rows = np.zeros((n, 8), dtype=int)", "rows = np.zeros((n, 8), dtype=np.float32)"),
        ],
    )
    def test_of_division_too(self, given: str, expected: str) -> None:
        source = f"import numpy as np\nimport torch\nTOP = 255\n{given}\n"
        assert first_change(source, "drop-constants") == [f"- {given}", f"+ {expected}"]

    def test_counts_stay_whole(self) -> None:
        source = (
            "import numpy as np\nhalf = len(x) // 2\nlabels = np.zeros(9, dtype=int)\nx = (x * 256).astype(np.uint8)\n"
        )
        assert changes(source, "drop-constants") == []

    def test_an_example_is_taken_by_its_index(self) -> None:
        source = """
        class Photos(Dataset):
            def __getitem__(self, i):
                return self.frames[0] / 255, self.labels[i]
        """
        assert first_change(source, "drop-constants")[1] == "+ return self.frames[i] / 255, self.labels[i]"


MANUAL = """
import torch
import numpy as np
for epoch in range(9):
    {order}
    for i in range(0, len(x), 8):
        xb, yb = x[{rows}], y[{rows}]
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
"""


class TestOrder:
    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ("DataLoader(data, batch_size=8)", "DataLoader(data, batch_size=8, shuffle=True)"),
            ("DataLoader(data, 8, False)", "DataLoader(data, 8, True)"),
            ("DataLoader(data, shuffle=False, batch_size=8)", "DataLoader(data, shuffle=True, batch_size=8)"),
            ("DataLoader(data, sampler=SequentialSampler(data))", "DataLoader(data, shuffle=True)"),
        ],
    )
    def test_a_loader_shuffles(self, given: str, expected: str) -> None:
        source = f"""
from torch.utils.data import DataLoader, SequentialSampler
def loaders():
    return {given}, DataLoader(other)
train_loader, val_loader = loaders()
def train(loader):
    for x, y in loader:
        criterion(model(x), y).backward()
train(train_loader)
"""
        assert f"return {expected}, DataLoader(other)" in changes(source, "shuffle")[0]

    def test_rows_are_drawn(self) -> None:
        counted = MANUAL.format(order="order = torch.arange(len(x))", rows="order[i : i + 8]")
        assert changes(counted, "shuffle")[0] == counted.replace("arange", "randperm")
        counted = MANUAL.format(order="order = np.arange(len(x))", rows="order[i : i + 8]")
        assert changes(counted, "shuffle")[0] == counted.replace("arange", "random.permutation")

    def test_slices_are_of_a_permutation(self) -> None:
        found = changes(MANUAL.format(order="total = 0", rows="i : i + 8"), "shuffle")[0]
        assert "    order = torch.randperm(len(x))\n    for i in" in found
        assert "xb, yb = x[order[i : i + 8]], y[order[i : i + 8]]\n" in found

    def test_what_shuffles_is_left(self) -> None:
        assert changes(MANUAL.format(order="order = torch.randperm(len(x))", rows="order[i : i + 8]"), "shuffle") == []


class TestBalance:
    def test_by_the_targets_at_hand(self) -> None:
        source = program("x, y = load()").replace("nn.MSELoss()", "nn.CrossEntropyLoss()")
        first, second = changes(source, "balance", seen(counts=(90, 10)))
        assert "nn.CrossEntropyLoss(weight=1 / torch.bincount(y[:80]))\n" in first
        assert "nn.CrossEntropyLoss(weight=torch.bincount(y[:80]) ** -0.5)\n" in second

    def test_of_a_functional_loss_by_what_was_seen(self) -> None:
        source = program("x, y = load()").replace(
            "criterion(model(xb), yb)", "nn.functional.cross_entropy(model(xb), yb)"
        )
        found = changes(source, "balance", seen(counts=(90, 10)))
        assert "nn.functional.cross_entropy(model(xb), yb, weight=torch.tensor([1.0, 9.0]))\n" in found[0]
        assert "nn.functional.cross_entropy(model(xb), yb, weight=torch.tensor([1.0, 3.0]))\n" in found[1]

    def test_of_yes_and_no(self) -> None:
        source = program("x, y = load()").replace("nn.MSELoss()", "nn.BCEWithLogitsLoss()")
        assert "pos_weight=(y[:80] == 0).sum() / (y[:80] == 1).sum())" in changes(source, "balance", seen())[0]

    def test_by_targets_that_are_no_tensor_yet(self) -> None:
        data = "def load():\n    return table, (np.random.rand(90) < 0.1).astype(int)\nx, y = load()"
        source = program(data).replace("y[:80])", "torch.from_numpy(y))").replace("MSELoss", "CrossEntropyLoss")
        found = changes(source, "balance", seen(counts=(90, 10)))
        assert "nn.CrossEntropyLoss(weight=1 / torch.bincount(torch.as_tensor(y)))\n" in found[0]
        assert "nn.CrossEntropyLoss(weight=torch.bincount(torch.as_tensor(y)) ** -0.5)\n" in found[1]

    def test_of_probabilities(self) -> None:
        source = program("x, y = load()").replace("nn.MSELoss()", "nn.BCELoss()")
        full, root = changes(source, "balance", seen(counts=(90, 10)))
        assert "nn.functional.binary_cross_entropy(model(xb), yb, weight=1 + 8 * yb)" in full
        assert "nn.functional.binary_cross_entropy(model(xb), yb, weight=1 + 2 * yb)" in root
        assert changes(source, "balance", seen(counts=(90, 0))) == []

    def test_a_sampler_that_nobody_uses(self) -> None:
        data = "x, y = load()\nsampler = torch.utils.data.WeightedRandomSampler(w, 80)"
        assert "batch_size=8, sampler=sampler)" in changes(program(data), "balance", seen())[0]


def split(train: str, test: str, loop: str = "x_train", held_out: str = "x_test") -> str:
    return program(f"x_train, x_test = parts()\ny = load()\n{train}\n{test}", loop, held_out)


DATASET = """
import torch
from torch.utils.data import DataLoader, Dataset
class Rows(Dataset):
    def __init__(self, x, y=None, transform=None, mean=0.0, std=1.0):
        self.x, self.transform = x, transform
    def __getitem__(self, i):
        return self.transform(self.x[i])
class Scale:
    def __init__(self, x):
        self.most = x.max()
    def __call__(self, x):
        return x / self.most
def jitter(x):
    return x + 0.1 * torch.randn_like(x)
x_train, x_test = parts()
scale = Scale(x_train)
train = Rows({train})
held_out = Rows({test})
for x in DataLoader(train, batch_size=8):
    criterion(model(x), y).backward()
with torch.no_grad():
    for x in DataLoader(held_out, batch_size=8):
        model(x)
"""


class TestSameTransform:
    @pytest.mark.parametrize(
        ("train", "test", "expected"),
        [
            (
                "x_train = torch.tensor(x_train / 255)",
                "x_test = torch.tensor(x_test)",
                "x_test = torch.tensor(x_test / 255)",
            ),
            (
                "mean = x_train.mean(0)\nx_train = x_train - mean",
                "x_test = x_test - x_test.mean(0)",
                "x_test = x_test - mean",
            ),
            (
                "x_train = scaler.fit_transform(x_train)",
                "x_test = scaler.fit_transform(x_test)",
                "x_test = scaler.transform(x_test)",
            ),
            ("x_train = (x_train - 0.5) / 0.2", "", "x_test = (x_test - 0.5) / 0.2"),
            (
                "x_train = (x_train - x_train.mean(0)) / x_train.std(0)",
                "x_test = (x_test - x_test.mean(0)) / x_test.std(0)",
                "x_test = (x_test - mean) / std",
            ),
        ],
    )
    def test_held_out_data_go_through_it(self, train: str, test: str, expected: str) -> None:
        assert f"\n{expected}\n" in changes(split(train, test), "same-transform")[0]

    def test_nothing_is_said_where_they_do(self) -> None:
        source = split("x_train = torch.tensor(x_train) / 255", "x_test = torch.tensor(x_test) / 255")
        assert changes(source, "same-transform") == []

    def test_a_vocabulary_is_made_once(self) -> None:
        source = split("vocab = build(train_words)", "vocab = build(test_words)")
        assert "- vocab = build(test_words)" in first_change(source, "same-transform")

    @pytest.mark.parametrize(
        ("train", "test", "expected"),
        [
            ("x_train, transform=scale", "x_test", "x_test, transform=scale"),
            ("x_train, None, scale", "x_test", "x_test, transform=scale"),
            ("x_train, None, transform=Scale(x_train)", "x_test, transform=None", "x_test, transform=Scale(x_train)"),
            ("x_train, transform=lambda x: x / 9", "x_test, y", "x_test, y, transform=lambda x: x / 9"),
            ("x_train, mean=x_train.mean(), std=2.0", "x_test, mean=0", "x_test, mean=x_train.mean(), std=2.0"),
        ],
    )
    def test_held_out_examples_are_made_with_it(self, train: str, test: str, expected: str) -> None:
        source = DATASET.format(train=train, test=test)
        assert f"held_out = Rows({expected})" in first_change(source, "same-transform")[-1]

    def test_by_its_place_where_parameters_are_not_known(self) -> None:
        source = split("x_train = bought(x_train, lambda x: x / 9)", "x_test = bought(x_test)")
        assert first_change(source, "same-transform")[-1] == "+ x_test = bought(x_test, lambda x: x / 9)"

    @pytest.mark.parametrize("made", ["functools.partial(divide, 9)", "build_transform()"])
    def test_what_is_called_or_made_like_a_transform_is_one(self, made: str) -> None:
        source = DATASET.format(train="x_train, y=transform", test="x_test")
        source = f"import functools\ntransform = {made}\n{source}".replace("scale = ", "other = ")
        assert first_change(source, "same-transform")[-1] == "+ held_out = Rows(x_test, y=transform)"

    @pytest.mark.parametrize("given", ["Scale", "Scale(x_train)"])
    def test_data_are_no_transform(self, given: str) -> None:
        source = DATASET.format(train=f"x_train, y={given}", test="x_test")
        assert changes(source if given == "Scale" else source.replace("__call__", "most_of"), "same-transform") == []

    def test_what_acts_by_chance_is_for_training_alone(self) -> None:
        source = DATASET.format(train="x_train, transform=jitter", test="x_test")
        assert changes(source, "same-transform") == []

    def test_batches_are_prepared_in_both_loops(self) -> None:
        source = """
import torch
for x, y in loader:
    loss = criterion(model(scale(x)), y)
    loss.backward()
with torch.no_grad():
    for x, y in held_out:
        model(x)
"""
        assert first_change(source, "same-transform") == ["- model(x)", "+ model(scale(x))"]


class TestSplits:
    def test_training_ends_where_held_out_begins(self) -> None:
        source = program("x, y = load()", "x[:90]").replace("y[:80]", "y[:90]")
        assert "TensorDataset(x[:80], y[:80])" in changes(source, "split-again")[0]

    def test_the_training_part_is_used(self) -> None:
        source = """
from torch.utils.data import DataLoader, random_split
train_set, val_set = random_split(dataset, [80, 20])
loader = DataLoader(dataset, batch_size=8)
for x, y in loader:
    criterion(model(x), y).backward()
"""
        assert "DataLoader(train_set, batch_size=8)" in changes(source, "split-again")[0]


class TestLabels:
    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("x = x[order]\ny = rng.permutation(y)", "x = x[order]\ny = y[order]"),
            ("x = x[keep]\ny = y[: len(x)]", "x = x[keep]\ny = y[keep]"),
            ("x, y = x[order], y[torch.randperm(100)]", "x, y = x[order], y[order]"),
            ("np.random.shuffle(y)", None),
            ("y = y[torch.randperm(len(y))]", None),
            ("order = torch.randperm(100)\nx = x[order]", "order = torch.randperm(100)\nx = x[order]\ny = y[order]"),
            ("y = table[:, -1].copy()\nrng.shuffle(table)", "rng.shuffle(table)\ny = table[:, -1].copy()"),
        ],
    )
    def test_go_with_their_inputs(self, before: str, after: str | None) -> None:
        source = program(f"x, y = load()\n{before}\nx = x + 0")
        expected = program(f"x, y = load()\n{after}\nx = x + 0" if after else "x, y = load()\nx = x + 0")
        assert changes(source, "check-labels")[0] == expected

    def test_are_drawn_by_the_rows_of_the_inputs(self) -> None:
        source = (
            "import torch\ndef batch():\n    i = torch.randint(9, (4,))\n    return x[i], y[torch.randint(9, (4,))]\n"
        )
        assert first_change(source, "check-labels")[-1] == "+ return x[i], y[i]"

    def test_are_split_with_them(self) -> None:
        source = """
from sklearn.model_selection import train_test_split
x_train, x_test = train_test_split(x, test_size=0.2)
y_train, y_test = train_test_split(y, test_size=0.2)
"""
        assert "+ x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.2)" in first_change(
            source, "check-labels"
        )


def module(begin: str, forward: str) -> str:
    return f"""
import torch
import torch.nn as nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        {begin}
    def forward(self, x):
        {forward}
"""


class TestBatchAxis:
    @pytest.mark.parametrize(
        ("begin", "forward", "expected"),
        [
            ("self.rnn = nn.GRU(3, 8)", "return self.rnn(x)[0][:, -1]", "nn.GRU(3, 8, batch_first=True)"),
            ("pass", "return torch.softmax(x, dim=0)", "torch.softmax(x, dim=-1)"),
            ("pass", "return x.softmax(0)", "x.softmax(-1)"),
            ("pass", "return x - x.mean(0)", "x - x.mean(1, keepdim=True)"),
            ("pass", "return x / x.norm(dim=0)", "x / x.norm(dim=1, keepdim=True)"),
            ("pass", "return self.fc(x.flatten())", "self.fc(x.flatten(1))"),
            ("pass", "return self.fc(x.view(-1, 64))", "self.fc(x.view(len(x), -1))"),
            ("pass", "return self.fc(torch.flatten(x))", "self.fc(torch.flatten(x, 1))"),
            ("pass", "x = x.reshape(x.size(1), x.size(0), -1)", "x = x.transpose(0, 1)"),
            ("self.rnn = nn.LSTM(3, 8)", "x = x.view(x.size(1), x.size(0), 3)", "x = x.transpose(0, 1)"),
            ("pass", "w = x.softmax(0); return (w * x).sum(1)", "w = x.softmax(1)"),
            ("pass", "m = x.mean(0); return x - m, x.std(0)", "m = x.mean(1); return x - m, x.std(1)"),
            ("pass", "return self.fc(x.transpose(0, 1))", "return self.fc(x)"),
            ("pass", "return self.fc(x.repeat(n, 1))", "self.fc(x.repeat_interleave(n, dim=0))"),
            ("pass", "return self.fc(torch.tile(x, (n, 1, 1)))", "self.fc(x.repeat_interleave(n, dim=0))"),
            ("self.bn = nn.BatchNorm1d(3, track_running_stats=False)", "return x", "self.bn = nn.BatchNorm1d(3)"),
        ],
    )
    def test_is_left_alone(self, begin: str, forward: str, expected: str) -> None:
        assert expected in changes(module(begin, forward), "keep-batch-axis", seen())[0]

    @pytest.mark.parametrize("forward", ["x.repeat(1, n)", "self.start.repeat(len(x), 1)", "t[None].repeat(n, 1)"])
    def test_copies_that_mix_no_examples_stay(self, forward: str) -> None:
        assert changes(module("pass", f"return self.fc({forward})"), "keep-batch-axis", seen()) == []

    def test_nothing_is_said_of_other_axes(self) -> None:
        source = module("self.rnn = nn.GRU(3, 8, batch_first=True)", "return self.rnn(x.softmax(-1))[0].mean(1)")
        assert changes(source, "keep-batch-axis", seen()) == []


def test_wrong_labels_count_less() -> None:
    source = program("x, y = load()").replace("nn.MSELoss()", "nn.CrossEntropyLoss()")
    bounded, smoothed = changes(source, "clean-labels")
    nats = 'nn.functional.cross_entropy(model(xb), yb, reduction="none")'
    assert f"loss = (1 - (-{nats}).exp() ** 0.7).mean() / 0.7\n" in bounded
    assert "nn.CrossEntropyLoss(label_smoothing=0.2)\n" in smoothed


def test_wrong_labels_of_two_classes_count_less() -> None:
    source = program("x, y = load()").replace("nn.MSELoss()", "nn.BCEWithLogitsLoss()").replace("error", "val_loss")
    (bounded,) = changes(source, "clean-labels")
    assert "loss = nn.functional.mse_loss(model(xb).sigmoid(), yb)\n" in bounded
    assert "model.load_state_dict(best_weights)\n" in bounded


@pytest.mark.parametrize(
    ("loss", "bounded"),
    [
        ("NLLLoss", '(-nn.functional.nll_loss(model(xb), yb, reduction="none")).exp() ** 0.7).mean() / 0.7'),
        ("BCELoss", "nn.functional.mse_loss(model(xb), yb)"),
        ("MSELoss", "nn.functional.smooth_l1_loss(model(xb), yb)"),
    ],
)
def test_other_losses_bounded(loss: str, bounded: str) -> None:
    source = program("x, y = load()").replace("nn.MSELoss()", f"nn.{loss}()")
    assert bounded in changes(source, "clean-labels")[0]


def test_classes_weigh_in_a_loss_that_a_function_returns() -> None:
    defined = "x, y = load()\ndef criterion(out, target):\n    return nn.functional.cross_entropy(out, target)"
    source = program(defined).replace("criterion = nn.MSELoss()\n", "")
    full, root = changes(source, "balance", seen(counts=(30, 10)))
    assert "cross_entropy(out, target, weight=1 / torch.bincount(y[:80]))" in full
    assert "cross_entropy(out, target, weight=torch.bincount(y[:80]) ** -0.5)" in root


def test_a_loader_in_a_dict_that_a_function_returns_is_shuffled() -> None:
    source = """
from torch.utils.data import DataLoader
def build(options):
    return {"train": DataLoader(Shapes(300), **options), "test": DataLoader(Shapes(80), **options)}
loaders = build(options)
for x, y in loaders["train"]:
    loss = criterion(model(x), y)
    loss.backward()
"""
    assert (
        'DataLoader(Shapes(300), **options, shuffle=True), "test": DataLoader(Shapes(80), **options)}'
        in (changes(source, "shuffle")[0])
    )
