"""Losses, to the edge."""

from dataclasses import replace
from typing import Any

import pytest

from gradus.diagnosis.signs import Op, OptimizerFacts
from tests.diagnosis.histories import (
    ADAM,
    INPUT,
    LOGITS,
    SQUARED,
    Curve,
    classifying,
    fitting,
    line,
    op,
    seen,
    with_first,
)


@pytest.mark.parametrize(
    ("between", "caught"),
    [
        ((), True),
        ((op("Mean"), op("View")), True),
        ((op("Log"),), False),  # a log-likelihood may have any sign
        ((op("Sum"), op("Exp")), False),
    ],
)
def test_a_sign_tells_something_only_on_a_straight_way_to_an_error(between: tuple[Op, ...], caught: bool) -> None:
    head = (op("Neg", negative=True), *between, *SQUARED, LOGITS)
    assert ("loss-sign" in seen(fitting(loss={"heads": (head,)}, curve=line(1.5, -2.0)))) == caught


@pytest.mark.parametrize(
    ("between", "caught"),
    [
        ((op("Mean"), op("Diagonal", 64)), True),
        ((op("Mean"), op("Neg", 64, negative=True), op("Gather", 64, 1)), False),
        ((op("Mean"), op("Mul", 64, data=True), op("Gather", 64, 1)), False),  # by what may be negative
        ((op("Mul", data=True), op("Mean")), True),
        ((op("Add"), op("Mul"), op("Mean")), False),
        ((op("NllLoss"), op("Neg", 64, 10, negative=True)), True),  # negated twice
        ((op("NllLoss"),), False),
    ],
)
def test_a_log_probability_is_to_grow(between: tuple[Op, ...], caught: bool) -> None:
    heads = ((*between, op("LogSoftmax", 64, 10, axis=1), LOGITS),)
    assert ("loss-sign" in seen(fitting(loss={"kind": "", "heads": heads}, curve=line(-2.0, -3.0)))) == caught
    more = (*heads, (op("Mean"), op("Exp", 64)))  # there is more to the loss
    assert "loss-sign" not in seen(fitting(loss={"kind": "", "heads": more}, curve=line(-2.0, -3.0)))


NEAREST, FARTHEST = (op("Min", 40), op("MaskedFill", 40, 40)), (op("Max", 40), op("MaskedFill", 40, 40))
LESS = op("Sub", 40, negative=True)


@pytest.mark.parametrize(
    ("heads", "caught"),
    [
        ((NEAREST, (LESS, *FARTHEST)), True),  # those of one class are moved apart
        (((op("Sub", 40), *FARTHEST), (LESS, *NEAREST)), False),
        ((NEAREST,), False),  # to the nearest of the others, as of two clouds
        ((NEAREST, (LESS, op("Max", 40), op("Addmm", 40, 8))), False),
        ((NEAREST, (LESS, op("Log", 40), *FARTHEST)), False),
        ((NEAREST, (LESS, op("Sum", 40), op("MaskedFill", 40, 40))), True),  # the mean of those of one class
        ((NEAREST, (LESS, op("Sum", 40), op("Neg", 40, 40, negative=True))), False),  # likenesses
    ],
)
def test_the_hardest_of_all_pairs(heads: tuple[tuple[Op, ...], ...], caught: bool) -> None:
    above = (op("Mean"), op("Softplus", 40))
    loss = {"kind": "", "heads": tuple((*above, *each, op("EuclideanDist", 40, 40), LOGITS) for each in heads)}
    assert ("loss-sign" in seen(fitting(loss=loss, curve=line(0.07, 0.01)))) == caught


def test_what_an_error_is_divided_by_says_nothing_of_its_sign() -> None:
    """Of the logarithm of a density, the variance under the squared error."""
    square = (op("Neg", negative=True), op("Div"), op("Pow"), LOGITS)
    variance = (op("Neg", negative=True), op("Div", divisor=True), op("Neg", negative=True), op("Pow"), LOGITS)

    def found(*heads: tuple[Op, ...]) -> bool:
        return "loss-sign" in seen(fitting(loss={"heads": heads}, curve=line(1.5, -2.0)))

    assert found(square)
    assert found(square, variance)
    assert not found(variance)


