"""A generator and a discriminator: which is ahead, and by what."""

import pytest

from tests.diagnosis.prescription.changing import changes, first_change


def gan(*, g_rate: str = "1e-3", d_rate: str = "1e-3", loss_g: str = "bce(D(G(z)), ones)", d_steps: str = "") -> str:
    """A program with two players."""
    inner = f"    for _ in range({d_steps}):\n    " if d_steps else ""
    judge = ["real = batch()", "loss_d = bce(D(real), ones) + bce(D(G(z).detach()), zeros)", "opt_d.zero_grad()",
             "loss_d.backward()", "opt_d.step()"]  # fmt: skip
    lines = ("\n" + ("        " if d_steps else "    ")).join(judge)
    return f"""
import torch
import torch.nn as nn

G = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 2))
D = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 1))
opt_g = torch.optim.Adam(G.parameters(), lr={g_rate})
opt_d = torch.optim.Adam(D.parameters(), lr={d_rate})
bce = nn.BCEWithLogitsLoss()
ones, zeros = torch.ones(32, 1), torch.zeros(32, 1)
for step in range(100):
    z = torch.randn(32, 2)
{inner or "    "}    {lines}
    loss_g = {loss_g}
    opt_g.zero_grad()
    loss_g.backward()
    opt_g.step()
""".replace("\n        real", "\n    real" if not d_steps else "\n        real")


def test_a_fast_discriminator_gets_the_generators_rate() -> None:
    for remedy in ("slow-discriminator", "diversity"):
        assert "+ opt_d = torch.optim.Adam(D.parameters(), lr=0.001)" in first_change(gan(d_rate="2e-2"), remedy)


def test_a_generator_that_hardly_moves_gets_the_discriminators_rate() -> None:
    changed = changes(gan(g_rate="1e-5", d_rate="2e-3"), "slow-discriminator")[:2]
    assert ["lr=0.002)" in changed[0], "lr=0.001)" in changed[1]] == [True, True]
    assert all("lr=2e-3" in each for each in changed)
    for plain in (gan(g_rate="1e-4", d_rate="2e-3"), gan(g_rate="4e-5", d_rate="1e-4")):
        assert not any("opt_d" not in each for each in first_change(plain, "slow-discriminator"))


def test_a_slow_discriminator_too() -> None:
    changed = first_change(gan(d_rate="1e-5"), "fast-discriminator")
    assert changed == [
        "- opt_d = torch.optim.Adam(D.parameters(), lr=1e-5)",
        "+ opt_d = torch.optim.Adam(D.parameters(), lr=0.001)",
    ]


def test_as_many_steps_of_one_as_of_the_other() -> None:
    assert first_change(gan(d_steps="5"), "slow-discriminator") == ["- for _ in range(5):", "+ for _ in range(1):"]
    assert first_change(gan(d_steps="1"), "slow-discriminator") != []


@pytest.mark.parametrize("remedy", ["fast-discriminator", "diversity"])
def test_as_many_where_each_has_a_function_or_a_turn(remedy: str) -> None:
    program = """
import torch
G, D = torch.nn.Linear(2, 2), torch.nn.Linear(2, 1)
opt_g = torch.optim.Adam(G.parameters(), lr=1e-3)
opt_d = torch.optim.Adam(D.parameters(), lr=1e-3)
INNER = 8
def step_d():
    loss = bce(D(batch()), ones) + bce(D(G(z).detach()), zeros)
    loss.backward()
    opt_d.step()
def step_g():
    loss = bce(D(G(z)), ones)
    loss.backward()
    opt_g.step()
for step in range(100):
"""
    for turns in ("step_d()\n    for _ in range(INNER):\n        step_g()\n",
                  "if step > 9 and step % INNER == 0:\n        step_d()\n    step_g()\n"):  # fmt: skip
        assert first_change(f"{program}    {turns}", remedy) == ["- INNER = 8", "+ INNER = 1"]


