"""Which loss, averaged over what, and with which sign."""

from dataclasses import replace

import pytest

from gradus.diagnosis.history import History
from gradus.diagnosis.signs import Examination, LossSigns
from tests.diagnosis.prescription.changing import changes, first_change

HEAD = """
import torch
import torch.nn as nn
import torch.nn.functional as F

model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
"""
STEP = "    optimizer.zero_grad(); loss.backward(); optimizer.step()\n"


def trained(loss: str, *, before: str = "", after: str = "") -> str:
    """A program that computes its loss by these lines."""
    body = "\n".join(f"    {line}" for line in loss.splitlines())
    return f"{HEAD}{before}\nfor x, y in loader:\n{body}\n{STEP}{after}\n"


class TestKind:
    def test_rates_are_no_logarithms(self) -> None:
        assert first_change(trained("loss = nn.PoissonNLLLoss()(F.softplus(model(x)), y)"), "fit-loss") == [
            "- loss = nn.PoissonNLLLoss()(F.softplus(model(x)), y)",
            "+ loss = nn.PoissonNLLLoss(log_input=False)(F.softplus(model(x)), y)",
        ]
        by_hand = "rate = F.softplus(model(x))\nloss = (torch.exp(rate) - y * rate).mean()"
        assert (
            first_change(trained(by_hand), "fit-loss")[1] == "+ loss = (rate - y * rate.clamp(min=1e-8).log()).mean()"
        )

    @pytest.mark.parametrize("other", ["(y + rate)", "rate * rate", "y * y"])
    def test_other_differences_are_no_likelihood_of_counts(self, other: str) -> None:
        by_hand = f"rate = F.softplus(model(x))\nloss = (torch.exp(rate) - {other}).mean()"
        assert not any("rate.clamp" in each for each in changes(trained(by_hand), "fit-loss"))

    def test_raw_outputs_are_for_cross_entropy(self) -> None:
        after = """
def evaluate(net, x, y):
    out = net(x)
    return F.nll_loss(out, y, reduction="sum"), out.exp()
evaluate(model, x, y)
"""
        program = trained("loss = F.nll_loss(model(x), y)", after=after)
        assert first_change(program, "fit-loss") == [
            "- loss = F.nll_loss(model(x), y)",
            "+ loss = F.cross_entropy(model(x), y)",
            '- return F.nll_loss(out, y, reduction="sum"), out.exp()',
            '+ return F.cross_entropy(out, y, reduction="sum"), out.softmax(dim=1)',
        ]

    def test_a_criterion_is_changed_where_it_is_made(self) -> None:
        program = trained("loss = criterion(model(x), y)", before="criterion = nn.NLLLoss()")
        assert first_change(program, "fit-loss") == [
            "- criterion = nn.NLLLoss()",
            "+ criterion = nn.CrossEntropyLoss()",
        ]

    @pytest.mark.parametrize("given", ["F.log_softmax(model(x), 1)", "torch.log(model(x).softmax(1))"])
    def test_logarithms_of_probabilities_stay(self, given: str) -> None:
        assert changes(trained(f"loss = F.nll_loss({given}, y)"), "fit-loss") == []

    def test_class_numbers_get_a_unit_each(self) -> None:
        loss = LossSigns(value=3.0, kind="values", target_high=9.0, target_whole=True)
        history = History(examinations=[Examination(step=0, losses=(loss,))])
        program = trained(
            "out = model(x)\nloss = criterion(out.squeeze(1), y.float())",
            before="criterion = nn.MSELoss()",
            after="said = model(x).squeeze(1).round().long()",
        )
        assert first_change(program, "fit-loss", history) == [
            "- model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))",
            "+ model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 10))",
            "- criterion = nn.MSELoss()",
            "+ criterion = nn.CrossEntropyLoss()",
            "- loss = criterion(out.squeeze(1), y.float())",
            "+ loss = criterion(out, y.long())",
            "- said = model(x).squeeze(1).round().long()",
            "+ said = model(x).argmax(dim=1)",
        ]
        assert changes(program, "fit-loss") == [], "how many classes there are has not been seen"

    @pytest.mark.parametrize(
        ("before", "loss", "after", "new"),
        [
            (
                "",
                "loss = F.binary_cross_entropy_with_logits(model(x).squeeze(1), y.float())",
                "said = torch.sigmoid(model(x)).round().squeeze(1).long()",
                ["loss = F.cross_entropy(model(x), y.long())", "said = model(x).argmax(dim=1)"],
            ),
            (
                "criterion = nn.BCEWithLogitsLoss()",
                "loss = criterion(model(x), y.float().unsqueeze(1))",
                "said = (model(x) > 0).flatten()",
                [
                    "criterion = nn.CrossEntropyLoss()",
                    "loss = criterion(model(x), y.flatten().long())",
                    "said = model(x).argmax(dim=1)",
                ],
            ),
            (
                "",
                "loss = F.binary_cross_entropy(torch.sigmoid(model(x)).view(-1), y.float())",
                "said = (torch.sigmoid(model(x)) > 0.5).float()",
                ["loss = F.cross_entropy(model(x), y.long())", "said = model(x).argmax(dim=1)"],
            ),
        ],
    )
    def test_one_yes_or_no_of_many_classes(self, before: str, loss: str, after: str, new: list[str]) -> None:
        signs = LossSigns(value=-3.0, kind="classes", target_high=9.0, target_whole=True)
        history = History(examinations=[Examination(step=0, losses=(signs,))])
        made = first_change(trained(loss, before=before, after=after), "fit-loss", history)
        widened = "+ model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 10))"
        assert [each for each in made if each.startswith("+")] == [widened, *(f"+ {each}" for each in new)]
        for other in (replace(signs, target_high=1.0), replace(signs, target_low=-1.0)):
            unlike = History(examinations=[Examination(step=0, losses=(other,))])
            assert changes(trained(loss, before=before, after=after), "fit-loss", unlike) == []

    def test_several_outputs_are_not_made_units_of_classes(self) -> None:
        signs = LossSigns(value=3.0, kind="values", target_high=9.0, target_whole=True)
        history = History(examinations=[Examination(step=0, losses=(signs,))])
        program = trained("loss = F.mse_loss(model(x), y)").replace("Linear(8, 1)", "Linear(8, 3)")
        assert changes(program, "fit-loss", history) == []

    def test_the_sigmoid_of_a_chain_goes_too(self) -> None:
        signs = LossSigns(value=-3.0, kind="classes", target_high=4.0, target_whole=True)
        history = History(examinations=[Examination(step=0, losses=(signs,))])
        program = trained(
            "loss = F.binary_cross_entropy(model(x).squeeze(1), y.float())", after="said = model(x).round()"
        )
        made = first_change(program.replace("Linear(8, 1))", "Linear(8, 1), nn.Sigmoid())"), "fit-loss", history)
        assert [each for each in made if each.startswith("+")] == [
            "+ model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 5))",
            "+ loss = F.cross_entropy(model(x), y.long())",
            "+ said = model(x).argmax(dim=1)",
        ]


