"""What lies between the last layer and the loss."""

from pathlib import Path

import pytest

from gradus.core.findings import Finding
from gradus.diagnosis.history import History
from gradus.diagnosis.prescription.edits import apply
from gradus.diagnosis.prescription.fixes import FIXES, Case
from gradus.diagnosis.prescription.prescribe import load_fixes, read_program
from gradus.diagnosis.signs import Examination, LossSigns
from tests.diagnosis.prescription.changing import changes, first_change, lines

HEAD = """
import torch
import torch.nn as nn
import torch.nn.functional as F
"""
LOOP = """
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for x, y in loader:
    optimizer.zero_grad()
    loss = criterion(model(x), y)
    loss.backward()
    optimizer.step()
"""
STEP = "    optimizer.zero_grad(); loss.backward(); optimizer.step()\n"
LINEAR = "model = nn.Linear(4, 3)\noptimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"


def of_class(forward: str, *, init: str = "", criterion: str = "nn.CrossEntropyLoss()") -> str:
    """A program whose model is a class with this forward pass."""
    return (
        f"{HEAD}\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        f"        self.fc1 = nn.Linear(4, 8)\n        self.fc2 = nn.Linear(8, 3)\n        {init or 'pass'}\n"
        f"    def forward(self, x):\n{forward}\nmodel = Net()\ncriterion = {criterion}\n{LOOP}"
    )


def of_sequence(layers: str, *, criterion: str = "nn.CrossEntropyLoss()") -> str:
    """A program whose model is a sequence."""
    return f"{HEAD}\nmodel = nn.Sequential({layers})\ncriterion = {criterion}\n{LOOP}"