def test_as_many_where_functions_are_handed_their_optimizers() -> None:
    program = """
import torch
G, D = torch.nn.Linear(2, 2), torch.nn.Linear(2, 1)
opt_g = torch.optim.Adam(G.parameters(), lr=1e-3)
opt_d = torch.optim.Adam(D.parameters(), lr=1e-3)
EVERY = 50
def step_d(G, D, optimizer):
    loss = bce(D(batch()), ones) + bce(D(G(z).detach()), zeros)
    loss.backward()
    optimizer.step()
def step_g(G, D, optimizer):
    loss = bce(D(G(z)), ones)
    loss.backward()
    optimizer.step()
for step in range(100):
    step_d(G, D, opt_d)
    if step % EVERY == 0:
        step_g(G, D, optimizer=opt_g)
"""
    assert first_change(program, "slow-discriminator") == ["- EVERY = 50", "+ EVERY = 1"]


def test_a_saturating_loss_is_turned_round() -> None:
    assert first_change(gan(loss_g="-bce(D(G(z)), zeros)"), "slow-discriminator") == [
        "- loss_g = -bce(D(G(z)), zeros)",
        "+ loss_g = bce(D(G(z)), ones)",
    ]


def test_players_are_told_apart_by_what_they_are_called_on() -> None:
    program = gan(d_rate="2e-2").replace("G(", "painter(").replace("D(", "expert(")
    program = program.replace("G =", "painter =").replace("D =", "expert =").replace("G.", "painter.")
    program = program.replace("D.", "expert.").replace("opt_g", "first").replace("opt_d", "second")
    assert (
        first_change(program, "slow-discriminator")[1] == "+ second = torch.optim.Adam(expert.parameters(), lr=0.001)"
    )


def test_oscillation_is_damped() -> None:
    assert [each for each in first_change(gan(), "damp-players") if each[0] == "+"] == [
        "+ opt_g = torch.optim.Adam(G.parameters(), lr=1e-3, betas=(0.0, 0.999))",
        "+ opt_d = torch.optim.Adam(D.parameters(), lr=1e-3, betas=(0.0, 0.999))",
    ]
    found = changes(gan(g_rate="1e-3, betas=(0.9, 0.99)", d_rate="1e-3, betas=(0.5, 0.9)"), "damp-players")
    given = [each for each in found if "at_real" not in each]
    assert ["betas=(0.0, 0.99)" in each and "betas=(0.0, 0.9)" in each for each in given] == [True, True, False]
    assert "lr=0.00025, betas=(0.0, 0.99)" in given[1]
    assert "betas=(0.5, 0.99)" in given[2]
    found = changes(gan(g_rate="1e-3, betas=(0.0, 0.9)", d_rate="1e-3, betas=(0.0, 0.9)"), "damp-players")
    still = [each for each in found if "at_real" not in each]
    assert ["lr=0.00025, betas=(0.0, 0.9)" in still[0], "lr=0.0001, betas=(0.0, 0.9)" in still[1]] == [True, True]


@pytest.mark.parametrize(
    ("bound", "given", "damped"),
    [
        ("betas = (0.9, 0.99)", "betas=betas", "betas = (0.0, 0.99)"),
        ("options = dict(betas=(0.9, 0.99))", "**options", "options = dict(betas=(0.0, 0.99))"),
        ('options = {"betas": [0.9, 0.99]}', 'betas=options["betas"]', 'options = {"betas": [0.0, 0.99]}'),
    ],
)
def test_momentum_that_both_players_share_is_written_once(bound: str, given: str, damped: str) -> None:
    program = gan(g_rate=f"1e-3, {given}", d_rate=f"1e-3, {given}").replace("bce =", f"{bound}\nbce =")
    assert first_change(program, "damp-players") == [f"- {bound}", f"+ {damped}"]


def test_momentum_of_players_goes() -> None:
    program = gan(g_rate="1e-3, momentum=0.9").replace("Adam", "SGD")
    assert (
        first_change(program, "damp-players")[1] == "+ opt_g = torch.optim.SGD(G.parameters(), lr=1e-3, momentum=0.0)"
    )


