"""What two players pay for."""

from tests.diagnosis.prescription.changing import changes, first_change, lines
from tests.diagnosis.prescription.test_players import gan

AT_REAL = "+ at_real = real.detach().requires_grad_(True)"
SLOPE = "+ slope = torch.autograd.grad(D(at_real).sum(), at_real, create_graph=True)[0]"
WASSERSTEIN = """
import torch
G, D = torch.nn.Linear(2, 2), torch.nn.Linear(2, 1)
opt_g = torch.optim.SGD(G.parameters(), lr=0.02)
opt_d = torch.optim.SGD(D.parameters(), lr=0.02)
def step(optimizer, loss):
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
for n in range(100):
    real, fake = batch(), G(torch.randn(32, 2))
    step(opt_d, D(fake.detach()).mean() - D(real).mean())
    step(opt_g, -D(fake).mean())
"""


def test_a_discriminator_pays_for_its_slope() -> None:
    found = lines(gan(), changes(gan(), "slow-discriminator")[0])
    assert found == [AT_REAL, SLOPE, "+ loss_d = loss_d + slope.square().flatten(1).sum(1).mean()"]


def test_also_where_both_take_their_steps_in_one_function() -> None:
    found = first_change(WASSERSTEIN, "damp-players")
    assert AT_REAL in found
    assert any("- D(real).mean() + slope.square().flatten(1).sum(1).mean())" in each for each in found)


def test_also_where_its_verdicts_have_names() -> None:
    named = WASSERSTEIN.replace("    step(opt_d", "    f, r = D(fake.detach()), D(real)\n    step(opt_d")
    named = named.replace("D(fake.detach()).mean() - D(real).mean()", "f.mean() - r.mean()")
    assert AT_REAL in first_change(named, "damp-players")


def test_what_it_needs_is_imported() -> None:
    source = WASSERSTEIN.replace("import torch", "from torch import nn, optim, randn").replace("torch.", "")
    assert first_change(source, "damp-players")[0] == "+ import torch"


def test_not_twice_nor_where_real_data_are_not_told_from_made_ones() -> None:
    paying = gan().replace("opt_d.zero_grad()", "loss_d += torch.autograd.grad(s, x, create_graph=True)[0].norm()")
    mixed = gan().replace("D(G(z).detach())", "D(torch.cat([real, other]))")
    pair = WASSERSTEIN.replace("D(real).mean()", "D(real)[0].mean()")
    parts = WASSERSTEIN.replace("    step(opt_d", "    r, parts = D(real)\n    step(opt_d").replace("- D(real)", "- r")
    for program, remedy in (
        (paying, "slow-discriminator"),
        (mixed, "slow-discriminator"),
        (pair, "damp-players"),
        (parts, "damp-players"),
    ):
        assert not any("at_real" in each for each in changes(program, remedy))


def test_a_penalty_without_weight_gets_one() -> None:
    program = (
        gan()
        .replace(
            "    opt_d.zero_grad()",
            "    slope = torch.autograd.grad(D(real).sum(), real, create_graph=True)[0]\n"
            "    loss_d = loss_d + WEIGHT * slope.square().mean()\n    opt_d.zero_grad()",
        )
        .replace("bce = ", "WEIGHT = 0.0\nbce = ")
    )
    assert first_change(program, "slow-discriminator") == ["- WEIGHT = 0.0", "+ WEIGHT = 1.0"]
    assert first_change(program.replace("= 0.0", "= 0.1"), "damp-players")[0] != "- WEIGHT = 0.1"


def test_what_comes_of_noise_is_compared_with_no_example() -> None:
    near = "torch.nn.functional.l1_loss(G(z), real)"
    assert first_change(gan(loss_g=f"bce(D(G(z)), ones) + 10 * {near}"), "diversity") == [
        f"- loss_g = bce(D(G(z)), ones) + 10 * {near}",
        "+ loss_g = bce(D(G(z)), ones)",
    ]
    added = gan(loss_g=f"bce(D(G(z)), ones)\n    loss_g += {near}")
    assert first_change(added, "diversity") == [f"- loss_g += {near}"]
    summed = gan(loss_g=f"bce(D(G(z)), ones)\n    loss_g = loss_g + {near}")
    assert first_change(summed, "diversity") == [f"- loss_g = loss_g + {near}"]
    paired = gan(loss_g=f"bce(D(G(z)), ones) + {near}").replace("z = torch.randn(32, 2)", "z = sketches()")
    features = gan(loss_g=f"bce(D(G(z)), ones) + {near.replace('G(z)', 'D(G(z))')}")
    for program in (gan(), paired, features, "import torch\nnet = torch.nn.Linear(2, 1)\n"):
        assert first_change(program, "diversity") == []