class TestLogits:
    @pytest.mark.parametrize(
        ("program", "expected"),
        [
            pytest.param(
                of_class("        x = F.relu(self.fc1(x))\n        return F.softmax(self.fc2(x), dim=1)"),
                ["- return F.softmax(self.fc2(x), dim=1)", "+ return self.fc2(x)"],
                id="a function",
            ),
            pytest.param(
                of_class("        return self.fc2(self.fc1(x)).softmax(-1)"),
                ["- return self.fc2(self.fc1(x)).softmax(-1)", "+ return self.fc2(self.fc1(x))"],
                id="a method",
            ),
            pytest.param(
                of_class(
                    "        x = self.fc2(x)\n        x = self.act(x)\n        return x",
                    init="self.act = nn.Softmax(1)",
                ),
                ["- self.act = nn.Softmax(1)", "- x = self.act(x)"],
                id="a module of a class, used nowhere else",
            ),
            pytest.param(
                of_class(
                    "        logits = self.fc2(x)\n        probs = torch.softmax(logits, 1)\n        return probs"
                ),
                ["- probs = torch.softmax(logits, 1)", "- return probs", "+ return logits"],
                id="a name of its own",
            ),
            pytest.param(
                of_sequence("\n    nn.Linear(4, 3),\n    nn.Softmax(dim=1),\n"),
                ["- nn.Softmax(dim=1),"],
                id="a line of a sequence",
            ),
            pytest.param(
                of_sequence("nn.Linear(4, 1), nn.Sigmoid()", criterion="nn.BCEWithLogitsLoss()"),
                ["- model = nn.Sequential(nn.Linear(4, 1), nn.Sigmoid())", "+ model = nn.Sequential(nn.Linear(4, 1))"],
                id="the end of a line",
            ),
            pytest.param(
                f"""{HEAD}
def make():
    layers = []
    for _ in range(3):
        layers.append(nn.Linear(4, 4))
        layers.append(nn.ReLU())
    layers.append(nn.Linear(4, 3))
    layers.append(nn.Softmax(dim=-1))
    return nn.Sequential(*layers)

def train(net, loader, optimizer, loss_fn):
    for batch, labels in loader:
        optimizer.zero_grad()
        loss = loss_fn(net(batch), labels)
        loss.backward()
        optimizer.step()

net = make()
train(net, loader, torch.optim.Adam(net.parameters()), nn.CrossEntropyLoss())
""",
                ["- layers.append(nn.Softmax(dim=-1))"],
                id="a list made in a function, a loop in another",
            ),
            pytest.param(
                f"{HEAD}{LINEAR}for x, y in loader:\n    logits = model(x)\n    probs = torch.softmax(logits, 1)\n"
                f"    loss = F.cross_entropy(probs, y)\n{STEP}    sure = probs.max(1)[0].mean()\n",
                ["- loss = F.cross_entropy(probs, y)", "+ loss = F.cross_entropy(logits, y)"],
                id="in the loop, where probabilities are read too",
            ),
        ],
    )
    def test_softmax_goes(self, program: str, expected: list[str]) -> None:
        assert first_change(program, "return-logits", cause="softmax-twice") == expected

    @pytest.mark.parametrize(
        ("reading", "expected"),
        [
            pytest.param("ok = model(x).argmax(1) == y", [], id="the largest"),
            pytest.param("_, said = torch.max(model(x).data, 1)", [], id="the place of the largest"),
            pytest.param("loss = criterion(model(x), y).item()", [], id="the loss itself"),
            pytest.param('print(f"{model(x).mean():.2f}")', [], id="an f-string, whose places are not known"),
            pytest.param(
                "sure = model(x).max(1).values",
                ["- sure = model(x).max(1).values", "+ sure = torch.softmax(model(x), dim=1).max(1).values"],
                id="the largest probability",
            ),
            pytest.param(
                "p = model(x)\nmean = p.cpu().numpy().mean()",
                ["- mean = p.cpu().numpy().mean()", "+ mean = torch.softmax(p.cpu(), dim=1).numpy().mean()"],
                id="an array",
            ),
        ],
    )
    def test_probabilities_stay_where_they_are_read(self, reading: str, expected: list[str]) -> None:
        program = of_class("        return F.softmax(self.fc2(x), dim=1)") + f"\n{reading}\n"
        changed = first_change(program, "return-logits", cause="softmax-twice")
        assert changed == ["- return F.softmax(self.fc2(x), dim=1)", "+ return self.fc2(x)", *expected]

    @pytest.mark.parametrize(
        ("reading", "expected"),
        [
            ("yes = model(x) > 0.5", "+ yes = model(x) > 0"),
            ("yes = model(x).round()", "+ yes = torch.sigmoid(model(x)).round()"),
            ("yes = torch.sigmoid(model(x)).round()", None),
            ("yes = model(x) > threshold", "+ yes = torch.sigmoid(model(x)) > threshold"),
        ],
    )
    def test_thresholds_follow(self, reading: str, expected: str | None) -> None:
        program = of_sequence("\n    nn.Linear(4, 1),\n    nn.Sigmoid(),\n", criterion="nn.BCEWithLogitsLoss()")
        changed = first_change(f"{program}\n{reading}\n", "return-logits", cause="softmax-twice")
        more = [] if expected is None else [f"- {reading}", expected]
        assert changed == ["- nn.Sigmoid(),", *more]

    def test_all_classes_are_needed_where_some_are_picked(self) -> None:
        program = of_sequence("nn.Linear(4, 3), nn.Softmax(1)") + "\nprint(model(x)[torch.arange(4), y].log())\n"
        found = changes(program, "return-logits")
        assert "print(torch.softmax(model(x), dim=1)[torch.arange(4), y].log())" in found[0]
        assert "loss = criterion(model(x).clamp(min=1e-8).log(), y)" in found[1]

    def test_a_sigmoid_may_keep_its_own_loss(self) -> None:
        program = of_sequence("nn.Linear(4, 1), nn.Sigmoid()", criterion="nn.BCEWithLogitsLoss()")
        assert "criterion = nn.BCELoss()" in changes(program, "return-logits")[1]
        functional = program.replace("loss = criterion(", "loss = F.binary_cross_entropy_with_logits(")
        assert "loss = F.binary_cross_entropy(model(x), y)" in changes(functional, "return-logits")[1]
        picked = changes(program + "\nprint(model(x)[rows].log())\n", "return-logits")[0]
        assert "print(torch.sigmoid(model(x)[rows]).log())" in picked
        assert changes(program, "return-logits", None, "nonlinear-logits") == []
        weighted = program.replace("nn.BCEWithLogitsLoss()", "nn.BCEWithLogitsLoss(pos_weight=w)")
        assert len(changes(weighted, "return-logits")) == 1

    def test_a_threshold_in_a_function_that_predictions_are_collected_for(self) -> None:
        program = of_sequence("\n    nn.Linear(4, 1),\n    nn.Sigmoid(),\n", criterion="nn.BCEWithLogitsLoss()")
        program += """
def accuracy(scores, y):
    return ((scores > 0.5) == y).float().mean()

outputs = []
for x, y in test:
    outputs.append(model(x))
print(accuracy(torch.cat(outputs), labels))
"""
        changed = first_change(program, "return-logits", cause="softmax-twice")
        assert changed[0] == "- nn.Sigmoid(),"
        assert "+ outputs.append(torch.sigmoid(model(x)))" in changed or (
            "+ return ((scores > 0) == y).float().mean()" in changed
        )

    @pytest.mark.parametrize(
        "program",
        [
            pytest.param(of_class("        return self.fc2(torch.softmax(self.fc1(x), 1))"), id="attention"),
            pytest.param(of_class("        return F.log_softmax(self.fc2(x), 1)", criterion="nn.NLLLoss()"), id="nll"),
            pytest.param(of_class("        return F.softmax(self.fc2(x) / 2, 1) @ w"), id="a mixture"),
        ],
    )
    def test_nothing_where_it_belongs(self, program: str) -> None:
        assert changes(program, "return-logits", cause="softmax-twice") == []

    def test_rectified_logits(self) -> None:
        program = of_class("        x = F.relu(self.fc1(x))\n        x = F.relu(self.fc2(x))\n        return x")
        changed = first_change(program, "return-logits", cause="nonlinear-logits")
        assert changed == ["- x = F.relu(self.fc2(x))", "+ x = self.fc2(x)"]

    def test_the_size_of_logits(self) -> None:
        program = of_class("        x = F.relu(self.fc1(x))\n        return self.fc2(x).abs()")
        changed = first_change(program, "return-logits", cause="nonlinear-logits")
        assert changed == ["- return self.fc2(x).abs()", "+ return self.fc2(x)"]

    @pytest.mark.parametrize("kind", ["sigmoid", "softmax"])
    def test_rectified_before_an_activation_of_the_models_own(self, kind: str) -> None:
        last = "torch.sigmoid(x)" if kind == "sigmoid" else "torch.softmax(x, 1).log()"
        program = of_class(
            f"        x = F.relu(self.fc1(x))\n        x = F.relu(self.fc2(x))\n        return {last}",
            criterion="nn.BCELoss()" if kind == "sigmoid" else "nn.NLLLoss()",
        )
        changed = first_change(program, "return-logits", cause="nonlinear-logits")
        assert changed == ["- x = F.relu(self.fc2(x))", "+ x = self.fc2(x)"]

    def test_the_last_of_a_loop_over_layers_is_left_linear(self) -> None:
        program = of_class(
            "        for layer in self.layers:\n            x = F.relu(layer(x))\n        return x",
            init="self.layers = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 3)])",
        )
        assert first_change(program, "return-logits", cause="nonlinear-logits") == [
            "- for layer in self.layers:",
            "+ for layer in self.layers[:-1]:",
            "+ x = self.layers[-1](x)",
        ]

    def test_of_a_lightning_module(self) -> None:
        program = f"""{HEAD}
import lightning as L

class Net(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(4, 3), nn.Softmax(dim=1))
    def forward(self, x):
        return self.net(x)
    def training_step(self, batch, number):
        x, y = batch
        return {{"loss": F.cross_entropy(self(x), y)}}
    def predict_step(self, batch, number):
        return self(batch).max(1).values
"""
        assert first_change(program, "return-logits", cause="softmax-twice") == [
            "- self.net = nn.Sequential(nn.Linear(4, 3), nn.Softmax(dim=1))",
            "+ self.net = nn.Sequential(nn.Linear(4, 3))",
            "- return self(batch).max(1).values",
            "+ return torch.softmax(self(batch), dim=1).max(1).values",
        ]

    def test_under_a_condition_of_its_own(self) -> None:
        program = of_class(
            "        x = self.fc2(x)\n        if self.soft:\n            x = x.softmax(1)\n        return x"
        )
        assert first_change(program, "return-logits", cause="softmax-twice") == [
            "- if self.soft:",
            "- x = x.softmax(1)",
        ]

    def test_an_output_among_others(self) -> None:
        program = f"""{HEAD}
class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(4, 3)
    def forward(self, z):
        return torch.tanh(self.out(z))

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.LSTM(4, 4)
        self.head = Head()
    def forward(self, x):
        _, (h, _) = self.encoder(x)
        return {{"logits": self.head(h[-1]), "hidden": torch.tanh(h)}}

model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for x, y in loader:
    output = model(x)
    loss = F.cross_entropy(output["logits"], y) + 0.01 * output["hidden"].pow(2).mean()
{STEP}"""
        changed = changes(program, "return-logits", cause="nonlinear-logits")
        assert len(changed) == 1
        assert first_change(program, "return-logits", cause="nonlinear-logits") == [
            "- return torch.tanh(self.out(z))",
            "+ return self.out(z)",
        ]


