"""Outputs (N, 1) and targets (N,)."""

import pytest

from gradus.diagnosis.history import History
from gradus.diagnosis.signs import Examination, LossSigns, Op
from tests.diagnosis.prescription.changing import changes, first_change
from tests.diagnosis.prescription.test_losses import trained


@pytest.mark.parametrize(
    ("loss", "before", "new"),
    [
        ("loss = F.mse_loss(model(x), y)", "", "loss = F.mse_loss(model(x).squeeze(1), y)"),
        ("loss = criterion(model(x), y)", "criterion = nn.L1Loss()", "loss = criterion(model(x).squeeze(1), y)"),
        ("loss = ((model(x) - y) ** 2).mean()", "", "loss = ((model(x).squeeze(1) - y) ** 2).mean()"),
        ("loss = (y - model(x)).abs().mean()", "", "loss = (y - model(x).squeeze(1)).abs().mean()"),
        (
            "loss = pinball(model(x), y)",
            "def pinball(pred, target):\n    e = target - pred\n    return torch.maximum(0.5 * e, -0.5 * e).mean()\n",
            "loss = pinball(model(x).squeeze(1), y)",
        ),
        (
            "loss = huber(model(x), y, 0.5)",
            "def huber(p, y, d):\n    e = (p - y).abs()\n    return torch.where(e < d, e**2, d * (e - d / 2)).mean()\n",
            "loss = huber(model(x).squeeze(1), y, 0.5)",
        ),
        (
            "loss = RMSE()(model(x), y)",
            "class RMSE(nn.Module):\n    def forward(self, out, y):\n        return F.mse_loss(out, y).sqrt()\n",
            "loss = RMSE()(model(x).squeeze(1), y)",
        ),
        (
            "loss = F.mse_loss(model(x)[:, k : k + 1], y)",
            "",
            "loss = F.mse_loss(model(x)[:, k : k + 1].squeeze(1), y)",
        ),
        ("loss = F.mse_loss(model(x)[seen], y[seen])", "", "loss = F.mse_loss(model(x)[seen].squeeze(1), y[seen])"),
    ],
)
def test_outputs_lose_their_axis(loss: str, before: str, new: str) -> None:
    assert first_change(trained(loss, before=before), "match-shapes") == [f"- {loss}", f"+ {new}"]


def test_also_where_they_are_evaluated_but_not_where_they_are_reshaped() -> None:
    after = (
        "mae = F.l1_loss(model(x), y)\nflat = model(x).view(-1) - y\nr2 = 1 - ((model(x) - y) ** 2).mean() / y.var()"
    )
    assert first_change(trained("loss = F.mse_loss(model(x), y)", after=after), "match-shapes") == [
        "- loss = F.mse_loss(model(x), y)",
        "+ loss = F.mse_loss(model(x).squeeze(1), y)",
        "- mae = F.l1_loss(model(x), y)",
        "+ mae = F.l1_loss(model(x).squeeze(1), y)",
        "- r2 = 1 - ((model(x) - y) ** 2).mean() / y.var()",
        "+ r2 = 1 - ((model(x).squeeze(1) - y) ** 2).mean() / y.var()",
    ]


def _met_by_columns(*between: Op) -> History:
    head = (Op(name="Sub", shape=(32, 32), data=True), *between, Op(name="Squeeze", shape=(32,)))
    loss = LossSigns(value=1.0, kind="values", heads=(head,))
    return History(examinations=[Examination(step=0, losses=(loss,))])


@pytest.mark.parametrize("target", ["y", "y[rows]", "y[:64]"])
def test_targets_lose_theirs_where_it_is_they_that_have_one(target: str) -> None:
    source = trained(f"loss = F.mse_loss(model(x)[:, 0], {target})")
    assert first_change(source, "match-shapes", _met_by_columns()) == [
        f"- loss = F.mse_loss(model(x)[:, 0], {target})",
        f"+ loss = F.mse_loss(model(x)[:, 0], {target}.squeeze(1))",
    ]


@pytest.mark.parametrize("axis", ["squeeze(-1)", "view(-1)", "flatten()"])
def test_outputs_keep_theirs_where_columns_meet_them_in_several_places(axis: str) -> None:
    clipped = (
        f"values = model(x).{axis}\nnear = old[rows] + (values - old[rows]).clamp(-0.2, 0.2)\n"
        "loss = torch.max((y[rows] - values) ** 2, (y[rows] - near) ** 2).mean()"
    )
    history = _met_by_columns(Op(name="Add", shape=(32, 32)), Op(name="Sub", shape=(32, 32)))
    assert first_change(trained(clipped), "match-shapes", history) == [
        f"- values = model(x).{axis}",
        "+ values = model(x)",
    ]