def test_an_optimizer_that_steps_uphill() -> None:
    def found(optimizer: OptimizerFacts, end: float = 5.0, **loss: Any) -> bool:
        return "loss-sign" in seen(fitting(optimizer=optimizer, loss=loss, curve=line(1.0, end)))

    uphill = replace(ADAM, maximizes=True)
    assert found(uphill)
    assert not found(uphill, 0.5)
    assert not found(uphill, heads=((op("Neg", negative=True), *SQUARED),))
    assert not found(ADAM)
    mixture = (op("Neg", negative=True), op("Mean"), op("Logsumexp", 64), op("Neg", 64, 4, negative=True), *SQUARED)
    assert found(uphill, kind="", heads=(mixture,))  # which may be below 0, and still grows with the errors
    assert not found(uphill, kind="", heads=(mixture[1:],))
    one_of_two = fitting(optimizers={0: uphill, 1: ADAM}, curve=line(1.0, 5.0))
    assert "loss-sign" not in seen(one_of_two)
    assert found(ADAM, wrong_way=True)
    assert found(ADAM, earns_less=True)
    assert not found(uphill, wrong_way=True, heads=())


@pytest.mark.parametrize(
    ("uphill", "steps", "end", "caught"),
    [
        (0.95, 200, 5.0, True),
        (0.95, 200, 0.5, False),
        (0.95, 1, 5.0, False),  # a first step alone, which a warm-up may leave to chance
        (0.7, 200, 5.0, False),
        (-0.95, 200, 5.0, False),
    ],
)
def test_steps_of_ones_own_that_go_uphill(uphill: float, steps: int, end: float, caught: bool) -> None:
    history = fitting(
        curve=line(1.0, end),
        examination=lambda step: {"parameters": with_first(uphill=uphill if step < steps else 0.0)},
    )
    assert ("loss-sign" in seen(history)) == caught


@pytest.mark.parametrize(("sign", "caught"), [("earns_less", True), ("wrong_way", False)])
def test_of_several_optimizers_the_policys_loss_alone_tells_a_sign(sign: str, caught: bool) -> None:
    history = fitting(loss={sign: True, "heads": ()}, optimizers={0: ADAM, 1: ADAM})
    assert ("loss-sign" in seen(history)) == caught
    history.step = 2
    assert "loss-sign" not in seen(history)


@pytest.mark.parametrize(("optimizers", "losses", "caught"), [(2, 1, True), (2, 2, False), (1, 2, True)])
def test_several_optimizers_may_have_one_goal(optimizers: int, losses: int, caught: bool) -> None:
    history = fitting(
        loss={"heads": ((op("Neg", negative=True), *SQUARED, LOGITS),)},
        optimizers=dict.fromkeys(range(optimizers), ADAM),
        curve=line(1.5, -2.0),
    )
    history.examinations = [replace(each, losses=each.losses * losses) for each in history.examinations]
    assert ("loss-sign" in seen(history)) == caught


def test_a_loss_may_fall_far_below_zero_if_it_slows_down() -> None:
    """Nothing on the way to the loss tells its sign: it may be a return, or the log-likelihood of a density."""
    head = (op("Mean"), op("Log"), LOGITS)

    def found(curve: Curve, **players: Any) -> bool:
        options: dict[str, Any] = {"kind": "", "heads": (head,), "accuracy": None}
        return "loss-sign" in seen(classifying(loss=options, curve=curve, **players))

    assert found(lambda part: -(10.0 ** (3 * part)))
    assert not found(lambda part: -(10.0 ** (3 * part)), optimizers={0: ADAM, 1: ADAM})
    assert not found(lambda part: -1000 * (1 - 0.01**part))
    assert not found(lambda part: -(10.0**part))


YES_OR_NO = op("BinaryCrossEntropyWithLogits")


