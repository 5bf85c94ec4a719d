"""Logarithms, roots, quotients and exponentials."""

from typing import Any

import pytest
import torch

from gradus.diagnosis.history import History
from gradus.diagnosis.signs import Examination, LossSigns, NonFinite
from tests.diagnosis.prescription.changing import changes, first_change
from tests.diagnosis.prescription.test_losses import trained


class TestMask:
    @pytest.mark.parametrize(
        ("filling", "expected"),
        [
            ('out = model(x).masked_fill(~ok, float("-inf"))', "out = model(x).masked_fill(~ok, -1e9)"),
            ("out = torch.where(ok, model(x), -torch.inf)", "out = torch.where(ok, model(x), -1e9)"),
            ('out[~ok] = -float("inf")', "out[~ok] = -1e9"),
            ('best = float("-inf")', ""),
            ("out = model(x).masked_fill(~ok, 0.0)", ""),
        ],
    )
    def test_is_finite_where_it_met_a_zero(self, filling: str, expected: str) -> None:
        program = trained("loss = -(y * out.log_softmax(1)).sum()").replace("    loss", f"    {filling}\n    loss")
        met = History(non_finite=NonFinite(step=0, where="", source="loss", operation="LogSoftmax", pole=True))
        wanted = [f"- {filling}", f"+ {expected}"] if expected else []
        assert first_change(program, "stable-loss", met) == wanted
        root = History(non_finite=NonFinite(step=0, where="", source="loss", operation="Sqrt", pole=True))
        assert first_change(program, "stable-loss", root) == []

    def test_has_a_name(self) -> None:
        program = trained("loss = masked(model(x), y)", before="LOW = -math.inf\n")
        program = program.replace("LOW", "def masked(x, y): return x.masked_fill(y, LOW).log_softmax(1)\nLOW", 1)
        lost = History(non_finite=NonFinite(step=0, where="", source="gradient"))
        lost.examinations = [Examination(step=0, losses=(LossSigns(value=1.0, times_infinity=True),))]
        assert first_change(f"import math\n{program}", "stable-loss", lost) == ["- LOW = -math.inf", "+ LOW = -1e9"]


