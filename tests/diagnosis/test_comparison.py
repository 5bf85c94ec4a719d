"""What a loss compares, against what it was given, and figures of it against NumPy."""

import functools
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gradus.diagnosis.comparison import compared, read_loss, share_right
from gradus.diagnosis.graph import walk
from gradus.diagnosis.signs import LossSigns

N, C = 40, 5
LOGITS = torch.randn(N, C, generator=torch.Generator().manual_seed(0))
VALUES = 3 + 2 * torch.randn(N, C, generator=torch.Generator().manual_seed(1))
CLASSES = torch.randint(C, (N,), generator=torch.Generator().manual_seed(2))


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def layer_giving(values: Tensor) -> tuple[Tensor, Tensor]:
    """An output of a layer that is these values, and the layer's weight."""
    weight = nn.Parameter(values.clone())
    return torch.eye(len(values), dtype=values.dtype) @ weight, weight


def read(loss: Callable[[Tensor], Tensor], output: Tensor = LOGITS) -> LossSigns:
    said, _ = layer_giving(output)
    value = loss(said)
    return read_loss(value.item(), walk(value), said)


def log_softmax(logits: Tensor) -> np.ndarray[Any, np.dtype[np.float64]]:
    z = logits.double().numpy()
    log_p: np.ndarray[Any, np.dtype[np.float64]] = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return log_p


# ---- classes --------------------------------------------------------------------------------------------------------


def test_losses_added_up_are_read_together() -> None:
    """Of the letters of a word, the last mostly blank: counts of all, and the number of terms that carry no weight."""
    letters = [torch.randint(C, (N,)), torch.randint(C, (N,)), torch.zeros(N, dtype=torch.long)]

    def added(said: Tensor) -> Tensor:
        total: Tensor = torch.zeros(())
        for target in letters:
            total = total + F.cross_entropy(said, target)
        return total

    found = read(added)
    assert found.terms == 3
    assert found.counts == tuple(torch.bincount(torch.cat(letters), minlength=C).tolist())
    right = [(LOGITS.argmax(dim=1) == target).float().mean().item() for target in letters]
    assert found.accuracy == pytest.approx(np.mean(right))
    assert found.surprise == pytest.approx(found.value / 3, rel=1e-5)
    mixed = read(lambda said: 0.3 * F.cross_entropy(said, letters[0]) + 0.7 * F.cross_entropy(said, letters[1]))
    assert mixed.terms == 1
    many = read(lambda said: sum((F.cross_entropy(said, CLASSES) for _ in range(90)), torch.zeros(())))
    assert many.terms == 90
    assert many.accuracy == pytest.approx(read(lambda said: F.cross_entropy(said, CLASSES)).accuracy)


def added_up(said: Tensor, *, extra: bool, share: float = 1.0) -> Tensor:
    """Errors of each example, or of what has two axes, as each step of a batch."""
    pairs = zip(said, VALUES, strict=True)
    shape = (-1, 1) if extra else (-1,)
    errors = [F.mse_loss(one.reshape(shape), two.reshape(shape)) for one, two in pairs]
    return torch.stack(errors if share == 1 else [each / (1 / share) for each in errors]).sum()


@pytest.mark.parametrize("smoothed", [True, False])
@pytest.mark.parametrize("kept", [N, N - 1])
def test_a_loss_of_each_example_by_itself_adds_them_up(kept: int, smoothed: bool) -> None:
    def added(said: Tensor) -> Tensor:
        pairs = zip(said[:kept], CLASSES[:kept], strict=True)
        smooth = 0.1 if smoothed else 0.0
        return sum((F.cross_entropy(*each, label_smoothing=smooth) for each in pairs), torch.zeros(()))

    found, mean = read(added), read(lambda said: added(said) / N)
    assert (found.summed, found.batch) == ((True, N) if kept == N else (False, 1))
    assert not mean.summed
    assert not read(partial(added_up, extra=False, share=1 / N)).summed
    values, steps = (read(partial(added_up, extra=each)) for each in (False, True))
    assert (values.summed, steps.summed) == (True, False)


