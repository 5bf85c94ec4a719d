"""What holds of every optimizer in the catalogue."""

import io
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook

from gradus.core.errors import InputError
from gradus.optim import OptimizerCard, optimizers
from gradus.training.checkpoint import pack, unpack

CARDS = optimizers.cards()
SECOND_ORDER = {"bfgs", "gauss_newton", "levenberg_marquardt", "newton_cg"}
VARIANTS: list[tuple[str, dict[str, Any]]] = [
    *((card.name, {}) for card in CARDS),
    ("sgd", {"momentum": 0.9, "nesterov": True}),
    ("sgd", {"momentum": 0.9, "flat": True}),
    ("sgd", {"momentum": 0.9, "preset": "keras"}),
    ("adagrad", {"preset": "keras", "flat": True}),
    ("rmsprop", {"preset": "keras", "momentum": 0.9, "nesterov": True}),
    ("adam", {"preset": "keras"}),
    ("adam", {"preset": "keras", "flat": True}),
    ("adamw", {"flat": True, "amsgrad": True}),
    ("adamax", {"preset": "keras"}),
    ("nadam", {"decoupled_weight_decay": True}),
    ("proximal", {"l1": 0.01, "l2": 0.01, "group": 0.01, "accelerate": True}),
]


def forms(wanted: Callable[[str, dict[str, Any]], bool]) -> pytest.MarkDecorator:
    chosen = [(optimizers.get(name), options) for name, options in VARIANTS if wanted(name, options)]
    return pytest.mark.parametrize(("card", "options"), chosen, ids=lambda each: getattr(each, "name", str(each)))


EVERY = forms(lambda name, options: True)
COMPILED = {
    "sgd",
    "adagrad",
    "rmsprop",
    "adadelta",
    "adam",
    "adamw",
    "adamax",
    "nadam",
    "radam",
    "rprop",
    "asgd",
    "proximal",
}
"""Those whose step torch compiles; it takes no closures, and pytorch_optimizer promises nothing."""
WRONG: dict[str, Any] = {
    **dict.fromkeys(("lr", "adamw_lr", "d0", "d_coef", "radius", "damping"), 0.0),
    **dict.fromkeys(("eps", "matrix_eps"), 0.0),
    **dict.fromkeys(("weight_decay", "initial_accumulator_value", "momentum_decay", "lambd", "t0"), -1.0),
    **dict.fromkeys(("l1", "l2", "group", "alpha", "tolerance"), -1.0),
    **dict.fromkeys(("momentum", "rho", "rcond", "cg_tolerance"), 1.0),
    **dict.fromkeys(("max_iter", "max_eval", "max_cg", "history_size", "chunk", "every"), 0),
    "betas": [0.9, 1.0],
    "beta2_decay": 0.8,
    "d": 0.5,
    "etas": [1.5, 1.2],
    "step_sizes": [0.0, 50.0],
}
"""Of every option that is no yes or no, a value that makes no sense."""
X = torch.randn(32, 2, 5, 5, generator=torch.Generator().manual_seed(0))
Y = torch.randint(3, (32,), generator=torch.Generator().manual_seed(1))