class TestStable:
    def test_what_is_handed_over_with_a_star(self) -> None:
        before = (
            "def pair(x):\n    h = model(x)\n    return h[:, 0], F.relu(h[:, 1])\n"
            "def nll(mean, variance, y):\n    return (torch.log(variance) + (y - mean) ** 2 / variance).mean()\n"
        )
        changed = first_change(trained("loss = nll(*pair(x), y)", before=before), "stable-loss")
        assert changed == ["- return h[:, 0], F.relu(h[:, 1])", "+ return h[:, 0], F.softplus(h[:, 1]) + 1e-3"]

    @pytest.mark.parametrize(
        ("loss", "change"),
        [
            ("loss = (y * (y.log() - model(x))).sum()", "+ loss = (y * (y.clamp(min=1e-7).log() - model(x))).sum()"),
            ("loss = model(x).sum() / y.sum()", "+ loss = model(x).sum() / (y.sum() + 1e-8)"),
        ],
    )
    def test_of_data_that_can_be_zero(self, loss: str, change: str) -> None:
        assert change in first_change(trained(loss), "stable-loss")

    @pytest.mark.parametrize(
        ("loss", "new"),
        [
            (
                "loss = F.nll_loss(torch.log(torch.softmax(model(x), dim=1)), y)",
                "loss = F.nll_loss(torch.log_softmax(model(x), dim=1), y)",
            ),
            (
                "loss = -torch.sigmoid(model(x)).log().mean()",
                "loss = -F.logsigmoid(model(x)).mean()",
            ),
            (
                "loss = -torch.log(1 - torch.sigmoid(model(x))).mean()",
                "loss = -F.logsigmoid(-model(x)).mean()",
            ),
            (
                "loss = torch.log(torch.exp(model(x)).sum(dim=1)).mean()",
                "loss = torch.logsumexp(model(x), dim=1).mean()",
            ),
            ("loss = torch.sqrt(F.mse_loss(model(x), y))", "loss = torch.sqrt(F.mse_loss(model(x), y) + 1e-8)"),
            ("loss = F.mse_loss(model(x), y).sqrt()", "loss = (F.mse_loss(model(x), y) + 1e-8).sqrt()"),
            ("loss = F.mse_loss(model(x), y) ** 0.5", "loss = (F.mse_loss(model(x), y) + 1e-8) ** 0.5"),
            (
                "loss = torch.acos(F.cosine_similarity(model(x), y)).mean()",
                "loss = torch.acos(F.cosine_similarity(model(x), y).clamp(-1 + 1e-6, 1 - 1e-6)).mean()",
            ),
            (
                "loss = torch.log(torch.sqrt(F.mse_loss(model(x), y)))",
                "loss = torch.log(torch.sqrt(F.mse_loss(model(x), y) + 1e-8).clamp(min=1e-7))",
            ),
            (
                "loss = (y / F.mse_loss(model(x), y).sqrt().sum()).mean()",
                "loss = (y / ((F.mse_loss(model(x), y) + 1e-8).sqrt().sum() + 1e-8)).mean()",
            ),
            (
                "loss = (y / model(x).norm(dim=1)).mean()",
                "loss = (y / (model(x).norm(dim=1) + 1e-8)).mean()",
            ),
            (
                "loss = ((torch.log(model(x) + 1) - torch.log(y + 1)) ** 2).mean()",
                "loss = ((torch.log(model(x).clamp(min=0) + 1) - torch.log(y + 1)) ** 2).mean()",
            ),
            (
                "loss = -torch.log(torch.relu(model(x))).mean()",
                "loss = -torch.log(F.softplus(model(x)) + 1e-3).mean()",
            ),
        ],
    )
    def test_form(self, loss: str, new: str) -> None:
        assert first_change(trained(loss), "stable-loss") == [f"- {loss}", f"+ {new}"]

    def test_what_would_be_computed_twice_gets_a_name(self) -> None:
        loss = "p = model(x).softmax(dim=1)\nloss = F.nll_loss(p.log(), y)"
        assert first_change(trained(loss), "stable-loss") == [
            "+ logits = model(x)",
            "- p = model(x).softmax(dim=1)",
            "+ p = logits.softmax(dim=1)",
            "- loss = F.nll_loss(p.log(), y)",
            "+ loss = F.nll_loss(torch.log_softmax(logits, dim=1), y)",
        ]

    def test_a_cross_entropy_by_hand_changes_at_both_logarithms(self) -> None:
        loss = "-(t * torch.log(p) + (1 - t) * torch.log(1 - p)).mean()"
        before = f"def bce(out, t):\n    z = out.squeeze(1)\n    p = torch.sigmoid(z)\n    return {loss}\n"
        program = trained("loss = bce(model(x), y)", before=before)
        assert first_change(program, "stable-loss") == [
            "- p = torch.sigmoid(z)",
            f"- return {loss}",
            "+ return -(t * F.logsigmoid(z) + (1 - t) * F.logsigmoid(-z)).mean()",
        ]
        assert len(changes(program, "stable-loss")) == 3, "then each by itself"

    def test_a_root_whose_name_is_printed_too(self) -> None:
        before = """def distance(a, b):
    squares = (a - b).pow(2).sum(1)
    print(f"{squares}")
    return squares.sqrt()
"""
        assert first_change(trained("loss = distance(model(x), y).mean()", before=before), "stable-loss") == [
            "- return squares.sqrt()",
            "+ return (squares + 1e-8).sqrt()",
        ]

    def test_probabilities_of_a_model_are_bounded(self) -> None:
        before = "head = nn.Softmax(dim=1)\ndef nll(p, y):\n    return -torch.log(p[range(len(y)), y]).mean()\n"
        assert first_change(trained("loss = nll(head(model(x)), y)", before=before), "stable-loss") == [
            "- return -torch.log(p[range(len(y)), y]).mean()",
            "+ return -torch.log(p[range(len(y)), y].clamp(min=1e-7)).mean()",
        ]

    def test_a_scale_that_may_be_negative_is_made_positive(self) -> None:
        loss = "mean, scale = model(x).chunk(2, 1)\nloss = (torch.log(scale) + (y - mean).abs() / scale).mean()"
        assert first_change(trained(loss), "stable-loss")[0] == "+ scale = F.softplus(scale) + 1e-3"

    @pytest.mark.parametrize(
        "loss",
        [
            "loss = -torch.log(torch.sigmoid(model(x)) + 1e-8).mean()",
            "loss = -torch.log(torch.sigmoid(model(x)).clamp(min=1e-6)).mean()",
            "loss = torch.sqrt(F.mse_loss(model(x), y) + 1e-8)",
            "loss = F.mse_loss(model(x), torch.log(y))",
            "loss = F.mse_loss(model(x), y) / 2",
            "loss = F.mse_loss(model(x), y) / model(x).size(1) ** 0.5",
            "loss = torch.log(F.softplus(model(x))).mean()",
        ],
    )
    def test_nothing_where_it_is_bounded_or_of_data(self, loss: str) -> None:
        assert changes(trained(loss), "stable-loss") == []

    @pytest.mark.parametrize(
        ("loss", "plain"),
        [
            ("loss = F.smooth_l1_loss(model(x).log(), y.log())", "loss = F.smooth_l1_loss(model(x), y)"),
            ("loss = ((torch.log(model(x)) - torch.log(y)) ** 2).mean()", "loss = ((model(x) - y) ** 2).mean()"),
            ("loss = F.mse_loss(model(x).log(), y)", ""),
        ],
    )
    def test_what_is_done_to_both_sides_goes_from_both(self, loss: str, plain: str) -> None:
        found = changes(trained(loss), "stable-loss")
        assert [f"    {plain}\n" in each for each in found] == ([True] if plain else [])


