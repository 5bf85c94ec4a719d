"""Labels and splits, to the edge."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from gradus.diagnosis.signs import Evaluation
from tests.diagnosis.histories import (
    APART,
    BATCH,
    EVEN,
    INPUT,
    classifying,
    falling,
    fitting,
    line,
    memorizing,
    not_learning,
    op,
    playing,
    seen,
    stuck,
)


def noisy(scores: Sequence[float], train: float, **options: Any) -> bool:
    return "noisy-labels" in seen(classifying(scores=scores, right=line(train, train), **options))


def test_labels_are_noisy_where_memorizing_costs_what_was_known() -> None:
    def memorized(best: float, last: float, train: float = 0.9) -> bool:
        return noisy([0.3, best, best, *[last] * 5], train)

    assert memorized(0.8, 0.71)
    assert not memorized(0.8, 0.73)
    assert not memorized(0.97, 0.8)  # so many are right only if most labels are
    assert not memorized(0.8, 0.71, train=0.8)
    assert not noisy([0.3, *[0.5] * 5, 0.8, 0.6, 0.6], 0.9)  # the best came late
    assert not noisy([0.8, 0.7, 0.6], 0.9)  # too few evaluations


def test_scores_of_long_ago_tell_of_no_noise() -> None:
    """Such as the first, of those that came at every step."""
    history = classifying(scores=[0.3, 0.8, 0.8, *[0.7] * 5], right=line(0.9, 0.9))
    assert "noisy-labels" in seen(history)
    history.evaluations = [replace(each, step=each.step // 3) for each in history.evaluations]
    assert "noisy-labels" not in seen(history)


@pytest.mark.parametrize(("batch", "every", "caught"), [(64, 8, True), (32, 8, False), (64, 16, False)])
def test_labels_are_noisy_as_far_as_training_was_looked_at(batch: int, every: int, caught: bool) -> None:
    history = classifying(scores=[0.3, 0.8, 0.8, *[0.7] * 5], right=line(0.9, 0.9), loss={"batch": batch})
    history.right = [each for each in history.right if each[0] % every == 0]
    history.examinations = [each for each in history.examinations if each.step < 150]
    assert ("noisy-labels" in seen(history)) is caught


def test_labels_are_noisy_where_held_out_examples_are_answered_better() -> None:
    def found(held_out: float, train: float, **options: Any) -> bool:
        return noisy([held_out] * 6, train, **({"curve": line(2.3, 1.2)} | options))

    assert found(0.81, 0.6)
    assert not found(0.79, 0.6)
    assert not found(1.0, 0.8)
    assert found(0.97, 0.7)
    assert not found(0.99, 0.7)  # what is wrong does no harm
    assert not found(0.81, 0.6, net={"dropout": 0.1})  # which lowers training accuracy
    assert found(0.81, 0.4, net={"dropout": 0.2})  # but not by so much
    assert not found(0.81, 0.4, net={"dropout": 0.3})
    assert not found(0.81, 0.6, evaluation={"scale": 1.1})  # as noise and mixup do
    assert not found(0.81, 0.6, steps=96)
    assert not found(0.81, 0.6, curve=line(2.3, 0.2))  # a loss that leaves the wrong ones out


def test_of_two_classes_less_is_much_better() -> None:
    def found(held_out: float, train: float, **evaluation: Any) -> bool:
        two: dict[str, Any] = {"kind": "binary", "classes": 2, "counts": (32, 32)}
        curve = line(0.7, 0.6)
        return noisy([held_out] * 6, train, loss=two, curve=curve, evaluation={"examples": 1000} | evaluation)

    assert found(0.78, 0.67)
    assert not found(0.78, 0.7)
    assert not found(0.78, 0.67, examples=50)  # by chance
    assert not found(0.78, 0.67, counts=(700, 300))  # as always to say the commoner class


@pytest.mark.parametrize(
    ("train", "held_out", "options", "caught"),
    [
        (2.25, 2.0, {}, True),  # labels of many were drawn from all at random
        (2.25, 2.15, {}, False),
        (1.5, 1.0, {}, False),  # training examples are disturbed, say
        (2.25, 2.0, {"net": {"dropout": 0.2}}, False),
        (2.25, 2.0, {"loss": {"terms": 3}}, False),
    ],
)
def test_held_out_labels_surprise_less_than_noisy_ones(
    train: float, held_out: float, options: dict[str, Any], caught: bool
) -> None:
    curve = line(train, train)
    history = classifying(
        scores=[0.3] * 6, right=line(0.28, 0.28), curve=curve, evaluation={"loss": held_out}, **options
    )
    plain = [replace(each, surprise=each.value) for one in history.examinations for each in one.losses]
    history.examinations = [
        replace(each, losses=(loss,)) for each, loss in zip(history.examinations, plain, strict=True)
    ]
    assert ("noisy-labels" in seen(history)) == caught


def test_labels_are_noisy_where_what_was_known_is_unlearned() -> None:
    """Dropout keeps training accuracy below that of held-out examples, but does not make the latter fall."""

    def found(best: float, last: float, train: float = 0.65, *, examples: int = 10_000) -> bool:
        scores = [0.5, best, *[(best + last) / 2] * 4, last, last]
        options: dict[str, Any] = {"net": {"dropout": 0.2}, "evaluation": {"examples": examples}}
        return "noisy-labels" in seen(classifying(scores=scores, right=line(0.5, train), **options))

    assert found(0.9, 0.85)
    assert not found(0.9, 0.87)
    assert not found(0.9, 0.85, examples=200)  # by chance
    assert not found(0.9, 0.85, train=0.5)  # nothing is memorized
    assert not found(0.9, 0.85, train=0.9)  # nor are labels in the way


@pytest.mark.parametrize(("repeated", "values", "caught"), [(0.02, 30, False), (0.0, 30, True), (0.02, 3000, True)])
def test_rows_of_few_numbers_come_again_in_training_too(repeated: float, values: int, caught: bool) -> None:
    signs = replace(INPUT, values=values, repeated_rows=repeated)
    history = classifying(scores=[0.9] * 3, evaluation={"seen": 0.4}, examination={"inputs": (signs,)})
    assert ("leakage" in seen(history)) is caught


def test_a_smooth_series_is_told_by_each_of_its_last_steps() -> None:
    def leaks(largest: float, second: float) -> bool:
        signs = replace(INPUT, tells_target=largest, also_tells=second)
        return "leakage" in seen(classifying(examination={"inputs": (signs,)}))

    assert leaks(0.9995, 0.98)
    assert not leaks(0.9995, 0.998)
    assert not leaks(0.998, 0.3)


def test_a_column_made_of_a_yes_or_no_leaks_though_there_is_noise_on_it() -> None:
    def leaks(largest: float, second: float) -> bool:
        signs = replace(INPUT, tells_target=largest, also_tells=second)
        return "leakage" in seen(classifying(loss={"kind": "binary"}, examination={"inputs": (signs,)}))

    assert leaks(0.985, 0.5)
    assert not leaks(0.975, 0.3)
    assert not leaks(0.985, 0.9)  # what goes with it tells as much


def test_rare_events_that_are_ranked_are_no_imbalance() -> None:
    def found(end: float) -> bool:
        rare: dict[str, Any] = {"classes": 2, "counts": (61, 3), "said": 1.0}
        return "class-imbalance" in seen(classifying(loss=rare, curve=falling(0.7, end), right=line(0.95, 0.95)))

    entropy = -(61 / 64 * math.log(61 / 64) + 3 / 64 * math.log(3 / 64))
    assert found(0.9 * entropy)
    assert not found(0.7 * entropy)


def test_of_a_network_judged_by_ranks_no_threshold_is_asked() -> None:
    history = classifying(loss={"classes": 2, "counts": (61, 3), "said": 1.0}, curve=falling(0.7, 0.25))
    assert "class-imbalance" in seen(history)
    assert "class-imbalance" not in seen(replace(history, ranking=True))


def test_numbers_that_are_none_say_no_class() -> None:
    rare: dict[str, Any] = {"classes": 2, "counts": (61, 3), "said": 1.0}
    assert "class-imbalance" not in seen(classifying(loss=rare, curve=line(math.nan, math.nan)))


@pytest.mark.parametrize("restored", [True, False])
def test_dark_pixels_of_an_image_to_be_restored_are_no_imbalance(restored: bool) -> None:
    dark: dict[str, Any] = {"kind": "binary", "classes": 2, "counts": (3900, 196), "said": 1.0, "summed": True}
    inputs = (replace(INPUT, restored=restored),)
    history = classifying(loss=dark, examination={"inputs": inputs}, curve=line(400.0, 390.0))
    assert ("class-imbalance" in seen(history)) is not restored


def test_imbalance_is_not_spoken_of_while_the_loss_falls_fast() -> None:
    def found(**options: Any) -> bool:
        dark: dict[str, Any] = {"kind": "binary", "classes": 2, "counts": (3900, 196), "said": 1.0, "summed": True}
        return "class-imbalance" in seen(classifying(loss=dark, **options))

    assert not found(curve=line(400.0, 200.0))
    assert found(curve=line(400.0, 300.0))  # by less than a tenth in the last quarter
    assert found(curve=line(400.0, 200.0), ended=True)


LATE = (32, 32, 0, 0)
LONG_TAIL = (55, 6, 2, 1)


@pytest.mark.parametrize(
    ("taught", "there", "right", "caught"),
    [
        (LONG_TAIL, (25, 25, 25, 25), (25, 22, 8, 2), True),
        (LONG_TAIL, (25, 25, 25, 25), (25, 22, 18, 16), False),  # it copes with the rare ones
        (LONG_TAIL, (86, 10, 3, 1), (86, 8, 0, 0), False),  # which are as rare elsewhere
        ((20, 16, 16, 12), (25, 25, 25, 25), (25, 22, 8, 2), False),
        (LATE, (25, 25, 25, 25), (25, 22, 0, 0), False),  # of another task
        ((55, 6, 2, 0), (25, 25, 25, 25), (25, 22, 12, 0), True),
        ((55, 6, 2, 0), (25, 25, 25, 25), (25, 25, 23, 0), False),
        (lambda step: LATE if step < 9 else LATE[::-1], (25, 25, 25, 25), (0, 0, 25, 25), False),  # still to come
        (lambda step: (10, 54, 0, 0) if step < 9 else (59, 1, 2, 2), (25,) * 4, (25, 22, 8, 2), False),
    ],
)
def test_classes_that_are_rare_in_training_alone(
    taught: Any, there: tuple[int, ...], right: tuple[int, ...], caught: bool
) -> None:
    def loss(step: int) -> dict[str, Any]:
        return {"classes": 4, "counts": taught(step) if callable(taught) else taught}

    def found(*, ended: bool) -> bool:
        measured: dict[str, Any] = {"examples": 100, "counts": there, "right": right}
        return "class-imbalance" in seen(classifying(loss=loss, scores=[0.5], evaluation=measured, ended=ended))

    assert found(ended=True) is caught
    assert not found(ended=False)


@pytest.mark.parametrize(
    ("changes", "latents", "ended", "caught"),
    [
        ({}, 0.05, True, True),
        ({}, 0.05, False, False),  # it may come to be used
        ({}, 0.2, True, False),
        ({"surprise": 0.4}, 0.05, True, False),  # a decoder that can say of itself how rare they are
        ({"counts": (90, 10)}, 0.05, True, False),
    ],
)
def test_a_code_given_up_for_even_odds_where_hardly_any_is_right(
    changes: dict[str, Any], latents: float, ended: bool, caught: bool
) -> None:
    edges = {"kind": "binary", "counts": (980, 20), "said": 0.5, "accuracy": 0.5, "surprise": 0.7} | changes
    history = classifying(
        loss=edges, examination={"latents": latents}, curve=line(1.5, 0.7), steps=150, right=line(0.5, 0.5), ended=ended
    )
    history.ranking = True  # which it is judged by
    found = seen(history)
    assert ("class-imbalance" in found) is caught
    if caught:
        assert found["class-imbalance"][1].reading == "even odds of all"


def test_sorted_batches_do_no_harm_where_all_classes_are_told_apart() -> None:
    def found(score: float) -> bool:
        one = {"counts": (BATCH, *[0] * 9)}
        return "unshuffled-data" in seen(classifying(loss=one, scores=[score] * 4))

    assert found(0.79)
    assert not found(0.81)


def test_labels_are_unrelated_only_once_training_has_got_somewhere() -> None:
    def found(train: float, held_out: float) -> bool:
        return "labels-unrelated" in seen(classifying(scores=[held_out] * 6, right=memorizing(train)))

    assert found(0.4, 0.11)
    assert not found(0.12, 0.11)
    assert not found(0.4, 0.2)


@pytest.mark.parametrize(
    ("again", "kept", "right", "caught"),
    [
        (4, 0.4, 0.12, True),
        (4, 1.2, 0.12, False),  # noisy, or an example of few numbers
        (1, 0.1, 0.12, False),  # hardly any came again
        (4, 0.4, 0.5, False),  # a program that makes its own labels, and learns them
    ],
)
def test_labels_that_are_others_when_examples_come_again(again: int, kept: float, right: float, caught: bool) -> None:
    number = round(10 * kept)
    history = not_learning(right=line(0.1, right), examination={"again": again, "kept": 0}, curve=stuck())
    history.examinations = [
        replace(each, kept=number // 10 + (at % 10 < number % 10)) for at, each in enumerate(history.examinations)
    ]
    found = seen(history)
    assert ("labels-unrelated" in found) is caught
    if caught:
        assert found["labels-unrelated"][1].reading == "others each time"


@pytest.mark.parametrize(("kept", "end", "caught"), [(1, 1.0, True), (2, 1.0, False), (1, 0.7, False)])
def test_values_that_are_others_when_examples_come_again(kept: int, end: float, caught: bool) -> None:
    """Of two values drawn at random a quarter lie near each other."""
    history = fitting(curve=line(1.0, end), examination={"again": 4, "kept": kept})
    assert ("labels-unrelated" in seen(history)) is caught


@pytest.mark.parametrize("pick", ["Gather", "Index", "Select"])
def test_values_of_what_is_done_in_a_state_are_others_each_time(pick: str) -> None:
    heads = ((op("SmoothL1Loss"), op(pick, BATCH), op("Addmm", BATCH, 4)),)
    history = fitting(curve=line(1.0, 1.0), examination={"again": 4, "kept": 1}, loss={"heads": heads})
    assert ("labels-unrelated" in seen(history)) is (pick == "Select")


@pytest.mark.parametrize(
    ("train", "score", "since", "again", "caught"),
    [
        (0.9, 0.35, 80, 20, True),
        (0.9, 0.45, 80, 20, False),  # another domain, of which much is known
        (0.4, 0.2, 80, 20, False),
        (0.9, 0.35, 80, 0, False),  # those that a program makes anew are never seen again
        (0.9, 0.35, 0, 20, False),  # and of those that come at every step nothing is known
    ],
)
def test_held_out_examples_far_below_training_ones_that_were_not_seen(
    train: float, score: float, since: int, again: int, caught: bool
) -> None:
    history = classifying(
        scores=[score] * 2,
        right=line(train, train),
        examination=lambda step: {"again": again if step >= since else 0},
    )
    assert ("train-validation-mismatch" in seen(history)) is caught


@pytest.mark.parametrize(
    ("evaluation", "counts", "caught"),
    [
        ({}, EVEN, True),
        ({"examples": 40}, EVEN, False),
        ({"step": 60}, EVEN, False),  # long ago
        ({}, tuple(2 * each for each in EVEN), False),  # several answers to an example
        ({}, (), False),  # nothing tells whether classes come in turns
    ],
)
def test_held_out_examples_are_compared_with_as_many_of_the_same_kind(
    evaluation: dict[str, Any], counts: tuple[int, ...], caught: bool
) -> None:
    history = classifying(
        scores=[0.35] * 2,
        right=line(0.9, 0.9),
        loss={"counts": counts},
        examination=lambda step: {"again": 20 if step >= 40 else 0},
        evaluation=evaluation,
    )
    assert ("train-validation-mismatch" in seen(history)) is caught


@pytest.mark.parametrize(
    ("train", "errors", "measured", "caught"),
    [
        (0.6, [1.1, 1.2, 1.5], {}, True),
        (0.6, [0.8, 1.2, 1.5], {}, False),  # something carried over, until it was overfitted
        (0.8, [1.1, 1.2, 1.5], {}, False),  # hardly anything is memorized
        (0.6, [1.1, 1.2, 1.5], {"shift": 0.4}, False),
        (0.6, [1.1, 1.2, 1.5], {"training": True}, False),
        (0.6, [1.1, 1.2, 1.5], {"variance": None}, False),
    ],
)
def test_values_that_are_memorized_and_nowhere_else_explained(
    train: float, errors: list[float], measured: dict[str, Any], caught: bool
) -> None:
    options: dict[str, Any] = {
        "curve": falling(1.5, train),
        "loss": lambda step: {"error": falling(1.5, train)(step / 200)},
    }
    found = seen(fitting(errors=errors, evaluation={"variance": 1.0} | measured, **options))
    assert ("labels-unrelated" in found) is caught


@pytest.mark.parametrize(
    ("known", "share", "caught"), [(99, 1.0, False), (100, 1.0, True), (99, 0.8, True), (0, 1.0, True)]
)
def test_few_examples_are_known_by_heart_whatever_their_labels(known: int, share: float, caught: bool) -> None:
    evaluation = {"known": known, "share_known": share}
    found = seen(classifying(scores=[0.11] * 6, right=memorizing(0.4), evaluation=evaluation))
    assert ("labels-unrelated" in found) is caught


@pytest.mark.parametrize(("train", "read_elsewise"), [(0.02, True), (0.6, False)])
def test_values_that_were_soon_explained_and_nowhere_else_are_read_elsewise(train: float, read_elsewise: bool) -> None:
    """Such as of categories that are numbered otherwise where they are evaluated."""
    curve = falling(1.5, train)
    found = seen(
        fitting(
            errors=[1.5] * 4, evaluation={"variance": 1.0}, curve=curve, loss=lambda step: {"error": curve(step / 200)}
        )
    )
    assert ("train-validation-mismatch" in found) is read_elsewise
    assert ("labels-unrelated" in found) is not read_elsewise


@pytest.mark.parametrize(
    ("labels", "reading"),
    [
        ((5, 6, 7), "of other classes"),
        ((3, 4, 5, 6), ""),  # half of them
        ((70, 71), ""),  # classes are counted up to some number
        ((), ""),
    ],
)
def test_classes_that_were_never_trained_on_are_no_unrelated_labels(labels: tuple[int, ...], reading: str) -> None:
    history = classifying(
        scores=[0.11] * 6,
        right=memorizing(0.4),
        loss={"counts": (13, 13, 13, 13, 12, 0, 0, 0, 0, 0)},
        evaluation={"labels": labels},
    )
    found = seen(history)
    assert ("labels-unrelated" in found) is not bool(reading)
    assert ("train-validation-mismatch" in found) is bool(reading)
    assert not reading or found["train-validation-mismatch"][1].reading == reading


def test_a_score_of_long_ago_is_none_of_now() -> None:
    history = classifying(scores=[0.11] * 6, right=memorizing(0.4))
    history.evaluations = [replace(each, step=each.step // 3) for each in history.evaluations]
    assert "labels-unrelated" not in seen(history)


@pytest.mark.parametrize(("counts", "caught"), [((32, 32), True), ((128, 128), False)])
def test_of_several_answers_each_some_are_right_by_chance_where_all_are_not(
    counts: tuple[int, int], caught: bool
) -> None:
    """Such as whether a level lies above each of four."""
    several = {"kind": "binary", "classes": 2, "counts": counts}
    history = classifying(scores=[0.3] * 6, right=line(0.8, 0.8), loss=several)
    assert ("train-validation-mismatch" in seen(history)) is caught


def test_a_few_scores_at_chance_are_at_chance_still() -> None:
    history = classifying(scores=[0.11] * 4, right=memorizing(0.5))
    history.evaluations = [replace(each, step=each.step // 4) for each in history.evaluations[:3]] + [
        history.evaluations[3]
    ]
    assert "labels-unrelated" in seen(history)


def test_what_was_soon_right_of_examples_not_seen_before_is_no_memory() -> None:
    found = seen(classifying(scores=[0.1] * 6, right=line(0.4, 0.9)))
    assert "labels-unrelated" not in found
    assert found["train-validation-mismatch"][1].reading == "encoded otherwise"


@pytest.mark.parametrize(
    ("changes", "caught"),
    [({"shift": 1.01}, True), ({"shift": 0.99}, False), ({"scale": 2.51}, True), ({"scale": 0.39}, True),
     ({"scale": 0.75}, False), ({"shift": 5.0, "every_step": True}, False)],
)  # fmt: skip
def test_where_held_out_inputs_lie_elsewhere(changes: dict[str, Any], caught: bool) -> None:
    assert ("train-validation-mismatch" in seen(classifying(scores=[0.7] * 3, evaluation=changes))) == caught
    assert "train-validation-mismatch" not in seen(classifying(scores=[0.9] * 3, evaluation=changes))
    assert ("train-validation-mismatch" in seen(classifying(errors=[0.2] * 3, evaluation=changes))) == caught
    assert "train-validation-mismatch" not in seen(classifying(errors=[0.1] * 3, evaluation=changes))


@pytest.mark.parametrize(
    ("changes", "caught"),
    [({"shift": 1.5}, False), ({"shift": 2.5}, True), ({"scale": 7.0}, True), ({"scale": 7.0, "step": 1}, False)],
)
def test_of_passes_without_a_score_only_what_is_far_off_tells(changes: dict[str, float], caught: bool) -> None:
    """Such as those of a policy, which its own mistakes lead into other states.

    Passes of a generator, for the other's turn, are known as such once they have come at several steps.
    """
    history = classifying(errors=[9.0], evaluation={"loss": None, **changes})
    assert ("train-validation-mismatch" in seen(history)) is caught


def test_a_few_training_examples_do_not_tell_where_inputs_lie() -> None:
    def found(known: int) -> bool:
        history = classifying(errors=[9.0], evaluation={"shift": 1.5, "known": known})
        return "train-validation-mismatch" in seen(history)

    assert not found(10)  # such as those of one task of many
    assert found(60)


@pytest.mark.parametrize(("values", "caught"), [(0, True), (9, True), (2, False)])
def test_rows_of_a_few_choices_come_again_by_chance(values: int, caught: bool) -> None:
    history = classifying(
        scores=[0.9] * 3,
        evaluation={"seen": 0.4},
        examination={"inputs": (replace(INPUT, values=values),)},
    )
    assert ("leakage" in seen(history)) is caught


def test_examples_on_both_sides_leak_unless_one_evaluation_is_clean() -> None:
    history = classifying(scores=[0.9] * 3, evaluation={"seen": 0.4})
    assert seen(history)["leakage"][1].reading == "held-out examples were trained on"
    history.evaluations.append(Evaluation(step=history.step, accuracy=0.9))
    assert "leakage" not in seen(history)
    whole = classifying(scores=[0.9] * 3, evaluation={"seen": 1.0})  # the training set itself
    assert "leakage" not in seen(whole)
    teacher = classifying(scores=[0.9] * 3, evaluation={"seen": 0.4, "every_step": True})
    assert "leakage" not in seen(teacher)


@pytest.mark.parametrize(("known", "share", "caught"), [(400, 0.12, True), (400, 1.0, False), (5000, 0.08, True)])
def test_of_few_known_training_examples_few_are_seen_again(known: int, share: float, caught: bool) -> None:
    part = {"seen": 0.08, "examples": 500, "known": known, "share_known": share}
    assert ("leakage" in seen(classifying(scores=[0.9] * 3, evaluation=part))) is caught


@pytest.mark.parametrize(
    ("known", "share", "caught"),
    [
        (200, 0.42, False),  # the training set, of which not all was looked at
        (200, 0.6, True),  # all data, the training set among them
        (400, 0.42, True),  # a part of the training set
    ],
)
def test_training_examples_that_were_not_looked_at_are_training_examples(
    known: int, share: float, caught: bool
) -> None:
    part = {"seen": 0.4, "examples": 500, "known": known, "share_known": share}
    history = classifying(scores=[0.9] * 3, evaluation=part)
    assert ("leakage" in seen(history)) is caught


def test_passes_at_one_step_after_another_are_no_evaluations() -> None:
    history = classifying()
    history.evaluations = [Evaluation(step=each, seen=0.4, loss=0.1) for each in (1, 2, 3)]
    assert "leakage" not in seen(history)
    history.evaluations = [Evaluation(step=each, seen=0.4, loss=0.1) for each in (1, 2, 4)]
    assert "leakage" in seen(history)
    history.evaluations = [Evaluation(step=each, seen=0.4) for each in (1, 2, 4)]  # no score that could be too good
    assert "leakage" not in seen(history)


@pytest.mark.parametrize(
    ("every", "rest", "options", "caught"),
    [
        (8, 0, {}, True),
        (48, 0, {}, True),  # one is rare, and comes in whole batches
        (48, 0, {"counts": None}, False),  # of few, of which all may well be of one
        (200, 0, {}, False),  # of one class alone
        (8, 16, {}, False),  # some of the other
        (8, 0, {"batch": 4}, False),  # several answers to each example
    ],
)
def test_batches_of_examples_with_and_without(every: int, rest: int, options: dict[str, Any], caught: bool) -> None:
    def sorted_by_class(step: int) -> dict[str, Any]:
        size = 8 if "counts" in options else 64
        counts = (size - rest, rest) if step % every else (rest, size - rest)
        return {"kind": "binary", "classes": 2, **options, "counts": counts}

    assert ("unshuffled-data" in seen(classifying(loss=sorted_by_class, scores=[0.5] * 4))) is caught


def test_batches_of_players_may_be_all_real_or_all_generated() -> None:
    def sorted_by_class(step: int) -> dict[str, Any]:
        return {"kind": "classes", "classes": 3, "counts": tuple(64 * (each == step % 3) for each in range(3))}

    assert "unshuffled-data" in seen(classifying(loss=sorted_by_class))
    history = playing(APART)
    history.examinations = classifying(loss=sorted_by_class).examinations
    assert "unshuffled-data" not in seen(history)


@pytest.mark.parametrize(
    ("mean", "changes", "caught"),
    [
        (lambda step: step % 40 / 10, {}, True),
        (lambda step: -(step % 40) / 10, {}, True),
        (lambda step: step % 40 / 10, {"target_std": 2.0}, False),  # hardly more than the batches' share of it
        (lambda step: step % 40 / 10, {"error": 0.1}, False),  # it is learned all the same
        (lambda step: step / 10, {}, False),  # a stream that drifts
        (lambda step: 2 - 2 * math.cos(math.pi * step / 40), {}, False),  # a series that rises and falls
        (lambda step: step * 17 % 40 / 10, {}, False),  # clients of one level each, in any order
    ],
)  # fmt: skip
def test_batches_sorted_by_a_target_sweep_and_leap_back(
    mean: Callable[[int], float], changes: dict[str, float], caught: bool
) -> None:
    def swept(step: int) -> dict[str, float]:
        return {"target_mean": mean(step), "target_std": 0.1, "error": 1.0} | changes

    history = fitting(loss=swept, steps=160)
    assert ("unshuffled-data" in seen(history)) is caught


@pytest.mark.parametrize(
    ("where", "accuracy", "caught"),
    [
        ("counts", 0.5, True),
        ("beside", 0.5, True),  # of a loss of classes beside one of yes or no
        ("counts", 0.99, False),  # it is learned all the same
    ],
)
@pytest.mark.parametrize(("still", "sorts"), [(0, True), (12, True), (120, False)])
def test_batches_of_several_classes_that_sweep_and_leap_back(
    where: str, accuracy: float, caught: bool, still: int, sorts: bool
) -> None:
    """However long they stay at the first classes before they move on; but for a few it cannot be told."""

    def swept(step: int) -> dict[str, Any]:
        first = max(0, step % 60 - still) // 4 if still < 60 else 5
        counts = tuple(BATCH // 4 * (first <= each < first + 4) for each in range(20))
        kind = {"kind": "classes", "counts": counts} if where == "counts" else {"kind": "binary", "counts": (8, 8)}
        return kind | {"classes": 20, "accuracy": accuracy} | ({"beside": counts} if where == "beside" else {})

    found = seen(classifying(loss=swept, steps=240, right=line(accuracy, accuracy), curve=line(3.0, 2.9))).get(
        "unshuffled-data"
    )
    assert (found is not None) is (caught and sorts)


def test_candidates_of_which_the_first_is_right_are_no_sorted_classes() -> None:
    def found(*last: int) -> bool:
        head = (op("NllLoss"), op("LogSoftmax", 64, 10, axis=1), op("Addmm", *last))
        return "unshuffled-data" in seen(not_learning(loss={"counts": (64, *[0] * 9), "heads": (head,)}))

    assert found(64, 10)
    assert found(64, 10, 8, 8)
    assert not found(64, 128)
    assert not found(64, 10, 5)  # ten candidates of five numbers each


@pytest.mark.parametrize(("examples", "caught"), [(4, True), (1, False)])
def test_moments_of_one_recording_are_of_one_class(examples: int, caught: bool) -> None:
    def moments(step: int) -> dict[str, Any]:
        return {"counts": tuple(BATCH * (each == step % 10) for each in range(10))}

    taken = {"inputs": (replace(INPUT, shape=(examples, 2, 80)),)}
    assert ("unshuffled-data" in seen(classifying(loss=moments, examination=taken))) is caught


@pytest.mark.parametrize(
    ("remade", "shift", "caught"),
    [(199, 0.0, True), (150, 0.0, False), (199, 0.1, False)],  # of different batches it may be for something else
)
def test_a_generator_made_anew_at_each_step_draws_the_same_batch(remade: int, shift: float, caught: bool) -> None:
    history = classifying(
        loop={"remade": remade}, examination=lambda step: {"inputs": (replace(INPUT, mean=shift * step),)}
    )
    assert ("duplicate-augmentation" in seen(history)) is caught
