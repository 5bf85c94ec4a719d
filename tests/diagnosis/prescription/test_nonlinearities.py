"""Missing activations: exact changes of source written in several ways."""

import pytest

from tests.diagnosis.prescription.changing import first_change
from tests.diagnosis.prescription.networks import HEAD, deep, net

ORDERED = "from collections import OrderedDict\n"
MANY = "def chain(*layers):\n    return nn.Sequential(*layers)"


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
        *(
            (f"{own}\nm = {row.format('')}", [f"- m = {row.format('')}", f"+ m = {row.format(' nn.ReLU(),')}"])
            for own, row in [
                (MANY, "chain(nn.Linear(4, 8),{} nn.Linear(8, 2))"),
                ("chain = lambda *layers: nn.Sequential(*layers)", "chain(nn.Linear(4, 8),{} nn.Linear(8, 2))"),
                ("class Row(nn.Sequential):\n    pass", "Row(nn.Linear(4, 8),{} nn.Linear(8, 2))"),
                (MANY.replace("*layers", "layers", 1), "chain([nn.Linear(4, 8),{} nn.Linear(8, 2)])"),
            ]
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
            "S = 1.0\nm = nn.Sequential(nn.Linear(4, 8), nn.LeakyReLU(S), nn.Linear(8, 8), nn.LeakyReLU(S))",
            ["- S = 1.0", "+ S = 0.01"],
        ),
        (
            net("return self.fc2(F.leaky_relu(self.fc1(x), negative_slope=1.0))"),
            ["- return self.fc2(F.leaky_relu(self.fc1(x), negative_slope=1.0))",
             "+ return self.fc2(F.leaky_relu(self.fc1(x), negative_slope=0.01))"],
        ),
        (
            net("return self.fc2(F.hardtanh(self.fc1(x), -1e6, 1e6))"),
            ["- return self.fc2(F.hardtanh(self.fc1(x), -1e6, 1e6))",
             "+ return self.fc2(F.hardtanh(self.fc1(x), -1.0, 1.0))"],
        ),
        (
            net("return self.fc2(self.act(self.fc1(x)))").replace("nn.Sigmoid()", "nn.Identity()"),
            ["- self.act = nn.Identity()", "+ self.act = nn.ReLU()"],
        ),
        (
            f"{ORDERED}m = nn.Sequential(OrderedDict([\n    ('a', nn.Linear(4, 8)),\n    ('b', nn.Linear(8, 2)),\n]))",
            ['+ ("a_relu", nn.ReLU()),'],
        ),
        (
            ORDERED + "d = OrderedDict([('a', nn.Linear(4, 8)), (b, nn.Linear(8, 2))])\nm = nn.Sequential(d)",
            ["- d = OrderedDict([('a', nn.Linear(4, 8)), (b, nn.Linear(8, 2))])",
             "+ d = OrderedDict([('a', nn.Linear(4, 8)), (\"a_relu\", nn.ReLU()), (b, nn.Linear(8, 2))])"],
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
        net("h = F.relu(self.fc1(x))", "return self.fc1(self.act(self.fc2(h)))").replace("Sigmoid", "Identity"),
        net("x = self.fc1(x)", "x = F.relu(x)", "return self.fc2(x)"),
        f"{MANY[:-1]}, nn.ReLU())\nm = chain(nn.Linear(4, 8), nn.Linear(8, 2))",  # it acts itself, at least once
        f"{ORDERED}m = nn.Sequential(OrderedDict([('a', nn.Linear(4, 8)), ('b', nn.Tanh()), ('c', nn.Linear(8, 2))]))",
        f"{ORDERED}m = nn.ModuleDict(OrderedDict([('a', nn.Linear(4, 8)), ('b', nn.Linear(8, 2))]))",
        "layers = nn.ModuleList([nn.Linear(4, 8), nn.Linear(8, 2)])",  # their activations are where they are called
    ],
)
def test_layers_with_one_between_stay(source: str) -> None:
    assert first_change(HEAD + source, "add-nonlinearity") == []


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
LAYERS = "nn.Linear(a, b), nn.BatchNorm1d(b)"
BLOCK = f"def block(a, b):\n    return nn.Sequential({LAYERS})\n"
PART = "class Part(nn.Sequential):\n    def __init__(self):\n"
ADDS = "return x + self.fc(x)"
BLOCK_ACTS = [f"- return nn.Sequential({LAYERS})", f"+ return nn.Sequential({LAYERS}, nn.ReLU())"]


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
        (f"{BLOCK}m = nn.Sequential(block(4, 8), block(8, 8), nn.Linear(8, 1))", BLOCK_ACTS),
        (f"{BLOCK}m = nn.Sequential(*(block(a, b) for a, b in sizes), nn.Linear(8, 1))", BLOCK_ACTS),
        (f"{BLOCK}layers = []\nfor a, b in sizes:\n    layers.append(block(a, b))\n{WHOLE}", BLOCK_ACTS),
        (
            BLOCK.replace("nn.Sequential(", "[").replace("))", ")]")
            + f"for a, b in sizes:\n    n += block(a, b)\n{WHOLE}",
            [each.replace("nn.Sequential(", "[").replace("))", ")]") for each in BLOCK_ACTS],
        ),
        (
            f"{PART}        super().__init__({LAYERS})\nm = nn.Sequential(*[Part() for _ in range(3)])",
            [f"- super().__init__({LAYERS})", f"+ super().__init__({LAYERS}, nn.ReLU())"],
        ),
        (
            f"{PART}        self.net = nn.Sequential({LAYERS})\nm = nn.ModuleList(Part() for _ in range(3))",
            [f"- self.net = nn.Sequential({LAYERS})", f"+ self.net = nn.Sequential({LAYERS}, nn.ReLU())"],
        ),
        (
            f"{PART}        self.fc = nn.Linear(4, 4)\n    def forward(self, x):\n        {ADDS}\nm = [Part(), Part()]",
            [f"- {ADDS}", "+ return x + torch.relu(self.fc(x))"],
        ),
        (f"{BLOCK}for rate in rates:\n    m = block(4, 8)", []),  # models, to compare
        (f"{BLOCK}models = [block(4, 8) for _ in range(5)]", []),
        (f"{BLOCK}models = list(block(4, 8) for _ in range(5))", []),
        (f"{LOOP}    layers.append(nn.Tanh())\n{WHOLE}", []),
        (f"{LOOP}m = nn.ModuleList(layers)", []),  # their activations are where they are called
        ("m = nn.ModuleList([nn.Linear(a, b) for a, b in sizes])", []),
        (LOOP.replace("    layers", "    if a != b:\n        layers") + WHOLE, []),
        (LOOP.replace("[]", "[nn.Linear(4, 4)]") + WHOLE, []),
        (LOOP.replace("    layers", f"{NORM}    layers") + WHOLE, ["+ if layers:", ADDED]),
        (f"{BLOCK}m = nn.Sequential(block(4, 8), nn.Linear(8, 1))", []),
        (BLOCK.replace("(a, b),", "(a, b), nn.Tanh(),") + "m = nn.Sequential(block(4, 8), block(8, 8))", []),
    ],
)
def test_a_nonlinearity_where_a_loop_makes_the_layers(source: str, expected: list[str]) -> None:
    assert first_change(HEAD + source, "add-nonlinearity") == expected


@pytest.mark.parametrize(
    ("nothing", "acts"),
    [
        ('act = "none"', 'act = "relu"'),
        ("ACT = nn.Identity", "ACT = nn.ReLU"),
        ("self.act = lambda x: x", "self.act = torch.relu"),
        ('cfg = dict(activation="identity")', 'cfg = dict(activation="relu")'),
        ('out_act = "none"', ""),
        ('mode = "none"', ""),
    ],
)
def test_what_does_nothing_by_its_name_acts(nothing: str, acts: str) -> None:
    source = HEAD + 'KNOWN = {"none": same, "relu": torch.relu}\n' + nothing
    assert first_change(source, "add-nonlinearity") == ([f"- {nothing}", f"+ {acts}"] if acts else [])