class TestSign:
    @pytest.mark.parametrize(
        ("loss", "old", "new"),
        [
            ("loss = -F.mse_loss(model(x), y)", None, "loss = F.mse_loss(model(x), y)"),
            ("loss = -1 * F.mse_loss(model(x), y)", None, "loss = F.mse_loss(model(x), y)"),
            ("loss = (-1.0) * F.mse_loss(model(x), y)", None, "loss = F.mse_loss(model(x), y)"),
            ("loss = F.mse_loss(model(x), y).neg()", None, "loss = F.mse_loss(model(x), y)"),
            ("loss = (log_p(x) * reward).mean()", None, "loss = -(log_p(x) * reward).mean()"),
            ("loss = log_p(x) + log_p(y)", None, "loss = -(log_p(x) + log_p(y))"),
            (
                "gain = (dist.log_prob(a) * r).mean()\nloss = gain + 0.5 * F.mse_loss(model(x), y)",
                "gain = (dist.log_prob(a) * r).mean()",
                "gain = -(dist.log_prob(a) * r).mean()",
            ),
        ],
    )
    def test_of_a_loss(self, loss: str, old: str | None, new: str) -> None:
        assert first_change(trained(loss), "flip-sign") == [f"- {old or loss}", f"+ {new}"]

    def test_of_a_value_beside_a_critics_error(self) -> None:
        before = "for s, a, r in memory:\n    error = F.mse_loss(critic(s, a), r)\n    error.backward()\n"
        assert changes(trained("loss = critic(x, model(x)).mean()", before=before), "flip-sign") == [
            trained("loss = -critic(x, model(x)).mean()", before=before)
        ]

    def test_where_it_goes_backward(self) -> None:
        program = trained("loss = F.mse_loss(model(x), y)").replace("loss.backward()", "(-loss).backward()")
        assert first_change(program, "flip-sign") == [
            "- optimizer.zero_grad(); (-loss).backward(); optimizer.step()",
            "+ optimizer.zero_grad(); loss.backward(); optimizer.step()",
        ]

    def test_in_a_function(self) -> None:
        before = "def objective(out, y):\n    return -F.cross_entropy(out, y)\n"
        program = trained("loss = objective(model(x), y)", before=before)
        assert first_change(program, "flip-sign") == [
            "- return -F.cross_entropy(out, y)",
            "+ return F.cross_entropy(out, y)",
        ]

    def test_of_an_optimizer_that_maximizes(self) -> None:
        program = trained("loss = F.mse_loss(model(x), y)").replace("lr=0.1", "lr=0.1, maximize=True")
        assert [each for each in first_change(program, "flip-sign") if each.startswith("+")] == [
            "+ optimizer = torch.optim.SGD(model.parameters(), lr=0.1)"
        ]
        assert len(changes(program, "flip-sign")) == 1

    def test_of_a_step_by_hand(self) -> None:
        program = f"{HEAD}\nfor x, y in loader:\n    F.mse_loss(model(x), y).backward()\n    w += 0.1 * w.grad\n"
        assert first_change(program, "flip-sign") == ["- w += 0.1 * w.grad", "+ w -= 0.1 * w.grad"]