class TestOtherNames:
    """A loss that is called neither criterion nor loss is one all the same."""

    @pytest.mark.parametrize(
        "made",
        [
            "ce = nn.CrossEntropyLoss()",
            "ce = F.cross_entropy",
            "ce = lambda p, y: F.cross_entropy(p, y)",
            "class Cost(nn.Module):\n    def forward(self, p, y):\n        return F.cross_entropy(p, y)\nce = Cost()",
        ],
    )
    def test_probabilities_do_not_come_back_before_the_loss(self, made: str) -> None:
        source = of_class("        return torch.softmax(self.fc2(self.fc1(x)), dim=1)")
        source = source.replace("criterion = nn.CrossEntropyLoss()", made).replace("criterion(", "ce(")
        assert first_change(source, "return-logits", cause="softmax-twice") == [
            "- return torch.softmax(self.fc2(self.fc1(x)), dim=1)",
            "+ return self.fc2(self.fc1(x))",
        ]

    @pytest.mark.parametrize("made", ["F.cross_entropy", "nn.NLLLoss()"])
    def test_logarithms_of_a_softmax_by_hand(self, made: str) -> None:
        forward = "        e = self.fc2(self.fc1(x)).exp()\n        return e / e.sum(dim=1, keepdim=True)"
        remedy = "add-log" if "NLL" in made else "return-logits"
        assert first_change(of_class(forward, criterion=made), remedy)[1:] == [
            "+ loss = criterion(model(x).clamp(min=1e-8).log(), y)"
        ]

    @pytest.mark.parametrize("result", ["e / 9", "e - e.sum(dim=1, keepdim=True)", "e / x.sum(dim=1, keepdim=True)"])
    def test_other_quotients_are_no_softmax(self, result: str) -> None:
        forward = f"        e = self.fc2(self.fc1(x)).exp()\n        return {result}"
        assert changes(of_class(forward, criterion="nn.NLLLoss()"), "add-log") == []

    def test_logarithms_of_what_was_seen_to_be_probabilities(self) -> None:
        source = of_class("        return unknown(self.fc2(self.fc1(x)))")
        assert changes(source, "return-logits", cause="softmax-twice") == []
        load_fixes()
        program = read_program(Path("script.py"), source.encode())
        assert program is not None
        finding = Finding(
            symptom="softmax-twice", where="", since_step=1, said_at_step=1, severity="critical", confidence=1.0,
            message="",
        )  # fmt: skip
        case = Case(program=program, cause="softmax-twice", findings=[finding])
        (edits,) = [each for function in FIXES["return-logits"] for each in function(case) if each]
        assert "criterion(model(x).clamp(min=1e-8).log(), y)" in apply(edits, program.script)


