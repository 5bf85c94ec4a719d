"""Optimizer, duration and fit: exact changes of loops and of what makes optimizers."""

from dataclasses import replace

import pytest

from tests.diagnosis.histories import INPUT, classifying
from tests.diagnosis.prescription.changing import changes, first_change

HEAD = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\nmodel = nn.Linear(4, 2)\n"
OPTIMIZER = "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
LOOP = """\
for epoch in range({epochs}):
    for i, (x, y) in enumerate(loader):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
"""
HELD_OUT = """\
    model.eval()
    with torch.no_grad():
        val_loss = F.cross_entropy(model(x_val), y_val).item()
        val_acc = 0.5
print(val_acc)
"""


def loop(epochs: str = "5", more: str = "") -> str:
    return HEAD + OPTIMIZER + LOOP.format(epochs=epochs) + more


def test_clip() -> None:
    assert first_change(loop(), "clip-gradient") == ["+ nn.utils.clip_grad_norm_(model.parameters(), 1.0)"]
    (clipped,) = changes(loop(), "clip-gradient")
    assert clipped.index("backward()") < clipped.index("clip_grad") < clipped.index("step()")
    assert first_change(loop(more="nn.utils.clip_grad_norm_(model.parameters(), 9.0)\n"), "clip-gradient") == []


def test_clip_what_is_scaled() -> None:
    source = (
        loop()
        .replace("optimizer.step()", "scaler.step(optimizer)")
        .replace("loss.backward", "scaler.scale(loss).backward")
    )
    scaled = source.replace("for epoch", "scaler = torch.amp.GradScaler()\nfor epoch")
    assert first_change(scaled, "clip-gradient") == [
        "+ scaler.unscale_(optimizer)",
        "+ nn.utils.clip_grad_norm_(model.parameters(), 1.0)",
    ]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("o = torch.optim.Adam(p, lr=1e-3, eps=1.0)", ["o = torch.optim.Adam(p, lr=1e-3)"]),
        ("EPS = 0.1\no = torch.optim.Adam(p, eps=EPS)", ["EPS = 1e-08", "o = torch.optim.Adam(p, eps=EPS)"]),
        ("c = dict(eps=1.0)\no = torch.optim.Adam(p, **c)", ["c = dict(eps=1e-08)", "o = torch.optim.Adam(p, **c)"]),
        (
            "c = {}\nc['eps'] = 1.0\no = torch.optim.RMSprop(p, 1e-3, **c)",
            ["c = {}", "c['eps'] = 1e-08", "o = torch.optim.RMSprop(p, 1e-3, **c)"],
        ),
        (
            "class Own(torch.optim.Optimizer):\n    def __init__(self, p, lr, eps=0.5): ...\n\n\no = Own(p, lr=1e-3)",
            [
                "class Own(torch.optim.Optimizer):",
                "    def __init__(self, p, lr, eps=1e-08): ...",
                "",
                "",
                "o = Own(p, lr=1e-3)",
            ],
        ),
    ],
)
def test_epsilon(source: str, expected: list[str]) -> None:
    assert changes(HEAD + source, "default-epsilon")[0].splitlines()[4:] == expected


@pytest.mark.parametrize(
    ("made", "without"),
    [
        ("torch.optim.Adam(p, 1e-3, (0.9, 0.999), 0.5)", "torch.optim.Adam(p, 1e-3, (0.9, 0.999), 1e-08)"),
        ("torch.optim.Adagrad(p, 1e-2, 0, 0, 0, 0.5)", "torch.optim.Adagrad(p, 1e-2, 0, 0, 0, 1e-08)"),
    ],
)
def test_an_epsilon_that_is_not_named(made: str, without: str) -> None:
    assert first_change(HEAD + f"o = {made}", "default-epsilon")[1] == f"+ o = {without}"
    assert changes(HEAD + "o = torch.optim.SGD(p, 1e-3, 0.9, 0.5)", "default-epsilon") == []


def test_an_epsilon_that_is_small_stays() -> None:
    assert changes(HEAD + "o = torch.optim.Adam(p, eps=1e-8)", "default-epsilon") == []


def test_another_optimizer() -> None:
    source = HEAD + "o = torch.optim.SGD(model.parameters(), lr=1e-5, momentum=0.9, nesterov=True)"
    assert first_change(source, "switch-optimizer")[1] == "+ o = torch.optim.Adam(model.parameters(), lr=0.001)"


