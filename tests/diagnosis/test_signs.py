"""What signs and a history say of themselves."""

from gradus.diagnosis.history import History
from gradus.diagnosis.signs import Evaluation, Examination, LossSigns, ParameterSigns


def test_update_over_weight() -> None:
    def ratio(weight: float, update: float | None) -> float | None:
        return ParameterSigns(elements=4, matrix=True, weight=weight, gradient=1.0, update=update).ratio

    assert ratio(2.0, 0.5) == 0.25
    assert ratio(0.0, 0.5) is None
    assert ratio(2.0, None) is None


def test_the_loss_of_an_examination_is_the_last_that_is_known() -> None:
    unknown, one, two = (
        LossSigns(value=value, kind=kind) for value, kind in ((1.0, ""), (2.0, "values"), (3.0, "classes"))
    )
    assert Examination(step=0).loss is None
    assert Examination(step=0, losses=(unknown,)).loss is unknown
    assert Examination(step=0, losses=(one, two, unknown)).loss is two


def test_a_history_s_examinations_and_evaluations() -> None:
    history = History()
    assert [history.first, history.last] == [None, None]
    assert history.latest(1) == []
    history.examinations = [Examination(step=step) for step in range(3)]
    assert history.first is not None
    assert history.last is not None
    assert (history.first.step, history.last.step) == (0, 2)
    assert [each.step for each in history.latest(2)] == [1, 2]
    assert history.latest(4) == []
    history.evaluations = [Evaluation(step=1), Evaluation(step=2, seen=0.5), Evaluation(step=3, repeated=True)]
    assert [each.step for each in history.held_out()] == [1]


def test_the_matrices_that_learn() -> None:
    def parameter(*, matrix: bool = True, embedding: bool = False, gradient: float | None = 1.0) -> ParameterSigns:
        return ParameterSigns(elements=4, matrix=matrix, weight=1.0, embedding=embedding, gradient=gradient)

    examination = Examination(
        step=0,
        parameters={
            "one": parameter(), "bias": parameter(matrix=False), "table": parameter(embedding=True),
            "unreached": parameter(gradient=None), "still": parameter(gradient=0.0),
        },
    )  # fmt: skip
    assert [place for place, _ in History().weights(examination)] == ["one", "still"]