def test_what_is_no_log_probability_beside_a_squared_error() -> None:
    def beside(given: Callable[[Tensor], Tensor]) -> LossSigns:
        return read(lambda said: F.mse_loss(said[:, 0], said[:, 1].detach()) + F.nll_loss(given(said), CLASSES))

    assert beside(lambda said: said).not_log
    assert not beside(lambda said: said.log_softmax(dim=1)).not_log


@pytest.mark.parametrize(
    ("divisor", "expected"),
    [
        (torch.linspace(-1, 1, N)[:, None], True),
        (torch.linspace(1e-5, 1, N)[:, None], True),
        (torch.linspace(0.1, 1, N)[:, None], False),
        (torch.tensor(-1e-5), False),
    ],
)
def test_errors_relative_to_data(divisor: Tensor, expected: bool) -> None:
    target = torch.zeros(N, 1)
    assert read(lambda said: ((said[:, :1] - target) / divisor).abs().mean()).relative_to_zero is expected
    assert read(lambda said: ((said[:, :1] - target) / divisor).pow(2).mean()).relative_to_zero is expected
    assert not read(lambda said: (said[:, :1] / divisor).pow(2).mean()).relative_to_zero  # no error


CLASS_LOSSES: dict[str, Callable[[Tensor], Tensor]] = {
    "cross_entropy": lambda o: F.cross_entropy(o, CLASSES),
    "smoothed": lambda o: F.cross_entropy(o, CLASSES, label_smoothing=0.1),
    "weighted": lambda o: F.cross_entropy(o, CLASSES, weight=torch.arange(1.0, C + 1)),
    "nll": lambda o: F.nll_loss(o.log_softmax(1), CLASSES, reduction="sum"),
    "pixels": lambda o: F.cross_entropy(o.T[None, :, None, :], CLASSES[None, None, :]),
    "gathered": lambda o: -o.log_softmax(1).gather(1, CLASSES[:, None]).mean(),
    "indexed": lambda o: -o.log_softmax(1)[torch.arange(N), CLASSES].mean(),
    "one hot": lambda o: -(F.one_hot(CLASSES, C) * o.log_softmax(1)).sum(1).mean(),
}


@pytest.mark.parametrize("name", CLASS_LOSSES)
def test_accuracy_entropy_and_counts_are_those_of_numpy(name: str) -> None:
    found = read(CLASS_LOSSES[name])
    log_p, target = log_softmax(LOGITS), CLASSES.numpy()
    answers = log_p.argmax(axis=1)
    assert found.kind == "classes"
    assert found.classes == C
    assert found.accuracy == pytest.approx((answers == target).mean())
    assert found.surprise == pytest.approx(-log_p[np.arange(N), target].mean(), rel=1e-5)
    assert found.entropy == pytest.approx(-(np.exp(log_p) * log_p).sum(axis=1).mean() / math.log(C), rel=1e-5)
    assert found.said == pytest.approx(np.bincount(answers).max() / N)
    assert found.counts == tuple(np.bincount(target, minlength=C))
    assert found.summed is (name == "nll")
    assert not found.not_log
    assert found.batch == (1 if name == "pixels" else N)


@pytest.mark.parametrize("name", [each for each in CLASS_LOSSES if each != "pixels"])
def test_a_glance_tells_as_much_of_what_is_right(name: str) -> None:
    said, _ = layer_giving(LOGITS)
    assert share_right(CLASS_LOSSES[name](said)) == pytest.approx(read(CLASS_LOSSES[name]).accuracy)