@pytest.mark.parametrize(
    "given", ["model(x).squeeze(-1)", "model(x)[:, 0]", "model(x).flatten()", "model(x)[:, 0][seen]"]
)
def test_nothing_where_outputs_are_flat(given: str) -> None:
    assert changes(trained(f"loss = F.mse_loss({given}, y)"), "match-shapes") == []


def test_a_target_that_a_model_computes_without_gradients_is_data() -> None:
    made = "with torch.no_grad():\n    target = y + model(x).squeeze(1)\n"
    lines = f"{made}value = model(x)\nloss = F.mse_loss(value, target)"
    assert first_change(trained(lines), "match-shapes") == [
        "- loss = F.mse_loss(value, target)",
        "+ loss = F.mse_loss(value.squeeze(1), target)",
    ]


def _weighed_by(factor: tuple[int, ...], terms: tuple[int, ...]) -> History:
    head = (Op(name="Mean"), Op(name="Mul", shape=(32, 32), data=True, factors=(factor,)), Op(name="Sum", shape=terms))
    return History(examinations=[Examination(step=0, losses=(LossSigns(value=1.0, heads=(head,)),))])


POLICY = "said = torch.distributions.Categorical(logits=model(x))\nlog_p = said.log_prob(y)\n"
RATIO = "ratio = (log_p - old).exp()\n"


@pytest.mark.parametrize(
    ("lines", "before", "after"),
    [
        ("loss = -(log_p * gain).mean()", "log_p * gain", "log_p * gain.squeeze(1)"),
        ("loss = -(log_p * gain).mean() - 0.01 * said.entropy().mean()", "log_p * gain", "log_p * gain.squeeze(1)"),
        ("loss = (F.cross_entropy(model(x), y, reduction='none') * w).mean()", "* w", "* w.squeeze(1)"),
    ],
)
def test_weights_lose_their_axis(lines: str, before: str, after: str) -> None:
    found = first_change(trained(POLICY + lines), "match-shapes", _weighed_by((32, 1), (32,)))
    assert found == [f"- {lines}", f"+ {lines.replace(before, after)}"]


def test_weights_lose_it_in_all_products() -> None:
    clipped = RATIO + "loss = -torch.min(ratio * gain, ratio.clamp(0.8, 1.2) * gain).mean()"
    assert first_change(trained(POLICY + clipped), "match-shapes", _weighed_by((32, 1), (32,)))[1:] == [
        "+ loss = -torch.min(ratio * gain.squeeze(1), ratio.clamp(0.8, 1.2) * gain.squeeze(1)).mean()"
    ]


def test_or_the_terms_lose_it() -> None:
    loss = "loss = (-torch.stack([model(each) for each in x]) * gain).sum()"
    assert first_change(trained(loss), "match-shapes", _weighed_by((32,), (32, 1)))[1:] == [
        "+ loss = ((-torch.stack([model(each) for each in x])).squeeze(1) * gain).sum()"
    ]


@pytest.mark.parametrize(
    ("loss", "names"),
    [("((z @ z.T) * mask(y).float()).mean()", ("Mul", "Mm")), ("(z @ z.T - mask(y)).square().mean()", ("Sub", "Mm"))],
)
@pytest.mark.parametrize("same", ["labels[None] == labels[:, None]", "labels.unsqueeze(0) == labels.unsqueeze(1)"])
def test_labels_lose_theirs_where_they_choose_pairs(loss: str, names: tuple[str, str], same: str) -> None:
    over, under = names
    head = (Op(name="Mean"), Op(name=over, shape=(32, 32, 32), data=True), Op(name=under, shape=(32, 32)))
    history = History(examinations=[Examination(step=0, losses=(LossSigns(value=1.0, heads=(head,)),))])
    source = trained(f"z = model(x)\nloss = {loss}", before=f"def mask(labels):\n    return ({same}) & apart\n")
    assert changes(source, "match-shapes", history) == [source.replace("mask(y)", "mask(y.squeeze(1))")]


@pytest.mark.parametrize("loss", ["F.mse_loss(model(x), y) * scale", "0.5 * model(x)", "model(x).mean() * scale"])
def test_nothing_where_one_number_scales_the_loss(loss: str) -> None:
    assert changes(trained(f"loss = {loss}"), "match-shapes", _weighed_by((32, 1), (32,))) == []
