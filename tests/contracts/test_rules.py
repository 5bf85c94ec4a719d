"""What every rule of the doctor promises."""

from collections.abc import Iterator
from string import Formatter

import pytest

from gradus.core.findings import Finding
from gradus.core.text import set_language
from gradus.diagnosis.doctor import Doctor, told
from gradus.diagnosis.remedies import BY_ID, remedies_for
from gradus.diagnosis.remedies import CARDS as REMEDIES
from gradus.diagnosis.remedy_cards.card import RemedyCard
from gradus.diagnosis.rules import RuleCard, rules
from tests.diagnosis.histories import CASES, seen

CARDS = rules.cards()
EVERY = pytest.mark.parametrize("card", CARDS, ids=[card.name for card in CARDS])

SYMPTOMS = frozenset({
    "vanishing-gradient", "exploding-gradient", "vanishing-signal", "exploding-signal", "dead-units", "saturated-units",
    "non-finite", "initial-loss", "plateau", "oscillation", "divergence", "no-learning", "constant-prediction",
    "small-updates", "large-updates", "generalization-gap", "validation-rising", "curve-reading",
})  # fmt: skip
CAUSES = frozenset({
    "vanishing-gradient", "exploding-gradient", "dead-units", "saturated-units", "bad-initialization",
    "symmetric-initialization", "missing-nonlinearity", "vanishing-through-time", "exploding-through-time",
    "learning-rate-too-high", "learning-rate-too-low", "optimizer-epsilon-too-large", "under-trained", "summed-loss",
    "loss-sign",
    "non-finite-input", "unstable-loss", "overflow",
    "softmax-twice", "softmax-wrong-axis", "softmax-single-unit", "missing-log", "loss-output-mismatch", "output-range",
    "nonlinear-logits", "broadcast-loss",
    "unscaled-inputs", "unscaled-targets", "feature-scale", "constant-inputs", "train-validation-mismatch", "leakage",
    "labels-unrelated", "noisy-labels", "class-imbalance", "unshuffled-data", "duplicate-augmentation", "batch-mixing",
    "missing-zero-grad", "missing-step", "stale-optimizer", "parameters-not-in-optimizer", "unregistered-parameters",
    "frozen-parameters", "detached-graph", "training-in-eval-mode", "evaluation-in-train-mode",
    "dropout-in-evaluation", "batch-norm-drift",
    "overfitting", "underfitting", "over-regularization", "batch-norm-tiny-batch",
    "mode-collapse", "oscillating-players", "discriminator-dominates", "generator-dominates",
    "posterior-collapse", "checkerboard",
    "desynchronised-rank", "straggler",
})  # fmt: skip
"""The promised ids."""


@pytest.fixture(autouse=True)
def _language_as_it_was() -> Iterator[None]:
    yield
    set_language(None)


def test_every_symptom_has_its_rule_and_every_rule_its_case() -> None:
    names = {card.name for card in CARDS}
    assert names >= SYMPTOMS
    assert names <= SYMPTOMS | CAUSES
    assert CASES.keys() == names


@EVERY
def test_documents_itself(card: RuleCard) -> None:
    assert card.kind == "rule"
    assert card.summary.endswith(".")
    assert len(card.summary) <= 120
    assert card.source
    assert card.not_fooled_by


@EVERY
def test_says_what_to_do_in_both_languages(card: RuleCard) -> None:
    assert BY_ID[card.name], "a finding without remedies is no help"
    for message in (card.says, *card.words.values()):
        assert message.zh != message.en or message.en == "tanh" or message.en == "softmax"
    fields = {name for _, name, _, _ in Formatter().parse(card.says.en) if name}
    assert ("what" in fields) == bool(card.words), "readings are what `{what}` stands for"


def test_every_remedy_is_of_use() -> None:
    # what is left out has no words of its own: there is a place in the source for it, or there is none
    assert {each for several in BY_ID.values() for each in several} | {"leave-out"} == REMEDIES.keys()
    assert BY_ID.keys() == SYMPTOMS | CAUSES
    assert [each.id for each in remedies_for("dead-units")] == list(BY_ID["dead-units"])


@pytest.mark.parametrize("card", REMEDIES.values(), ids=REMEDIES)
def test_a_remedy_says_what_and_why_and_on_whose_word(card: RemedyCard) -> None:
    for message in (card.text, card.why):
        assert message.en != message.zh
        assert message.en.endswith(".")
        assert message.zh.endswith(("。", "？"))
    assert card.source


@EVERY
def test_catches_the_faulty_history(card: RuleCard) -> None:
    found = seen(CASES[card.name].faulty)
    assert card.name in found
    _, sighting = found[card.name]
    assert 0 < sighting.confidence <= 1
    assert 0 <= sighting.since <= CASES[card.name].faulty.step
    assert sighting.worse > 0
    assert (sighting.reading in card.words) == bool(card.words)


@EVERY
def test_its_healthy_twin_raises_nothing_at_all(card: RuleCard) -> None:
    assert list(seen(CASES[card.name].healthy)) == []


@EVERY
def test_asks_at_the_end_only_if_the_card_says_so(card: RuleCard) -> None:
    history = CASES[card.name].faulty
    if card.at_end:
        history.ended = False
        try:
            assert card.name not in seen(history)
        finally:
            history.ended = True
    else:
        assert not history.ended


@EVERY
def test_what_it_sees_is_told_with_its_figures_in_both_languages(card: RuleCard) -> None:
    said: dict[str, Finding] = {}
    for language in ("en", "zh"):
        set_language(language)
        doctor = Doctor(CASES[card.name].faulty)
        doctor.consider()
        (said[language],) = [each for each in doctor.findings if each.symptom == card.name]
        first, *rest = told(said[language]).split("\n")
        assert f"[{card.name}]" in first
        assert len(rest) == 3
        assert "{" not in first
    assert said["en"].message != said["zh"].message
    assert not any("一" <= each <= "鿿" for each in said["en"].message)
    assert any("一" <= each <= "鿿" for each in said["zh"].message)
    assert said["en"].severity == said["zh"].severity