class TestAxis:
    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("F.log_softmax(self.fc2(x), dim=0)", "F.log_softmax(self.fc2(x), dim=1)"),
            ("torch.log_softmax(self.fc2(x), 0)", "torch.log_softmax(self.fc2(x), 1)"),
            ("self.fc2(x).log_softmax(dim=0)", "self.fc2(x).log_softmax(dim=1)"),
            ("nn.LogSoftmax()(self.fc2(x))", "nn.LogSoftmax(dim=1)(self.fc2(x))"),
            ("F.log_softmax(self.fc2(x), dim=1)", None),
        ],
    )
    def test_classes(self, old: str, new: str | None) -> None:
        program = of_class(f"        return {old}", criterion="nn.NLLLoss()")
        expected = [] if new is None else [f"- return {old}", f"+ return {new}"]
        assert first_change(program, "class-axis") == expected

    def test_of_a_layer(self) -> None:
        program = of_sequence("nn.Linear(4, 3), nn.LogSoftmax(0)", criterion="nn.NLLLoss()")
        assert first_change(program, "class-axis")[1] == "+ model = nn.Sequential(nn.Linear(4, 3), nn.LogSoftmax(1))"

    @pytest.mark.parametrize(("axis", "found"), [("-1", True), ("2", True), ("0", False), ("1", False)])
    def test_of_what_is_attended_to(self, axis: str, found: bool) -> None:
        old, new = (f"share = torch.softmax(self.score(x), dim={each})" for each in (axis, "1"))
        forward = f"        {old}\n        return self.fc2((share * x).sum(1))"
        program = of_class(forward, init="self.score = nn.Linear(4, 1)")
        assert first_change(program, "class-axis") == ([f"- {old}", f"+ {new}"] if found else [])
        assert changes(program.replace("nn.Linear(4, 1)", "nn.Conv1d(4, 8, 1)"), "class-axis") == []