@pytest.mark.parametrize(
    ("head", "loss", "caught"),
    [
        ((op("Sum"), op("Mul", 64, 8, data=True), op("LogSoftmax", 64, 8)), {"several_classes": 0.11}, True),
        ((op("Sum"), op("Mul", 64, 8, data=True), op("LogSoftmax", 64, 8)), {"several_classes": 0.09}, False),
        # The mean over several positives of each, and pairs within the batch, are contrastive losses.
        ((op("Div", 64), op("Mul", 64, 8, data=True), op("LogSoftmax", 64, 8)), {"several_classes": 0.5}, False),
        ((op("Sum"), op("Mul", 64, 64, data=True), op("LogSoftmax", 64, 64)), {"several_classes": 0.5}, False),
        ((op("BinaryCrossEntropy"), op("Softmax", 64, 8)), {"several_classes": 0.5}, True),
        ((op("BinaryCrossEntropy"), op("Sigmoid", 64, 8)), {"several_classes": 0.5}, False),
        ((YES_OR_NO,), {"operation": YES_OR_NO.name, "target_low": -1.0, "target_high": 1.0}, True),
        ((YES_OR_NO,), {"operation": "BinaryCrossEntropy", "target_low": 0.0, "target_high": 9.0}, True),
        ((YES_OR_NO,), {"operation": YES_OR_NO.name, "target_low": 0.0, "target_high": 1.2}, False),  # noisy labels
        (
            (YES_OR_NO,),
            {"operation": "MseLoss", "target_low": -1.0, "target_high": 1.0},
            False,
        ),  # those of another task
    ],
)
def test_targets_that_a_loss_does_not_suit(head: tuple[Op, ...], loss: dict[str, Any], caught: bool) -> None:
    assert ("loss-output-mismatch" in seen(classifying(loss={"heads": ((*head, LOGITS),), **loss}))) == caught


LABELLED = replace(op("Mul", 64, data=True), marks=True)


@pytest.mark.parametrize(
    ("above", "caught"),
    [
        ((op("Relu", 64), op("Rsub", 64)), True),
        ((op("ClampMin", 64), op("Add", 64), op("Neg", 64)), True),
        ((op("Softplus", 64), op("Neg", 64)), True),
        ((op("Log1P", 64), op("Exp", 64), op("Neg", 64)), True),
        ((op("LogSigmoid", 64),), True),
        ((op("Relu", 64),), False),  # a mask
        ((op("Relu", 64), op("Rsub", 64), op("Sum", 64)), False),  # the output of the right class
        ((op("Exp", 64),), False),
        ((op("Sub", 64),), False),  # softplus(f) - y * f
        ((), False),
    ],
)
def test_a_hinge_wants_labels_with_signs(above: tuple[Op, ...], caught: bool) -> None:
    history = classifying(loss={"kind": "", "heads": ((op("Mean"), *above, LABELLED, LOGITS),)})
    assert ("loss-output-mismatch" in seen(history)) == caught


@pytest.mark.parametrize("sign", ["unsigned", "blind"])
def test_what_is_seen_of_labels_and_sizes(sign: str) -> None:
    assert "loss-output-mismatch" in seen(fitting(loss={"kind": "", sign: True, "heads": ((op("Mean"), LOGITS),)}))


@pytest.mark.parametrize(("items", "caught"), [(40, False), (8, True)])
def test_a_multinomial_likelihood_of_baskets_given_baskets(items: int, caught: bool) -> None:
    """Where inputs are of the outputs' shape, a softmax shares what comes next among all items."""
    head = (op("Mean"), op("Sum", 64), op("Mul", 64, items, data=True), op("LogSoftmax", 64, items), LOGITS)
    basket = {"inputs": (replace(INPUT, shape=(64, 40)),)}
    history = classifying(loss={"heads": (head,), "several_classes": 0.9}, examination=basket)
    assert ("loss-output-mismatch" in seen(history)) is caught


@pytest.mark.parametrize("below", ["Softmax", "Sigmoid", "Add"])
def test_probabilities_are_no_raw_outputs(below: str) -> None:
    """What they lack is a logarithm."""
    head = (op("NllLoss"), op(below, 64, 10), LOGITS)
    assert "loss-output-mismatch" not in seen(classifying(loss={"heads": (head,), "not_log": True}))