# ---- duration -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("epochs", "line", "longer"),
    [("5", "for epoch in range(5):", "for epoch in range(50):"), ("1, 6", "range(1, 6)", "range(1, 51)")],
)
def test_longer(epochs: str, line: str, longer: str) -> None:
    assert longer in changes(loop(epochs), "train-longer")[0]


def test_longer_and_longer_still_where_it_was_too_short() -> None:
    found = changes(loop("5"), "train-longer", cause="under-trained")
    assert ["range(50)" in found[0], "range(200)" in found[1], len(found)] == [True, True, 2]
    assert len(changes(loop("5"), "train-longer", cause="underfitting")) == 1


def test_longer_by_its_name_and_with_its_schedule() -> None:
    source = loop("EPOCHS").replace(
        "for epoch", "EPOCHS = 3\ns = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=3)\nfor epoch"
    )
    found = changes(source, "train-longer")[0]
    assert "EPOCHS = 30" in found
    assert "T_max=30" in found


def test_longer_through_a_function() -> None:
    source = (
        HEAD
        + OPTIMIZER
        + """
def train():
    for x, y in loader:
        F.cross_entropy(model(x), y).backward()
        optimizer.step()

for epoch in range(2):
    train()
"""
    )
    assert "range(20)" in changes(source, "train-longer")[0]


def test_a_break_after_a_few_batches_goes() -> None:
    source = loop().replace(
        "        optimizer.step()\n", "        optimizer.step()\n        if i == 2:\n            break\n"
    )
    assert first_change(source, "train-longer") == ["- if i == 2:", "- break"]


def test_no_end_in_sight() -> None:
    source = loop().replace("for epoch in range(5):", "while True:")
    assert changes(source, "train-longer") == []


def test_the_best_weights() -> None:
    (found,) = changes(loop(more=HELD_OUT), "early-stopping")
    assert found.splitlines()[-10:] == [
        "    with torch.no_grad():",
        "        val_loss = F.cross_entropy(model(x_val), y_val).item()",
        "        val_acc = 0.5",
        "    if val_loss < best_val_loss:",
        "        best_val_loss, best_val_acc, best_weights = (",
        "            val_loss, val_acc, {name: value.clone() for name, value in model.state_dict().items()}",
        "        )",
        "model.load_state_dict(best_weights)",
        "val_loss, val_acc = best_val_loss, best_val_acc",
        "print(val_acc)",
    ]
    assert 'best_val_loss, best_val_acc, best_weights = float("inf"), None, None\nfor epoch' in found


def test_no_best_without_a_held_out_loss() -> None:
    assert changes(loop(), "early-stopping") == []
    assert changes(loop(more=HELD_OUT + "model.load_state_dict(best)\n"), "early-stopping") == []


@pytest.mark.parametrize(
    ("measured", "name"),
    [
        (
            "    with torch.no_grad():\n        accuracy = (model(x_val).argmax(1) == y_val).float().mean()\n",
            "accuracy",
        ),
        ("    acc = evaluate(model, x_val)\n", "acc"),
        ("    val_r2 = 1 - error\n", "val_r2"),
    ],
)
def test_the_best_weights_by_a_score(measured: str, name: str) -> None:
    (found,) = changes(loop(more=measured + f"print({name})\n"), "early-stopping")
    assert f'best_{name}, best_weights = float("-inf"), None\nfor epoch' in found
    assert f"if {name} > best_{name}:\n" in found


MEASURES = """\
def right(model, x, y):
    return (model(x).argmax(1) == y).float().mean().item()
def wrong(model, x, y):
    return -F.cross_entropy(model(x), y).item()
def missed(model, x, y):
    return F.mse_loss(model(x), y).item()
def named(model, x, y):
    with torch.no_grad():
        off = F.mse_loss(model(x), y).item()
    return off
def both(model, x, y):
    return missed(model, x, y), right(model, x, y)
"""