class TestOneUnit:
    def test_of_probabilities(self) -> None:
        program = of_sequence("nn.Linear(4, 1), nn.Softmax(dim=1)", criterion="nn.BCELoss()")
        assert first_change(program, "sigmoid-output")[1] == "+ model = nn.Sequential(nn.Linear(4, 1), nn.Sigmoid())"

    def test_of_logits(self) -> None:
        program = of_sequence("nn.Linear(4, 1), nn.Softmax(-1)", criterion="nn.BCEWithLogitsLoss()")
        assert first_change(f"{program}\nyes = model(x) > 0.5\n", "sigmoid-output") == [
            "- model = nn.Sequential(nn.Linear(4, 1), nn.Softmax(-1))",
            "+ model = nn.Sequential(nn.Linear(4, 1))",
            "- yes = model(x) > 0.5",
            "+ yes = model(x) > 0",
        ]

    def test_of_cross_entropy(self) -> None:
        program = f"""{HEAD}{LINEAR.replace("3", "1")}
for x, y in loader:
    out = model(x)
    loss = F.cross_entropy(out, y)
{STEP}
said = model(x).argmax(1)
"""
        assert first_change(program, "sigmoid-output") == [
            "- loss = F.cross_entropy(out, y)",
            "+ loss = F.binary_cross_entropy_with_logits(out, y.float().view_as(out))",
            "- said = model(x).argmax(1)",
            "+ said = (model(x).flatten() > 0).long()",
        ]

    @pytest.mark.parametrize("head", ["nn.Conv2d(4, 1, 3)", "nn.Conv2d(4, out_channels=WIDTH, kernel_size=3)"])
    def test_of_cross_entropy_of_one_channel(self, head: str) -> None:
        program = f"""{HEAD}
WIDTH, IGNORED = 1, 1
model = {head}
criterion = nn.CrossEntropyLoss(ignore_index=IGNORED)
{LOOP}
said = model(x).argmax(1)
"""
        binary, two = changes(program, "sigmoid-output")
        assert lines(program, binary) == [
            "- criterion = nn.CrossEntropyLoss(ignore_index=IGNORED)",
            "+ criterion = nn.BCEWithLogitsLoss()",
            "- loss = criterion(model(x), y)",
            "+ loss = criterion(model(x), y.float().unsqueeze(1))",
            "- said = model(x).argmax(1)",
            "+ said = (model(x).squeeze(1) > 0).long()",
        ]
        assert "criterion = nn.CrossEntropyLoss()" in two
        assert "WIDTH, IGNORED = 2, 1" in two or "nn.Conv2d(4, 2, 3)" in two

    @pytest.mark.parametrize("ignored", ["ignore_index=255", "ignore_index=255, reduction='sum'"])
    def test_what_is_no_class_is_still_ignored(self, ignored: str) -> None:
        program = f"{HEAD}model = nn.Conv2d(4, 1, 3)\ncriterion = nn.CrossEntropyLoss({ignored})\n{LOOP}"
        (found,) = changes(f"{program}said = model(x).argmax(1)\n", "sigmoid-output")
        assert "nn.Conv2d(4, 2, 3)" in found
        assert ignored in found