@pytest.mark.parametrize(
    ("below", "caught"),
    [
        ((op("LogSoftmax", 64, 10),), False),
        ((op("LogSigmoid", 64, 10),), False),
        ((op("Log", 64, 10), op("Softmax", 64, 10)), False),
        ((), True),
    ],
)
def test_log_probabilities_may_be_weighted(below: tuple[Op, ...], caught: bool) -> None:
    """The focal loss: nll_loss of (1 - p)^2 log p."""
    head = (op("NllLoss"), op("Mul", 64, 10), *below, LOGITS)
    weights = (op("NllLoss"), op("Mul", 64, 10), op("Pow", 64, 10), op("Rsub", 64, 10), op("Exp", 64, 10))
    assert ("loss-output-mismatch" in seen(classifying(loss={"heads": (weights, head), "not_log": True}))) is caught


NN, N1, NNN = (64, 64), (64, 1), (64, 64, 64)
APART, EACH_OTHER = op("Sub", *NN, data=True), op("Sub", *NN)


@pytest.mark.parametrize(
    ("heads", "caught"),
    [
        (((op("Mean"), op("Abs", *NN), APART, op("Addmm", *N1)),), True),
        (((op("MseLoss"), op("Expand", *NN), op("Addmm", *N1)),), True),
        (((op("Mean"), op("Abs", *NN), APART, op("Expand", *NN), op("Addmm", *N1)),), True),  # torch's l1_loss
        (((op("Mean"), op("Abs", *NN), APART, op("Addmm", *N1)), (op("Mean"), op("Abs", *N1), op("Sub", *N1))), True),
        # an energy distance: outputs from data, and from each other
        (((op("Mean"), op("Abs", *NN), APART, op("Unsqueeze", *N1)), (op("Mean"), op("Abs", *NN), EACH_OTHER)), False),
        (((op("Neg"), op("Logsumexp", 64), op("MaskedFill", *NN), op("Expand", *NN), op("View", *N1)),), False),  # Cox
        (((op("Mean"), op("Softplus", *NN), EACH_OTHER, op("Expand", *NN), op("Addmm", *N1)),), False),  # ranking
        (((op("Mean"), op("Pow", *NNN), op("Sub", *NNN, data=True), op("Mm", *NN)),), True),  # likenesses (N, N, 1)
        (((op("Mean"), op("Pow", *NNN), op("Sub", *NNN, data=True), op("Unsqueeze", 64, 1, 64)),), False),
    ],
)
def test_all_pairs_by_mistake_and_on_purpose(heads: tuple[tuple[Op, ...], ...], caught: bool) -> None:
    assert ("broadcast-loss" in seen(fitting(loss={"heads": heads}))) is caught


@pytest.mark.parametrize(
    ("product", "below", "caught"),
    [
        (op("Mul", *NN, data=True, factors=((64, 1),)), op("Sum", 64), True),
        (op("Mul", *NN, data=True, factors=((64,),)), op("Stack", 64, 1), True),
        (op("Mul", *NN, factors=((64,), (64, 1))), op("Sum", 64), True),  # an advantage that is not detached
        (op("Mul", 64, 1, data=True, factors=((64, 1),)), op("Unsqueeze", 64, 1), False),
        (op("Mul", 64, 4, data=True, factors=((64, 1),)), op("Gather", 64, 4), False),
        (op("Mul", *NN, data=True, factors=((64, 1),)), op("Unsqueeze", 1, 64), False),  # a table, on purpose
        (op("Mul", *NN, data=True, factors=(NN,)), op("Sum", 64), False),  # risk sets
        (op("Mul", 1, 1, data=True, factors=((1, 1),)), op("Sum", 1), False),
        (op("Mul", *NNN, data=True, factors=((64, 64, 1),)), op("Sub", *NN), True),  # pairs chosen by labels (N, 1)
        (op("Mul", *NNN, 64, data=True, factors=((64,) * 4,)), op("Add", *NNN), True),
        (op("MaskedFill", *NNN), op("Sub", *NN), True),
        (op("Mul", *NNN, factors=((64, 64, 1),)), op("Sub", *NN), False),  # weights that are computed
        (op("MaskedFill", 1, 1, 1), op("Sub", 1, 1), False),
        (op("Where", *NNN, data=True), op("Sub", *NNN), False),
        (op("Mul", *NNN, data=True, factors=(NNN,)), op("Unsqueeze", 64, 64, 1), False),
        (op("Mul", 8, 64, 64, data=True, factors=((8, 1, 1),)), op("Sub", *NN), False),
    ],
)
def test_each_term_is_weighed_by_its_own(product: Op, below: Op, caught: bool) -> None:
    head = (op("Neg"), op("Mean"), product, below, op("LogSoftmax", 64, 4), op("Addmm", 64, 4))
    assert ("broadcast-loss" in seen(classifying(loss={"heads": (head,)}))) is caught