@pytest.mark.parametrize(
    ("measured", "kept"),
    [
        ("val = (model(x_val).argmax(1) == y_val).float().mean()", "val > best_val"),
        ("val = F.cross_entropy(model(x_val), y_val)", "val < best_val"),
        ("val = 1 - F.mse_loss(model(x_val), y_val)", "val > best_val"),
        ("val = right(model, x_val, y_val)", "val > best_val"),
        ("val = wrong(model, x_val, y_val)", "val > best_val"),
        ("val = missed(model, x_val, y_val)", "val < best_val"),
        ("val = named(model, x_val, y_val)", "val < best_val"),
        ("accuracy = (model(x_test).argmax(1) == y_test).float().mean()", "accuracy > best_accuracy"),
    ],
)
def test_whether_more_is_better_is_told_by_how_it_is_computed(measured: str, kept: str) -> None:
    (found,) = changes(loop(more=f"    {measured}\n").replace(OPTIMIZER, MEASURES + OPTIMIZER), "early-stopping")
    assert f"    if {kept}:\n" in found


def test_of_several_models_the_trained_one_is_kept() -> None:
    source = loop(more="    val = right(model, x_val, y_val)\n")
    two = source.replace(OPTIMIZER, f"{MEASURES}teacher = nn.Linear(4, 2)\n{OPTIMIZER}")
    (found,) = changes(two, "early-stopping")
    assert found.endswith("model.load_state_dict(best_weights)\nval = best_val\n")


def test_no_best_of_what_is_no_number() -> None:
    source = loop(more="    val = both(model, x_val, y_val)\n").replace(OPTIMIZER, MEASURES + OPTIMIZER)
    assert changes(source, "early-stopping") == []


def test_the_best_weights_by_what_is_only_printed() -> None:
    printed = "    print(f'{epoch}: {right(model, x_val, y_val):.3f}')\n"
    (found,) = changes(loop(more=printed).replace(OPTIMIZER, MEASURES + OPTIMIZER), "early-stopping")
    assert found.endswith(
        f"""{printed}\
    score = right(model, x_val, y_val)
    if score > best_score:
        best_score, best_weights = (
            score, {{name: value.clone() for name, value in model.state_dict().items()}}
        )
model.load_state_dict(best_weights)
"""
    )
    of_training = printed.replace("_val", "_train")
    assert changes(loop(more=of_training).replace(OPTIMIZER, MEASURES + OPTIMIZER), "early-stopping") == []


def test_no_name_that_a_function_has() -> None:
    measures = MEASURES.replace("right", "score")
    printed = "    print(f'{epoch}: {score(model, x_val, y_val):.3f}')\n"
    (found,) = changes(loop(more=printed).replace(OPTIMIZER, measures + OPTIMIZER), "early-stopping")
    assert "    held_out_score = score(model, x_val, y_val)\n" in found


def test_no_best_by_a_score_of_training() -> None:
    assert changes(loop(more="    train_acc = evaluate(model, x)\nprint(train_acc)\n"), "early-stopping") == []
    assert changes(loop(more="    acc = right / len(x)\nprint(acc)\n"), "early-stopping") == []


def test_the_best_weights_of_a_model_with_parts() -> None:
    """Layers of a class are no models that a script could mean."""
    parts = "class Net(nn.Module):\n    def __init__(self):\n        self.one = nn.Linear(4, 2)\n"
    source = loop(more=HELD_OUT).replace("model = nn.Linear(4, 2)\n", f"{parts}model = Net()\n")
    assert "model.load_state_dict(best_weights)" in changes(source, "early-stopping")[0]


def test_the_best_weights_of_a_trainer() -> None:
    source = (
        HEAD
        + """\
class Trainer:
    def __init__(self, net):
        self.net = net
        self.optimizer = torch.optim.SGD(net.parameters(), lr=0.1)

    def train(self):
        for x, y in loader:
            loss = F.cross_entropy(self.net(x), y)
            loss.backward()
            self.optimizer.step()

    def fit(self):
        for epoch in range(5):
            self.train()
            acc = self.evaluate()
        return acc

Trainer(model).fit()
"""
    )
    (found,) = changes(source, "early-stopping")
    assert "acc, {name: value.clone() for name, value in self.net.state_dict().items()}\n" in found


def test_a_schedule() -> None:
    assert first_change(loop("EPOCHS").replace("for epoch", "EPOCHS = 3\nfor epoch"), "schedule") == [
        "+ scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS)",
        "+ scheduler.step()",
    ]
    assert "        optimizer.step()\n    scheduler.step()\n" in changes(loop(), "schedule")[0]
    assert changes(loop().replace("range(5)", "epochs()"), "schedule") == []