def network(card: OptimizerCard, dtype: torch.dtype = torch.float32) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        if card.name in SECOND_ORDER:
            return nn.Sequential(nn.Flatten(), nn.Linear(50, 3)).to(dtype)
        return nn.Sequential(
            nn.Conv2d(2, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(36, 3)
        ).to(dtype)


def made(card: OptimizerCard, options: dict[str, Any], model: nn.Module) -> Optimizer:
    return card.build(model.parameters(), **card.validate(options))  # type: ignore[no-any-return]


def closure_of(model: nn.Module, optimizer: Optimizer) -> Callable[[], Tensor]:
    """What the optimizer wants to be told, of a classification, or of a regression on the same targets."""
    inputs = X.to(next(model.parameters()).dtype)

    def loss() -> Tensor:
        return nn.functional.cross_entropy(model(inputs), Y)

    def residuals() -> Tensor:
        return torch.flatten(model(inputs) - nn.functional.one_hot(Y, 3))

    def gradients() -> Tensor:
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value

    kinds = {"loss": loss, "residuals": residuals, "gradients": gradients}
    return kinds[getattr(optimizer, "wants", "gradients")]


def train(model: nn.Module, optimizer: Optimizer, steps: int) -> list[float]:
    closure = closure_of(model, optimizer)
    return [float(torch.as_tensor(optimizer.step(closure)).detach()) for _ in range(steps)]  # type: ignore[arg-type]


@pytest.mark.parametrize("card", optimizers.cards(), ids=lambda card: card.name)
def test_documents_itself(card: OptimizerCard) -> None:
    assert card.summary.endswith(".")
    assert len(card.source) > 10
    assert card.formula
    for preset in card.elsewhere:
        assert card.validate({"preset": preset})


@EVERY
def test_lowers_the_loss_and_makes_no_nan(card: OptimizerCard, options: dict[str, Any]) -> None:
    model = network(card)
    losses = train(model, made(card, options, model), 30)
    assert all(math.isfinite(each) for each in losses)
    assert losses[-1] < losses[0]
    assert all(each.isfinite().all() for each in model.parameters())


@EVERY
def test_goes_on_bit_for_bit_from_its_saved_state(card: OptimizerCard, options: dict[str, Any]) -> None:
    """As a checkpoint keeps it: tensors by themselves, the rest as JSON."""
    whole = network(card)
    optimizer = made(card, options, whole)
    train(whole, optimizer, 5)
    tensors: dict[str, Tensor] = {}
    document = pack(optimizer.state_dict(), tensors)
    kept = {name: each.clone(memory_format=torch.contiguous_format) for name, each in tensors.items()}
    weights = io.BytesIO()
    torch.save(whole.state_dict(), weights)
    train(whole, optimizer, 5)

    resumed = network(card)
    again = made(card, options, resumed)
    resumed.load_state_dict(torch.load(io.BytesIO(weights.getvalue()), weights_only=True))
    again.load_state_dict(unpack(document, kept))
    train(resumed, again, 5)
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), resumed.parameters(), strict=True))


@EVERY
def test_a_step_is_one_for_those_who_look_on(card: OptimizerCard, options: dict[str, Any]) -> None:
    """Even where it is made of the step of one of torch's, which has been used before."""
    for before in (torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD, torch.optim.Adagrad, torch.optim.LBFGS):
        before([nn.Parameter(torch.zeros(1))])
    model, seen = network(card), []
    optimizer = made(card, options, model)
    local = optimizer.register_step_post_hook(lambda it, given, named: seen.append(it))
    everywhere = register_optimizer_step_post_hook(lambda it, given, named: seen.append(it))
    try:
        train(model, optimizer, 2)
    finally:
        local.remove()
        everywhere.remove()
    assert seen == [optimizer] * 4


@forms(lambda name, options: name not in {"shampoo", "soap"} | SECOND_ORDER)  # torch decomposes no such matrices
def test_trains_in_bfloat16(card: OptimizerCard, options: dict[str, Any]) -> None:
    model = network(card, torch.bfloat16)
    losses = train(model, made(card, options, model), 5)
    assert all(math.isfinite(each) for each in losses)
    assert all(each.dtype == torch.bfloat16 and each.isfinite().all() for each in model.parameters())


@forms(lambda name, options: name in COMPILED and not {"flat", "accelerate"} & options.keys())
def test_steps_the_same_under_compile(card: OptimizerCard, options: dict[str, Any]) -> None:
    plain, compiled = (nn.Sequential(nn.Flatten(), nn.Linear(50, 3)) for _ in range(2))
    compiled.load_state_dict(plain.state_dict())
    for model, wrap in ((plain, False), (compiled, True)):
        optimizer = made(card, options, model)
        step = torch.compile(optimizer.step, backend="eager") if wrap else optimizer.step
        for _ in range(3):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(X), Y).backward()
            step()
    for a, b in zip(plain.parameters(), compiled.parameters(), strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_refuses_bad_options_by_name(card: OptimizerCard) -> None:
    for each in card.options:
        wrong = "perhaps" if isinstance(each.default, bool) else WRONG[each.name]
        infinite = [math.inf] if each.name in {"lr", "eps", "weight_decay"} else []
        for value in (wrong, "fast", *infinite):
            with pytest.raises(InputError, match=f"optimizer `{card.name}`: `{each.name}[.`]"):
                card.validate({each.name: value})
        with pytest.raises(InputError, match=f"optimizer `{card.name}`: unknown option `{each.name}s`"):
            card.validate({f"{each.name}s": each.default})