@pytest.mark.parametrize(("factors", "caught"), [(((64, 1), (64,)), True), (((64, 1), (1, 64)), False)])
def test_a_way_may_end_at_a_product(factors: tuple[tuple[int, ...], ...], caught: bool) -> None:
    """By hand max(x, 0) - x * y + log(1 + e^-|x|): where x leads to is seen on one of three ways."""
    heads = ((op("Mean"), op("Sub", *NN), op("Mul", *NN, data=True, factors=factors)), (op("Mean"), op("Abs", 64)))
    assert ("broadcast-loss" in seen(classifying(loss={"heads": heads}))) is caught


@pytest.mark.parametrize(("said", "one", "caught"), [(0.96, 1.0, True), (0.94, 1.0, False), (0.96, 0.9, False)])
def test_classes_asked_one_by_one_that_are_all_denied(said: float, one: float, caught: bool) -> None:
    """Of ten classes each example has one: 10 % of all answers should be yes, and fewer than 5 % are."""
    options: dict[str, Any] = {"kind": "binary", "counts": (576, 64), "said": said, "one_class": one, "heads": ()}
    for steps, ended in ((200, False), (200, True), (1000, False)):
        found = seen(classifying(loss=options, steps=steps, ended=ended))
        late = ended or steps == 1000  # at first none of many classes is likely
        assert ("loss-output-mismatch" in found) == (caught and late)


@pytest.mark.parametrize(
    ("term", "below", "caught"),
    [
        (Op("Exp"), Op("Softplus"), True),
        (Op("Exp"), Op("Exp"), True),
        (Op("Exp"), Op("Addmm"), False),  # a logarithm of a rate, as it should be
        (Op("Neg"), Op("Softplus"), False),
    ],
)
def test_rates_that_a_poisson_loss_takes_for_logarithms(term: Op, below: Op, caught: bool) -> None:
    product = Op("Mul", (8,), data=True)
    heads = (Op("Mean"), Op("Sub"), term, below, Op("Addmm")), (Op("Mean"), Op("Sub"), product)
    history = classifying(loss={"heads": heads, "kind": "values", "accuracy": None})
    assert ("loss-output-mismatch" in seen(history)) is caught


def test_a_gamma_likelihood_is_no_poisson_loss() -> None:
    """shape * log(rate) - rate * amount + (shape - 1) * log(amount): the exponential is a factor, not a term."""
    shape_less_one = (Op("Mean"), Op("Add"), Op("Mul", (8,), data=True), Op("Sub"), Op("Exp"), Op("Addmm"))
    rate = (Op("Mean"), Op("Sub"), Op("Mul", (8,), data=True), Op("Exp"), Op("Addmm"))
    history = classifying(loss={"heads": (shape_less_one, rate), "kind": "values", "accuracy": None})
    assert "loss-output-mismatch" not in seen(history)


@pytest.mark.parametrize(
    ("above", "caught"),
    [
        (op("MseLoss"), True),
        (op("Sub", 64, 64, data=True), True),
        (op("Div", 64, 64), False),
        (op("Mul", 64, 64), False),
    ],
)
def test_a_length_is_spread_over_a_vector_of_as_many_numbers_as_there_are_examples(above: Op, caught: bool) -> None:
    head = (op("Sum", 64), above, op("Expand", 64, 64), op("ClampMin", 64, 1), op("Addmm", 64, 64))
    assert ("broadcast-loss" in seen(fitting(loss={"heads": (head,)}))) == caught