@pytest.mark.parametrize(
    ("loss", "turned"),
    [
        ("-F.softplus(D(G(z))).mean()", "F.softplus(-D(G(z))).mean()"),
        ("(-F.softplus(D(G(z)))).mean()", "F.softplus(-D(G(z))).mean()"),
        ("torch.log(1 - D(G(z)) + 1e-8).mean()", "-torch.log(D(G(z)) + 1e-8).mean()"),
        ("F.logsigmoid(-D(G(z))).mean()", "-F.logsigmoid(D(G(z))).mean()"),
    ],
)
def test_saturating_losses_without_labels(loss: str, turned: str) -> None:
    program = gan(loss_g=loss).replace(
        "import torch.nn as nn", "import torch.nn as nn\nimport torch.nn.functional as F"
    )
    assert first_change(program, "slow-discriminator") == [f"- loss_g = {loss}", f"+ loss_g = {turned}"]


def test_a_loss_that_does_not_saturate_stays() -> None:
    program = gan(loss_g="-F.softplus(-D(G(z))).mean()").replace(
        "import torch.nn as nn", "import torch.nn as nn\nimport torch.nn.functional as F"
    )
    assert not any("loss_g =" in each for each in first_change(program, "slow-discriminator"))


def test_a_head_start_goes() -> None:
    assert first_change(gan(d_steps="5 if step else 600"), "slow-discriminator")[1] == "+ for _ in range(1):"


@pytest.mark.parametrize("remedy", ["slow-discriminator", "fast-discriminator", "damp-players"])
def test_nothing_where_there_are_no_two_players(remedy: str) -> None:
    program = """
import torch
model = torch.nn.Linear(2, 2)
optimizer = torch.optim.Adam(model.parameters(), lr=1.0)
for x, y in loader:
    loss = (model(x) - y).pow(2).mean()
    loss.backward()
    optimizer.step()
"""
    assert changes(program, remedy) == []


TURNS = """
for step in range(100):
    z, real = torch.randn(32, 2), batch()
    loss_d = bce(D(real), ones) + bce(D(G(z).detach()), zeros)
    loss_d.backward()
    {d}.step()
    loss_g = bce(D(G(z)), ones)
    loss_g.backward()
    {g}.step()
"""
NETS = """
import torch
from dataclasses import dataclass, field
from torch import nn
G, D = nn.Linear(2, 2), nn.Linear(2, 1)
bce = nn.BCEWithLogitsLoss()
"""


HELPER = """
def make(net, lr):
    return torch.optim.Adam(net.parameters(), lr=lr)
"""
PLAYER = """
def player(n, lr):
    net = nn.Linear(2, n)
    return net, torch.optim.Adam(net.parameters(), lr=lr)
G, g_opt = player(2, 1e-3)
D, d_opt = player(1, lr=2e-2)
"""
TABLE = """
opts = {
    "g": torch.optim.Adam(G.parameters(), lr=1e-3),
    "d": torch.optim.Adam(D.parameters(), lr=2e-2),
}
"""
FIELDS = """
@dataclass
class Rates:
    g: float = 1e-3
    d: float = 2e-2
@dataclass
class Options:
    rates: Rates = field(default_factory=Rates)
rates = Options().rates
opt_g = torch.optim.Adam(G.parameters(), rates.g)
opt_d = torch.optim.Adam(D.parameters(), rates.d)
"""


@pytest.mark.parametrize(
    ("made", "d", "g", "slower"),
    [
        (f"{HELPER}opt_g = make(G, 1e-3)\nopt_d = make(D, 2e-2)", "opt_d", "opt_g", "opt_d = make(D, 0.001)"),
        (f"{HELPER}a, b = make(G, 1e-3), make(D, 2e-2)", "b", "a", "a, b = make(G, 1e-3), make(D, 0.001)"),
        (PLAYER, "d_opt", "g_opt", "D, d_opt = player(1, lr=0.001)"),
        (TABLE, 'opts["d"]', 'opts["g"]', '"d": torch.optim.Adam(D.parameters(), lr=0.001),'),
        (FIELDS, "opt_d", "opt_g", "d: float = 0.001"),
    ],
)
def test_however_optimizers_are_made(made: str, d: str, g: str, slower: str) -> None:
    assert f"+ {slower}" in first_change(f"{NETS}{made}\n{TURNS.format(d=d, g=g)}", "diversity")
