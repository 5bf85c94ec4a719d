"""Rates are changed where they are written, to what such an optimizer is usually given."""

import pytest

from gradus.diagnosis.history import History
from gradus.diagnosis.signs import Examination, OptimizerFacts, ParameterSigns
from tests.diagnosis.prescription.changing import changes, first_change

HEAD = "import torch\nfrom torch.optim import Adam\nfrom torch.optim.lr_scheduler import OneCycleLR\n"


def lowered(source: str, history: History | None = None) -> list[str]:
    return first_change(HEAD + source, "lower-learning-rate", history, "learning-rate-too-high")


def raised(source: str, history: History | None = None) -> list[str]:
    return first_change(HEAD + source, "raise-learning-rate", history, "learning-rate-too-low")


@pytest.mark.parametrize(
    ("source", "before", "after"),
    [
        ("o = torch.optim.SGD(p, lr=2.0)", "lr=2.0", "lr=0.1"),
        ("o = torch.optim.SGD(p, 2.0, momentum=0.9)", "2.0, m", "0.02, m"),
        ("o = Adam(p, lr=0.5)", "0.5", "0.001"),
        ("LR = 0.5\no = Adam(p, LR)", "LR = 0.5", "LR = 0.001"),
        ("o = Adam([{'params': a, 'lr': 0.5}])", "0.5", "0.001"),
        ("o = torch.optim.SGD(p, lr=0.2)", "0.2", "0.02"),  # about what is customary
        ("o = Adam(p, lr=1e-3)\ns = OneCycleLR(o, max_lr=3.0, total_steps=9)", "max_lr=3.0", "max_lr=0.01"),
        ("o = Adam(p, lr=1e-3)\ns = OneCycleLR(o, 3.0, total_steps=9)", "3.0", "0.01"),
        ("lr = 5.0\nfor w in ws:\n    w.data -= lr * w.grad", "lr = 5.0", "lr = 0.1"),
        ("for w in ws:\n    w.sub_(w.grad * 5.0)", "5.0", "0.1"),
        ("for w in ws:\n    w.add_(w.grad, alpha=-5.0)", "5.0", "0.1"),
        ("for w in ws:\n    w.data = w.data - 5.0 * w.grad", "5.0 *", "0.1 *"),
        ("W = W - 5.0 * grad_W", "5.0", "0.1"),
        ("ps = {k: v - 5.0 * grads[k] for k, v in ps.items()}", "5.0", "0.1"),
        ("for w in ws:\n    w.copy_(w - 5.0 * w.grad)", "5.0", "0.1"),
        ("torch._foreach_add_(ws, grads, alpha=-5.0)", "5.0", "0.1"),
        ("options = dict(lr=0.5)\no = Adam(p, **options)", "0.5", "0.001"),
        # Steps are as far as gradients are long.
        ("o = torch.optim.SGD(p, lr=20.0)\ntorch.nn.utils.clip_grad_norm_(p, 0.25)", "20.0", "0.4"),
        ("torch.nn.utils.clip_grad_norm_(p, 0.25)\nfor w in ws:\n    w.add_(w.grad, alpha=-20.0)", "20.0", "0.4"),
        ("o = torch.optim.SGD(p, lr=20.0)\ntorch.nn.utils.clip_grad_norm_(p, 5.0)", "20.0", "0.1"),
        ("o = Adam(p, lr=0.5)\ntorch.nn.utils.clip_grad_norm_(p, 0.25)", "0.5", "0.001"),
    ],
)
def test_lower(source: str, before: str, after: str) -> None:
    line = next(each.strip() for each in source.splitlines() if before in each)
    assert lowered(source) == [f"- {line}", f"+ {line.replace(before, after)}"]


def test_candidates_differ_and_are_few() -> None:
    found = changes(HEAD + "o = Adam(p, lr=0.5)", "lower-learning-rate", None, "learning-rate-too-high")
    assert [each.rpartition("lr=")[2].strip(") \n") for each in found] == ["0.001", "0.003", "0.0002"]


def test_an_aside_of_other_causes() -> None:
    assert len(changes(HEAD + "o = Adam(p, lr=0.5)", "lower-learning-rate", None, "dead-units")) == 1
    assert not changes(HEAD + "o = Adam(p, lr=0.5)", "lower-learning-rate", None, "learning-rate-too-low")


def test_a_rate_that_is_set_later() -> None:
    found = lowered("o = Adam(p, lr=0.5)\nfor g in o.param_groups:\n    g['lr'] = 0.3")
    assert found[2:] == ["- g['lr'] = 0.3", "+ g['lr'] = 0.001"]
    other = "o = Adam(p, lr=0.5)\nbest['lr'] = 0.3\nfor g in o.param_groups:\n    g['lr'] = 0.0"
    assert lowered(other) == ["- o = Adam(p, lr=0.5)", "+ o = Adam(p, lr=0.001)"]


def test_momentum_among_options_counts() -> None:
    found = lowered("options = dict(lr=5.0, momentum=0.9)\no = torch.optim.SGD(p, **options)")
    assert found[1] == "+ options = dict(lr=0.02, momentum=0.9)"