# ---- fit ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "before", "after"),
    [
        ("d = nn.Dropout(0.9)", "0.9", "0.1"),
        ("y = F.dropout(x, p=0.8, training=True)", "p=0.8", "p=0.1"),
        ("P = 0.9\nd = nn.Dropout(P)", "P = 0.9", "P = 0.1"),
        ("r = nn.LSTM(4, 8, dropout=0.9)", "dropout=0.9", "dropout=0.1"),
        ("a = nn.MultiheadAttention(8, 2, dropout=0.9)", "dropout=0.9", "dropout=0.1"),
        ("o = torch.optim.Adam(p, weight_decay=0.5)", "weight_decay=0.5", "weight_decay=1e-05"),
        ("o = torch.optim.SGD(p, lr=0.1, weight_decay=0.5)", "weight_decay=0.5", "weight_decay=0.0001"),
        ("o = torch.optim.AdamW([{'params': p, 'weight_decay': 3.0}])", "3.0", "0.01"),
        ("o = torch.optim.AdamW(params=[dict(params=p, weight_decay=3.0)])", "3.0", "0.01"),
        ("c = {'weight_decay': 3.0}\no = torch.optim.AdamW(p, **c)", "3.0", "0.01"),
        ("loss = loss + 0.1 * sum(w.pow(2).sum() for w in model.parameters())", "0.1", "1e-05"),
        ("l2 = sum(w.abs().sum() for w in model.parameters())\nloss = loss + l2 * 0.1", "0.1", "1e-05"),
    ],
)
def test_less_regularization(source: str, before: str, after: str) -> None:
    line = next(each for each in source.splitlines() if before in each)
    assert first_change(HEAD + source, "regularize-less") == [f"- {line}", f"+ {line.replace(before, after)}"]


@pytest.mark.parametrize(
    "source", ["d = nn.Dropout(0.2)", "o = torch.optim.AdamW(p, weight_decay=0.01)", "y = 0.1 * x"]
)
def test_little_regularization_stays(source: str) -> None:
    assert changes(HEAD + source, "regularize-less") == []


PENALTIES = """\
class Net(nn.Module):
    def l1(self):
        return sum(each.weight.abs().sum() for each in self.layers)
def reg(model):
    return sum(p.pow(2).sum() for p in model.parameters())
"""


@pytest.mark.parametrize("penalty", ["model.l1()", "reg(model)", "weights.abs().mean()", "l1"])
def test_a_penalty_that_a_function_gives(penalty: str) -> None:
    source = f"{HEAD}{PENALTIES}loss = fit + 0.02 * {penalty}"
    expected = [] if penalty.startswith("weights") else [f"- loss = fit + 0.02 * {penalty}"]
    assert first_change(source, "regularize-less")[:1] == expected


@pytest.mark.parametrize(
    ("inner", "less"),
    [
        ("loss = loss + 0.02 * p.norm(1)", "loss = loss + 1e-05 * p.norm(1)"),
        ("p.grad.add_(p, alpha=0.5)", "p.grad.add_(p, alpha=1e-05)"),
        ("p.data.mul_(1 - 0.1)", "p.data.mul_(1 - 1e-05)"),
        ("p.data.mul_(0.1)", None),
        ("p.data.mul_(3 - 0.1)", None),
        ("mean.add_(p, alpha=0.5)", None),
        ("y = 0.5 * p.sum()", None),
    ],
)
def test_a_penalty_parameter_by_parameter(inner: str, less: str | None) -> None:
    source = f"{HEAD}for p in model.parameters():\n    {inner}"
    assert first_change(source, "regularize-less") == ([f"- {inner}", f"+ {less}"] if less else [])


def test_no_regularization_is_the_next_try() -> None:
    found = changes(HEAD + "L = 0.5\nloss = fit + L / 2 * reg", "regularize-less")
    assert [each.splitlines()[4] for each in found] == ["L = 1e-05", "L = 0.0"]