class TestExponent:
    @pytest.mark.parametrize(
        ("loss", "new"),
        [
            (
                "loss = F.mse_loss(torch.exp(model(x)) / torch.exp(model(x)).sum(1, keepdim=True), y)",
                "loss = F.mse_loss(torch.softmax(model(x), dim=1), y)",
            ),
            ("loss = torch.log(1 + torch.exp(model(x))).mean()", "loss = F.softplus(model(x)).mean()"),
            (
                "loss = torch.log(torch.exp(model(x)).sum(dim=1)).mean()",
                "loss = torch.logsumexp(model(x), dim=1).mean()",
            ),
            (
                "loss = (torch.exp(model(x)) - y).mean()",
                "loss = (torch.exp(model(x).clamp(max=20)) - y).mean()",
            ),
        ],
    )
    def test_form(self, loss: str, new: str) -> None:
        assert first_change(trained(loss), "bound-exponent") == [f"- {loss}", f"+ {new}"]

    @pytest.mark.parametrize(
        ("loss", "change"),
        [
            ("loss = torch.exp(F.cross_entropy(model(x), y) / 0.5)", "+ loss = F.cross_entropy(model(x), y) / 0.5"),
            ("loss = F.mse_loss(model(x), y)\nloss = loss.exp()", "- loss = loss.exp()"),
            ("loss = (2 * ((model(x) - y) ** 2).mean()).exp() * 3", "+ loss = (2 * ((model(x) - y) ** 2).mean()) * 3"),
            (
                "loss = torch.exp(F.cross_entropy(model(x), y, reduction='none')).mean()",
                "+ loss = F.cross_entropy(model(x), y, reduction='none').mean()",
            ),
        ],
    )
    def test_of_a_loss_the_loss_itself(self, loss: str, change: str) -> None:
        assert first_change(trained(loss), "bound-exponent")[-1] == change

    @pytest.mark.parametrize("loss", ["(model(x).exp() - y).mean()", "model(x).sum(1).exp().mean()"])
    def test_what_a_model_gives_is_no_loss(self, loss: str) -> None:
        assert ".clamp(max=20)" in changes(trained(f"loss = {loss}"), "bound-exponent")[0]

    def test_several_at_once_and_then_one_by_one(self) -> None:
        terms = (f"torch.log(torch.exp(model(x)).sum({axis})).mean()" for axis in range(2))
        found = changes(trained(f"loss = {' + '.join(terms)}"), "bound-exponent")
        assert [each.count("torch.logsumexp(") for each in found[:3]] == [2, 1, 1]

    def test_the_next_bound_is_wider(self) -> None:
        found = changes(trained("loss = (torch.exp(model(x)) - y).mean()"), "bound-exponent")
        assert ["torch.exp(model(x).clamp(max=60))" in each for each in found] == [False, True]

    @pytest.mark.parametrize("remedy", ["bound-exponent", "stable-loss"])
    @pytest.mark.parametrize(
        ("quotient", "difference"),
        [
            ("e.diagonal() / e.sum(1)", "sim.diagonal() - sim.logsumexp(1)"),
            ("e[rows, y] / e.sum(dim=1)", "sim[rows, y] - sim.logsumexp(1)"),
            ("e.diagonal() / (e.sum(1) + 1e-8)", "sim.diagonal() - sim.logsumexp(1)"),
            ("e.diagonal() / e.sum(1) + 1e-8", "sim.diagonal() - sim.logsumexp(1)"),
            ("p / (p + e.sum(1))", "(a * b).sum(1) - torch.logaddexp((a * b).sum(1), sim.logsumexp(1))"),
        ],
    )
    def test_logarithms_of_quotients_are_differences(self, quotient: str, difference: str, remedy: str) -> None:
        before = f"""def contrast(a, b, y):
    rows = torch.arange(len(a))
    sim = a @ b.T
    e = sim.exp()
    p = torch.exp((a * b).sum(1))
    return -torch.log({quotient}).mean()
"""
        program = trained("loss = contrast(model(x), model(x), y)", before=before)
        changed = changes(program, remedy)[0]
        values = []
        for text in (program, changed):
            place: dict[str, Any] = {}
            exec("import torch\n" + text[text.index("def contrast") : text.index("for x, y")], place)
            generator = torch.Generator().manual_seed(0)
            a, b = torch.randn(4, 3, generator=generator), torch.randn(4, 3, generator=generator)
            values.append(place["contrast"](a, b, torch.tensor([1, 0, 3, 2])))
        torch.testing.assert_close(values[1], values[0])
        assert "exp()" not in changed.replace("logsumexp()", "")
        assert f"return -({difference}).mean()" in changed

    def test_what_another_function_exponentiates_is_none_of_this_one(self) -> None:
        before = """def raised(z):
    return z.exp()
def contrast(sim):
    e = raised(sim)
    return -torch.log(e.diagonal() / e.sum(1)).mean()
"""
        program = trained("loss = contrast(model(x))", before=before)
        assert not any("z.logsumexp" in each for each in changes(program, "bound-exponent"))

    @pytest.mark.parametrize(
        ("lines", "change"),
        [
            (
                ["e = torch.exp(z)", "return e / e.sum(-1, keepdim=True)"],
                ["+ return torch.softmax(z, dim=-1)", "- e = torch.exp(z)", "- return e / e.sum(-1, keepdim=True)"],
            ),
            (
                ["e = ((z + 1) / 0.1).exp()", "e = e / e.sum(1, keepdim=True)", "return e"],
                ["- e = e / e.sum(1, keepdim=True)", "+ e = torch.softmax((z + 1) / 0.1, dim=1)"],
            ),
            (
                ["e = torch.exp(z)", "z = z + 1", "return z * (e / e.sum(-1, keepdim=True))"],
                ["- e = torch.exp(z)", "+ e = torch.exp(z - z.amax(-1, keepdim=True))"],
            ),
        ],
    )
    def test_a_softmax_by_hand(self, lines: list[str], change: list[str]) -> None:
        before = "\n    ".join(["def weights(z):", *lines]) + "\n"
        program = trained("loss = F.mse_loss(weights(model(x)), y)", before=before)
        assert first_change(program, "bound-exponent") == change

    def test_a_softmax_is_the_same_less_its_largest(self) -> None:
        z = torch.randn(5, 4, dtype=torch.float64)
        e = torch.exp(z - z.amax(-1, keepdim=True))
        torch.testing.assert_close(e / e.sum(-1, keepdim=True), torch.softmax(z, -1))

    def test_half_precision_becomes_single_and_bfloat16_where_that_is_not_taken(self) -> None:
        program = (
            "import torch\nmodel = torch.nn.Linear(2, 2).half()\ncast = torch.autocast('cpu', dtype=torch.float16)\n"
        )
        assert first_change(program, "bound-exponent") == [
            "- model = torch.nn.Linear(2, 2).half()",
            "+ model = torch.nn.Linear(2, 2).float()",
            "- cast = torch.autocast('cpu', dtype=torch.float16)",
            "+ cast = torch.autocast('cpu', dtype=torch.bfloat16)",
        ]