@pytest.mark.parametrize("rate", ["json.loads(text)['lr']", "10 ** args.log_lr"])
def test_a_rate_that_is_nowhere_written_is_the_one_in_use(rate: str) -> None:
    history = History(optimizers={0: OptimizerFacts(name="Adam", rate=0.5)})
    assert lowered(f"o = Adam(p, lr={rate})", history) == [f"- o = Adam(p, lr={rate})", "+ o = Adam(p, lr=0.001)"]
    assert lowered(f"o = Adam(p, lr={rate})") == []
    assert lowered("o = Adam(p, **options)", history) == []  # which may hold a rate


def test_only_the_optimizer_that_trained() -> None:
    history = History(optimizers={0: OptimizerFacts(name="Adam", rate=0.5)})
    source = "a = torch.optim.SGD(p, lr=9.0)\nb = torch.optim.Adam(p, lr=0.5)"
    assert lowered(source, history) == ["- b = torch.optim.Adam(p, lr=0.5)", "+ b = torch.optim.Adam(p, lr=0.001)"]


def test_a_default_that_is_not_written() -> None:
    history = History(optimizers={0: OptimizerFacts(name="Adam", rate=1e-3)})
    assert lowered("o = Adam(p)", history) == ["- o = Adam(p)", "+ o = Adam(p, lr=0.0001)"]


@pytest.mark.parametrize(
    "source",
    ["o = make(p)", "total -= loss * 2", "x = a - 3 * b", "o = Adam(p, lr=find())", "s = OneCycleLR(o, max_lr=find())"],
)
def test_nothing_where_no_rate_is_written(source: str) -> None:
    assert lowered(source) == []


def test_raise() -> None:
    assert raised("o = Adam(p, lr=1e-7)") == ["- o = Adam(p, lr=1e-7)", "+ o = Adam(p, lr=0.001)"]
    assert raised("o = Adam(p, lr=1e-3)") == ["- o = Adam(p, lr=1e-3)", "+ o = Adam(p, lr=0.01)"]


def test_raise_by_what_was_measured() -> None:
    weight = ParameterSigns(elements=64, matrix=True, weight=1.0, gradient=1.0, update=1e-6)
    history = History(examinations=[Examination(step=0, parameters={"m:w": weight})])
    found = changes(HEAD + "o = Adam(p, lr=1e-5)", "raise-learning-rate", history, "learning-rate-too-low")
    assert "lr=0.02" in found[2]  # 2e-3 of the weight for 1e-6


def test_what_holds_a_rate_down() -> None:
    history = History()
    history.rates.extend([1e-3 * 0.5**step for step in range(21)])
    source = "o = Adam(p, lr=1e-3)\ns = torch.optim.lr_scheduler.ExponentialLR(o, 0.5)"
    assert raised(source, history) == [
        "- s = torch.optim.lr_scheduler.ExponentialLR(o, 0.5)",
        "+ s = torch.optim.lr_scheduler.ExponentialLR(o, 0.891)",  # 0.891**20 = 0.1
    ]
    clipped = "torch.nn.utils.clip_grad_norm_(p, 1e-5)\no = Adam(p, lr=1e-3)"
    assert raised(clipped) == [
        "- torch.nn.utils.clip_grad_norm_(p, 1e-5)",
        "+ torch.nn.utils.clip_grad_norm_(p, 1.0)",
    ]
    assert raised(source)[1] == "+ o = Adam(p, lr=0.01)"  # a schedule that was not seen to decay


_BATCHES = (
    "o = Adam(p, lr=1e-3)\ns = torch.optim.lr_scheduler.ExponentialLR(o, 0.5)\nfor e in range(9):\n    for x in xs:\n"
)
_FUNCTION = "def train(s):\n    for x in xs:\n        step(x)\n        s.step()\n"
_MADE = "s = torch.optim.lr_scheduler.ExponentialLR(Adam(p, lr=1e-3), 0.5)\n"


@pytest.mark.parametrize(
    ("source", "moved"),
    [
        (_BATCHES + "        step(x)\n        s.step()\n    print(e)", "        step(x)\n    s.step()\n    print(e)"),
        (_BATCHES + "        step(x)\n        s.step()", "        step(x)\n    s.step()"),
        (_BATCHES + "        s.step()\n        step(x)\n    print(e)", "        step(x)\n    s.step()\n    print(e)"),
        (_FUNCTION + _MADE + "for e in range(9):\n    train(s)", "        step(x)\n    s.step()\n"),
        (_FUNCTION + _MADE + "train(s)", ""),
        (_MADE + "for x in xs:\n    step(x)\n    s.step()", ""),
    ],
)
def test_a_schedule_of_epochs_steps_behind_the_loop_over_batches(source: str, moved: str) -> None:
    still = ParameterSigns(elements=64, matrix=True, weight=1.0, gradient=1.0, update=1e-9)
    history = History(step=200, ended=True, examinations=[Examination(step=150, parameters={"m:w": still})])
    history.rates.extend([1e-3 * 0.5**step for step in range(200)])
    found = changes(HEAD + source, "raise-learning-rate", history, "under-trained")[0]
    assert (moved in found and moved not in source) if moved else "0.5)" not in found
    assert not changes(HEAD + source, "train-longer", history, "under-trained")