def test_what_is_ignored_does_not_count() -> None:
    for padding in (0, C - 1, -100):
        target = CLASSES.clone()
        target[: N // 2] = padding
        loss = nn.CrossEntropyLoss(ignore_index=padding)
        found = read(functools.partial(lambda loss, target, o: loss(o, target), loss, target))
        kept = target.numpy() != padding
        answers = LOGITS.numpy().argmax(axis=1)
        assert found.accuracy == pytest.approx((answers == target.numpy())[kept].mean())
        assert found.counts == tuple(np.bincount(target.numpy()[kept], minlength=C))


@pytest.mark.parametrize(
    ("given", "expected"),
    [(lambda o: o, True), (lambda o: o.softmax(1), True), (lambda o: o.log_softmax(0), True), (F.logsigmoid, True),
     (lambda o: o.log_softmax(1), False), (lambda o: (o.softmax(1) + 1e-9).log(), False)],
)  # fmt: skip
def test_what_is_no_log_probability(given: Callable[[Tensor], Tensor], expected: bool) -> None:
    assert read(lambda o: F.nll_loss(given(o), CLASSES)).not_log is expected


def test_the_logarithm_of_nothing() -> None:
    far = torch.zeros(N, C)
    far[:, 0] = 200.0
    assert read(lambda o: -o.softmax(1).log().mean(), far).zero_probability
    assert not read(lambda o: -o.softmax(1).log().mean()).zero_probability
    assert not read(lambda o: -o.log_softmax(1).mean(), far).zero_probability


@pytest.mark.parametrize(("low", "expected"), [(-math.inf, True), (-1e9, False)])
def test_what_is_multiplied_by_the_logarithm_of_nothing(low: float, expected: bool) -> None:
    def entropy(output: Tensor) -> Tensor:
        hide = torch.arange(C) == 0
        log_p = output.masked_fill(hide, low).log_softmax(1)
        return -torch.where(hide, torch.zeros(()), log_p.exp() * log_p).sum()

    assert read(entropy).times_infinity is expected


# ---- values ---------------------------------------------------------------------------------------------------------


VALUE_LOSSES: dict[str, Callable[[Tensor], Tensor]] = {
    "mse": lambda o: F.mse_loss(o, VALUES),
    "smooth_l1": lambda o: F.smooth_l1_loss(o, VALUES, reduction="sum"),
    "huber": lambda o: F.huber_loss(o, VALUES, delta=2.0),
    "output - target": lambda o: ((o - VALUES) ** 2).mean(),
    "target - output": lambda o: (VALUES - o).square().sum(1).mean(),
    "flattened": lambda o: (o.flatten() - VALUES.flatten()).pow(2).mean(),
    "weighted": lambda o: (torch.rand(N, 1) * (o - VALUES) ** 2).mean(),
}


@pytest.mark.parametrize("name", VALUE_LOSSES)
def test_targets_are_recovered(name: str) -> None:
    found = read(VALUE_LOSSES[name])
    target = VALUES.numpy()
    assert found.error == pytest.approx(float(((LOGITS - VALUES) ** 2).mean()), rel=1e-5)
    assert found.kind == "values"
    assert found.target_mean == pytest.approx(target.mean(), rel=1e-4)
    assert found.target_std == pytest.approx(target.std(), rel=1e-4)
    assert (found.target_low, found.target_high) == pytest.approx((target.min(), target.max()), rel=1e-4)
    assert found.output_std == pytest.approx(LOGITS.numpy().std(), rel=1e-4)
    if name != "flattened":
        varied = LOGITS.numpy().std(axis=0)
        assert found.output_varied == pytest.approx(math.sqrt((varied**2).mean()), rel=1e-4)
    assert found.summed is (name == "smooth_l1")


@pytest.mark.parametrize(
    "loss",
    [
        lambda o: ((100 * o + 3 - VALUES) ** 2).mean(),  # outputs put back to the targets' units
        lambda o: ((o.sigmoid() - VALUES) ** 2).mean(),
        lambda o: ((o.T - VALUES.T) ** 2).mean(),
        lambda o: ((o.flip(0) - VALUES) ** 2).mean(),
        lambda o: ((o[:, :1] - VALUES[:, 0]) ** 2).mean(),  # (N, N) of N numbers
        lambda o: (o**2).mean(),
    ],
)
def test_what_was_not_the_output_is_not_taken_for_it(loss: Callable[[Tensor], Tensor]) -> None:
    assert read(loss).kind == ""


def test_one_of_several_outputs_is_not_taken_for_another() -> None:
    both, _ = layer_giving(LOGITS[:, :4])
    mean, other = both.chunk(2, dim=1)
    for output, kind in ((mean, "values"), (other, "")):
        loss = ((output - VALUES[:, :2]) ** 2).mean()
        assert read_loss(loss.item(), walk(loss), mean).kind == kind


@pytest.mark.parametrize(
    ("loss", "operation", "below"),
    [
        (lambda o: F.mse_loss(o.tanh(), VALUES), "MseLoss", "Tanh"),
        (lambda o: F.mse_loss(o.tanh().flatten()[None], VALUES.flatten()[None]), "MseLoss", "Tanh"),
        (lambda o: ((o - VALUES) ** 2).mean(), "Pow", ""),
        (lambda o: torch.stack([F.smooth_l1_loss(o, VALUES), o.sigmoid().sum()]).sum(), "SmoothL1Loss", "Mm"),
    ],
)
def test_whose_targets_are_read_is_told(loss: Callable[[Tensor], Tensor], operation: str, below: str) -> None:
    found = read(loss)
    assert (found.operation, found.below) == (operation, below)


def test_whole_targets() -> None:
    ratings = CLASSES[:, None].float()
    assert read(lambda o: F.mse_loss(o, ratings), LOGITS[:, :1]).target_whole
    assert not read(lambda o: F.mse_loss(o, ratings + 0.5), LOGITS[:, :1]).target_whole
    assert read(lambda o: F.binary_cross_entropy_with_logits(o, ratings), LOGITS[:, :1]).target_whole
    assert not read(lambda o: F.binary_cross_entropy_with_logits(o, ratings / 9), LOGITS[:, :1]).target_whole


# ---- two classes ----------------------------------------------------------------------------------------------------


def test_shares_are_not_surprising() -> None:
    """Of targets that are no yes or no there is none that is the right one."""
    assert np.isnan(read(lambda o: F.binary_cross_entropy_with_logits(o, VALUES / VALUES.max())).surprise)


@pytest.mark.parametrize("logits", [True, False])
def test_binary_figures_are_those_of_numpy(logits: bool) -> None:
    truth = (VALUES > 4).float()
    found = read(
        (lambda o: F.binary_cross_entropy_with_logits(o, truth))
        if logits
        else (lambda o: F.binary_cross_entropy(o.sigmoid(), truth, reduction="sum"))
    )
    positive, true = LOGITS.numpy() > 0, truth.numpy() > 0
    assert found.kind == "binary"
    assert found.accuracy == pytest.approx((positive == true).mean())
    assert found.said == pytest.approx(max(positive.mean(), 1 - positive.mean()))
    assert found.surprise == pytest.approx(np.log1p(np.exp(np.where(true, -1, 1) * LOGITS.numpy())).mean(), rel=1e-4)
    assert found.counts == ((~true).sum(), true.sum())
    assert found.summed is not logits
    loss = F.binary_cross_entropy_with_logits if logits else lambda o, y: F.binary_cross_entropy(o.sigmoid(), y)
    assert share_right(loss(layer_giving(LOGITS)[0], truth)) == pytest.approx(found.accuracy)


def test_probabilities_as_targets_are_values() -> None:
    found = read(lambda o: F.binary_cross_entropy_with_logits(o, VALUES.sigmoid()))
    assert (found.kind, found.accuracy, found.counts) == ("values", None, ())
    assert share_right(F.binary_cross_entropy_with_logits(layer_giving(LOGITS)[0], VALUES.sigmoid())) is None
    assert share_right(F.mse_loss(layer_giving(LOGITS)[0], VALUES)) is None
    assert share_right(F.cross_entropy(layer_giving(LOGITS)[0][0], CLASSES[0])) is None  # of one example


@pytest.mark.parametrize(
    ("target", "expected"),
    [(255 * (VALUES > 4), True), (VALUES.sign(), True), (VALUES > 4, True), (VALUES.round(), False),
     (torch.full_like(VALUES, 255.0), False)],
)  # fmt: skip
def test_labels_of_two_values(target: Tensor, expected: bool) -> None:
    assert read(lambda o: F.binary_cross_entropy_with_logits(o, target.float())).two_values is expected


def test_classes_of_a_loss_beside_another() -> None:
    labels = (VALUES > 3).float()

    def loss(output: Tensor) -> Tensor:
        return F.cross_entropy(output, CLASSES) + 10 * F.binary_cross_entropy_with_logits(
            2 * output[:, 0], labels[:, 0]
        )

    found = read(loss)
    assert (found.kind, sum(found.counts)) == ("binary", N)
    assert found.beside == tuple(torch.bincount(CLASSES, minlength=C).tolist())
    assert read(lambda o: F.cross_entropy(o, CLASSES)).beside == ()


# ---- odd inputs -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_precisions(dtype: torch.dtype) -> None:
    exact = read(lambda o: F.cross_entropy(o, CLASSES)).entropy
    assert read(lambda o: F.cross_entropy(o, CLASSES), LOGITS.to(dtype)).entropy == pytest.approx(exact, rel=0.01)
    mean = read(lambda o: ((o - VALUES.to(dtype)) ** 2).mean(), LOGITS.to(dtype)).target_mean
    assert mean == pytest.approx(float(VALUES.mean()), rel=0.01)


@pytest.mark.parametrize(
    "loss",
    [
        lambda o: F.cross_entropy(o, CLASSES[:0]),
        lambda o: F.mse_loss(o, VALUES[:0]),
        lambda o: ((o - VALUES[:0]) ** 2).mean(),
        lambda o: F.binary_cross_entropy_with_logits(o, VALUES[:0]),
        lambda o: -o.log_softmax(1).gather(1, CLASSES[:0, None]).mean(),
    ],
)
def test_an_empty_batch_says_nothing(loss: Callable[[Tensor], Tensor]) -> None:
    found = read(loss, LOGITS[:0])
    assert (found.kind, found.accuracy) == ("", None)


def test_one_example_without_a_batch() -> None:
    said, _ = layer_giving(LOGITS)
    loss = F.cross_entropy(said[3], CLASSES[3])
    found = read_loss(loss.item(), walk(loss), said)
    assert found.accuracy == float(LOGITS[3].argmax() == CLASSES[3])
    assert (found.batch, sum(found.counts)) == (1, 1)


def test_a_large_batch_is_read_in_part() -> None:
    target = CLASSES.repeat(100)
    found = read(lambda o: F.cross_entropy(o.repeat(100, 1), target))
    assert found.batch == 100 * N
    assert 0 < sum(found.counts) <= 512


@pytest.mark.parametrize("loss", [F.cross_entropy, F.binary_cross_entropy_with_logits, F.mse_loss])
def test_of_large_images_every_column_is_read(loss: Callable[[Tensor, Tensor], Tensor]) -> None:
    """The left half of each is dark."""
    said = torch.zeros(80, *([2] if loss is F.cross_entropy else []), 16, 8)
    target = torch.zeros(80, 16, 8, dtype=torch.long if loss is F.cross_entropy else torch.float)
    target[..., 4:] = 1
    found = read(lambda o: loss(o.reshape(said.shape), target), said.reshape(80, -1))
    bright = found.target_mean if loss is F.mse_loss else found.counts[1] / sum(found.counts)
    assert bright == pytest.approx(0.5, abs=0.02)


def test_what_was_changed_in_place_is_left_alone() -> None:
    said, _ = layer_giving(LOGITS)
    loss = F.mse_loss(said, VALUES)
    with torch.no_grad():
        said.zero_()
    assert compared(walk(loss), said) is None