class TestLogarithm:
    @pytest.mark.parametrize(
        ("loss", "old", "new"),
        [
            ("F.nll_loss(p, y)", "F.softmax(model(x), dim=1)", "F.log_softmax(model(x), dim=1)"),
            ('F.kl_div(p, y, reduction="batchmean")', "model(x).softmax(1)", "model(x).log_softmax(1)"),
            ("F.ctc_loss(p, y, lengths, widths)", "model(x).softmax(-1)", "model(x).log_softmax(-1)"),
            ("-p.gather(1, y[:, None]).mean()", "torch.softmax(model(x), 1)", "torch.log_softmax(model(x), 1)"),
            ("-(F.one_hot(y) * p).sum(1).mean()", "torch.softmax(model(x), 1)", "torch.log_softmax(model(x), 1)"),
        ],
    )
    def test_of_a_softmax(self, loss: str, old: str, new: str) -> None:
        program = f"{HEAD}{LINEAR}for x, y in loader:\n    p = {old}\n    loss = {loss}\n{STEP}"
        assert first_change(program, "add-log") == [f"- p = {old}", f"+ p = {new}"]
        assert len(changes(program, "add-log")) == (2 if loss.startswith("F.") else 1)

    def test_of_sigmoids_that_are_added_up(self) -> None:
        def program(loss: str) -> str:
            return f"{HEAD}{LINEAR}for a, b in loader:\n    p, q = model(a), model(b)\n    loss = {loss}\n{STEP}"

        old, new = "-({0}(p) + {0}(-q).sum(1)).mean()", "+ loss = -({0}(p) + {0}(-q).sum(1)).mean()"
        assert first_change(program(old.format("torch.sigmoid")), "add-log")[1:] == [new.format("F.logsigmoid")]
        assert changes(program("-(torch.sigmoid(p) + (1 - torch.sigmoid(q))).mean()"), "add-log") == []

    def test_probabilities_are_read_as_exponentials(self) -> None:
        program = of_sequence("nn.Linear(4, 3), nn.Softmax(1)", criterion="nn.NLLLoss()")
        assert first_change(f"{program}\nprint(model(x).mean(), model(x).argmax(1))\n", "add-log") == [
            "- model = nn.Sequential(nn.Linear(4, 3), nn.Softmax(1))",
            "+ model = nn.Sequential(nn.Linear(4, 3), nn.LogSoftmax(1))",
            "- print(model(x).mean(), model(x).argmax(1))",
            "+ print(model(x).exp().mean(), model(x).argmax(1))",
        ]

    def test_of_a_divergence_that_is_reported(self) -> None:
        program = of_sequence("nn.Linear(4, 3), nn.Softmax(1)", criterion='nn.KLDivLoss(reduction="batchmean")')
        program += """
def divergence(votes, probs):
    return (votes * (votes.log() - probs.clamp_min(1e-9).log())).sum(1).mean()
print(divergence(y, model(x)))
"""
        found = changes(program, "add-log")
        assert "probs.exp().clamp_min(1e-9)" in found[0]
        assert "loss = criterion(model(x).clamp(min=1e-8).log(), y)" in found[1]
        assert "nn.Softmax(1)" in found[1]

    def test_gates_before_the_last_layer_stay(self) -> None:
        program = of_class("        gate = torch.softmax(self.fc1(x), 1)\n        return self.fc2(gate * x.abs())")
        assert changes(program, "add-log") == []

    def test_nothing_where_there_is_one(self) -> None:
        program = of_sequence("nn.Linear(4, 3), nn.LogSoftmax(1)", criterion="nn.NLLLoss()")
        assert changes(program, "add-log") == []