class TestMean:
    @pytest.mark.parametrize(
        ("loss", "new"),
        [
            ('loss = F.mse_loss(model(x), y, reduction="sum")', "loss = F.mse_loss(model(x), y)"),
            ("loss = ((model(x) - y) ** 2).sum()", "loss = ((model(x) - y) ** 2).mean()"),
            ("loss = torch.sum((model(x) - y) ** 2)", "loss = torch.mean((model(x) - y) ** 2)"),
            (
                'loss = F.mse_loss(model(x), y, reduction="none").sum()',
                'loss = F.mse_loss(model(x), y, reduction="none").mean()',
            ),
            (
                "loss = ((model(x) - y) ** 2).sum(1).sum() + 0.1 * model[0].weight.abs().mean()",
                "loss = ((model(x) - y) ** 2).sum(1).mean() + 0.1 * model[0].weight.abs().mean()",
            ),
        ],
    )
    def test_over_the_batch(self, loss: str, new: str) -> None:
        assert first_change(trained(loss), "mean-loss") == [f"- {loss}", f"+ {new}"]

    @pytest.mark.parametrize(
        ("loss", "kept"),
        [
            ("(err * mask).sum()", "mask"),
            ("torch.sum(err.mul(pad_mask))", "pad_mask"),
            ("(err * valid[:, None].float()).sum()", "valid[:, None].float()"),
            ("(err * (y != 0)).sum()", "(y != 0)"),
            ("-(err.squeeze() * here).sum()", "here"),
            ("torch.where(mask, err, 0.0).sum()", "mask"),
            ("err.masked_fill(~mask, 0.0).sum()", "mask"),
        ],
    )
    def test_over_what_a_mask_leaves(self, loss: str, kept: str) -> None:
        before = "    here = (y > 0).float()\n    err = F.mse_loss(model(x), y, reduction='none')\n"
        program = trained(f"loss = {loss}").replace("    loss =", f"{before}    loss =")
        new = f"+ loss = {loss} / {kept}.sum().clamp(min=1)"
        assert first_change(program, "mean-loss") == [f"- loss = {loss}", new]

    @pytest.mark.parametrize("loss", ["(err * advantage).sum()", "err.masked_fill(mask, 0.0).sum()", "err[mask].sum()"])
    def test_over_all_where_it_is_not_known_what_is_left(self, loss: str) -> None:
        program = trained(f"loss = {loss}").replace("    loss =", "    err = (model(x) - y) ** 2\n    loss =")
        assert first_change(program, "mean-loss")[1] == f"+ loss = {loss}".replace("sum()", "mean()")

    @pytest.mark.parametrize(
        "before",
        [
            "from functools import partial\ncriterion = partial(F.cross_entropy, reduction='sum')",
            "kept = dict(reduction='sum')\ncriterion = nn.CrossEntropyLoss(**kept)",
            "cfg = {'reduction': 'sum'}\ncriterion = nn.CrossEntropyLoss(reduction=cfg['reduction'])",
            "def criterion(out, y, how='sum'): return F.cross_entropy(out, y, reduction=how)",
        ],
    )
    def test_where_the_reduction_is_written(self, before: str) -> None:
        program = trained("loss = criterion(model(x), y)", before=before)
        assert changes(program, "mean-loss")[0] == program.replace("'sum'", '"mean"')

    def test_by_the_number_of_examples_where_the_sum_is_used_elsewhere(self) -> None:
        program = trained(
            "loss = criterion(model(x), y)",
            before='criterion = nn.CrossEntropyLoss(reduction="sum")',
            after="total = sum(criterion(model(x), y).item() for x, y in test) / len(test_set)",
        )
        assert first_change(program, "mean-loss") == [
            "- loss = criterion(model(x), y)",
            "+ loss = criterion(model(x), y) / len(y)",
        ]

    @pytest.mark.parametrize(
        "loss", ["loss = F.mse_loss(model(x), y)", "loss = ((model(x) - y) ** 2).sum(dim=1).mean()"]
    )
    def test_nothing_where_it_is_one(self, loss: str) -> None:
        assert changes(trained(loss), "mean-loss") == []