def test_more_regularization() -> None:
    source = HEAD + "o = torch.optim.Adam(p, lr=1e-3)"
    assert first_change(source, "weight-decay")[1] == "+ o = torch.optim.Adam(p, lr=1e-3, weight_decay=0.03)"
    net = HEAD + "m = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))\nm.eval()"
    assert "nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 2)" in first_change(net, "dropout")[1]
    assert first_change(net.replace("m.eval()", ""), "dropout") == []


def test_best_weights_are_looked_for_where_it_is_printed_now_and_then() -> None:
    printed = "    if epoch % 5 == 4:\n        print(f'{epoch}: {named(model, x_val, y_val):.3f}')\n"
    (found,) = changes(loop(more=printed).replace(OPTIMIZER, MEASURES + OPTIMIZER), "early-stopping")
    assert f"{printed}        held_out_loss = named(model, x_val, y_val)\n        if held_out_loss <" in found


def test_filters_keep_their_units_where_there_are_other_layers_to_drop_from() -> None:
    net = HEAD + "m = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(){}, nn.Linear(8, 2))\nm.eval()\n"
    (line,) = (each for each in first_change(net.format(", nn.Linear(9, 8), nn.ReLU()"), "dropout") if each[0] == "+")
    assert line.count("Dropout") == 1
    assert "nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 2)" in line
    assert "nn.ReLU(), nn.Dropout(0.5)" in first_change(net.format(""), "dropout")[1]


def test_decay_comes_with_dropout_first() -> None:
    net = HEAD + "m = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))\nm.eval()\n"
    both, alone = changes(net + "o = torch.optim.Adam(p, lr=1e-3, weight_decay=1e-5)", "weight-decay")
    assert "Dropout(0.5)" in both
    assert "Dropout" not in alone
    assert "weight_decay=0.03" in both
    assert "weight_decay=0.03" in alone
    assert changes(HEAD + "o = torch.optim.Adam(p, lr=1e-3, weight_decay=0.01)", "weight-decay") == []
    shared = "c = dict(weight_decay=0.0)\no, u = torch.optim.Adam(p, **c), torch.optim.Adam(q, **c)"
    assert first_change(HEAD + shared, "weight-decay") == [
        "- c = dict(weight_decay=0.0)",
        "+ c = dict(weight_decay=0.03)",
    ]


def test_dropout_of_layers_that_are_bound_together() -> None:
    source = """
        import torch
        from torch import nn
        import torch.nn.functional as F
        class Net(nn.Module):
            def __init__(self):
                self.a, self.b = nn.Linear(4, 8), nn.Linear(8, 2)
            def forward(self, x):
                return self.b(F.relu(self.a(x)))
        model.eval()
    """
    assert first_change(source, "dropout")[1] == "+ return self.b(F.dropout(F.relu(self.a(x)), 0.5, self.training))"


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((32, 1, 8, 8), "x = torch.roll(x, torch.randint(-1, 2, (2,)).tolist(), (2, 3))"),
        ((32, 8), "x = x + 0.2 * x.std(0) * torch.randn_like(x)"),
    ],
)
def test_training_examples_vary(shape: tuple[int, ...], expected: str) -> None:
    signs = replace(INPUT, shape=shape)
    history = classifying(examination={"inputs": (signs,)})
    assert first_change(loop(), "augment", history) == [f"+ {expected}"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            "m = nn.Sequential(nn.Linear(4, 2), nn.ReLU(), nn.Linear(2, 9))",
            "m = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 9))",
        ),
        ("H = 20\nm = nn.Sequential(nn.Linear(4, H), nn.ReLU(), nn.Linear(H, 9))", "H = 80"),
        ("r = nn.GRU(4, 3)", "r = nn.GRU(4, 64)"),
    ],
)
def test_wider(source: str, expected: str) -> None:
    assert expected in changes(HEAD + source, "enlarge")[0].splitlines()


def test_an_output_before_a_sigmoid_keeps_its_width() -> None:
    source = HEAD + "H = 1\nm = nn.Sequential(nn.Linear(4, H), nn.Tanh(), nn.Linear(H, 1), nn.Sigmoid())"
    assert "Sequential(nn.Linear(4, H), nn.Tanh(), nn.Linear(H, 1), nn.Sigmoid())" in changes(source, "enlarge")[0]


def test_no_width_is_written() -> None:
    assert changes(HEAD + "m = nn.Sequential(nn.Linear(4, n()), nn.ReLU(), nn.Linear(n(), 9))", "enlarge") == []