class TestRange:
    @pytest.mark.parametrize(
        ("program", "expected"),
        [
            pytest.param(
                of_class("        return torch.sigmoid(self.fc2(x))", criterion="nn.MSELoss()"),
                ["- return torch.sigmoid(self.fc2(x))", "+ return self.fc2(x)"],
                id="a function",
            ),
            pytest.param(
                of_sequence("nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1), nn.Tanh()", criterion="nn.SmoothL1Loss()"),
                [
                    "- model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1), nn.Tanh())",
                    "+ model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))",
                ],
                id="the last of a sequence, not the first",
            ),
            pytest.param(
                f"""{HEAD}
layers = []
for a, b in zip(sizes, sizes[1:]):
    layers += [nn.Linear(a, b), nn.ReLU()]
model = nn.Sequential(*layers)
criterion = nn.MSELoss()
{LOOP}""",
                ["- model = nn.Sequential(*layers)", "+ model = nn.Sequential(*layers[:-1])"],
                id="one that a loop adds",
            ),
            pytest.param(
                f"""{HEAD}
w1 = torch.randn(4, 8, requires_grad=True)
w2 = torch.randn(8, 1, requires_grad=True)
optimizer = torch.optim.SGD([w1, w2], lr=0.1)
def f(x):
    return torch.relu(torch.relu(x @ w1) @ w2)
for x, y in loader:
    loss = ((f(x) - y) ** 2).mean()
{STEP}""",
                ["- return torch.relu(torch.relu(x @ w1) @ w2)", "+ return torch.relu(x @ w1) @ w2"],
                id="matrices by hand",
            ),
            pytest.param(
                of_class(
                    "        outs = []\n        for t in range(3):\n"
                    "            outs.append(torch.sigmoid(self.fc2(x)))\n        return torch.stack(outs)",
                    criterion="nn.MSELoss()",
                ),
                ["- outs.append(torch.sigmoid(self.fc2(x)))", "+ outs.append(self.fc2(x))"],
                id="collected over steps",
            ),
        ],
    )
    def test_output_is_left_linear(self, program: str, expected: list[str]) -> None:
        assert first_change(program, "linear-output") == expected

    def test_hidden_activations_stay(self) -> None:
        program = of_sequence("nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1)", criterion="nn.MSELoss()")
        assert changes(program, "linear-output") == []

    @pytest.mark.parametrize("remedy", ["linear-output", "scale-targets"])
    @pytest.mark.parametrize(
        ("criterion", "loss"),
        [
            ("nn.MSELoss()", "criterion(model(x), y)"),
            ("None", "F.l1_loss(model(x), y)"),
            ("None", "((model(x) - y) ** 2).mean()"),
        ],
    )
    def test_a_sigmoid_is_compared_with_marks_of_1(self, remedy: str, criterion: str, loss: str) -> None:
        program = of_sequence("nn.Linear(4, 1), nn.Sigmoid()", criterion=criterion)
        program = program.replace("criterion(model(x), y)", loss)
        # 255 in a tenth of all places, or any numbers up to 255
        marks, grey = (
            LossSigns(value=1.0, kind="values", target_mean=25.5, target_std=std, target_high=255.0)
            for std in (76.5, 40.0)
        )
        found = changes(program, remedy, History(examinations=[Examination(step=0, losses=(marks,))]))
        assert loss.replace("y)", "y / 255)") in found[0]
        found = changes(program, remedy, History(examinations=[Examination(step=0, losses=(grey,))]))
        assert not any("/ 255" in each for each in found)


@pytest.mark.parametrize("power", ["(1 - p) ** 2", "0.5 * (1 - p).pow(2)"])
def test_the_logarithm_of_a_focal_loss_goes_where_nothing_is_raised(power: str) -> None:
    source = f"""
import torch.nn.functional as F
def focal(logits, y):
    p = F.softmax(logits, dim=1)
    return F.nll_loss({power} * p, y)
focal(net(x), y).backward()
"""
    assert first_change(source, "add-log")[1] == f"+ return F.nll_loss({power} * p.clamp(min=1e-8).log(), y)"
