"""Passes without gradients, gathered by hand-made events."""

import pytest
import torch
from torch import Tensor, nn

from gradus.diagnosis.evaluations import EvaluationWatch, trimmed
from gradus.diagnosis.inputs import read_input, row_prints
from gradus.diagnosis.places import Places
from gradus.diagnosis.signs import Evaluation, InputSigns

N = 10


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.fixture(name="model")
def _model() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 2)).eval()


@pytest.fixture(name="watch")
def _watch(model: nn.Sequential) -> EvaluationWatch:
    places = Places()
    places.add(model, "net")
    return EvaluationWatch(places)


def batch(seed: int, examples: int = N) -> Tensor:
    return torch.randn(examples, 3, generator=torch.Generator().manual_seed(seed))


def signs(x: Tensor) -> InputSigns:
    found = read_input(x)
    assert found is not None
    return found


def closed(
    watch: EvaluationWatch, step: int = 5, train: list[InputSigns] | None = None, *, dropping: bool = False
) -> Evaluation:
    (found,) = watch.close(step, train or [], dropping=dropping)
    return found


def test_losses_and_scores_are_means_over_examples(watch: EvaluationWatch, model: nn.Sequential) -> None:
    """Batches of 10 and 4: loss (10 * 2 + 4 * 9) / 14, of which the second came as a sum; 6 + 1 right of 14."""
    for seed, examples, loss, reduction, right in ((0, 10, 2.0, "mean", 6), (1, 4, 36.0, "sum", 1)):
        x, target = batch(seed, examples), torch.arange(examples)
        watch.passed(model, [x], model(x), set(), [])
        watch.measured(torch.tensor(loss), target, reduction)
        answer = target.clone()
        answer[right:] += 1
        watch.compared(answer == target, answer, target)
    found = closed(watch)
    assert (found.step, found.passes, found.examples) == (5, 2, 14)
    assert found.loss == pytest.approx(56 / 14)
    assert found.accuracy == pytest.approx(7 / 14)
    assert watch.close(6, [], dropping=False) == []  # that is over


def test_what_belongs_to_other_examples_is_left_out(watch: EvaluationWatch, model: nn.Sequential) -> None:
    x, target = batch(0), torch.arange(N)
    watch.measured(torch.tensor(1.0), target, "mean")  # before any pass
    watch.passed(model, [x], model(x), set(), [])
    watch.measured(torch.ones(N), target, "none")
    watch.measured(torch.tensor(1.0), target[:4], "mean")
    watch.measured(torch.tensor(1.0), torch.tensor(3), "mean")
    watch.measured(0.5, target, "mean")
    watch.compared(target[:4] == target[:4], target[:4], target[:4])
    watch.compared(torch.ones(N), target, target)
    watch.compared(True, 3, 3)
    found = closed(watch)
    assert (found.loss, found.accuracy) == (None, None)


def test_only_the_first_comparison_after_a_pass_is_its_score(watch: EvaluationWatch, model: nn.Sequential) -> None:
    x, target = batch(0), torch.arange(N)
    watch.passed(model, [x], model(x), set(), [])
    watch.compared(target == target, target, target)
    watch.compared(target == -1, target, target)
    assert closed(watch).accuracy == 1


def test_answers_that_are_put_together_are_the_score_of_all_passes(watch: EvaluationWatch, model: nn.Module) -> None:
    answer, target = torch.zeros(N + 4), torch.tensor([0.0] * N + [1.0] * 4)
    for seed, examples in ((0, N), (1, 4)):
        watch.passed(model, [batch(seed, examples)], model(batch(seed, examples)), set(), [])
    watch.compared(answer[:7] == target[:7], answer[:7], target[:7])  # a part of them
    watch.compared(answer == target, answer, target)
    assert closed(watch).accuracy == pytest.approx(N / (N + 4))


def test_passes_that_were_scored_are_not_scored_together(watch: EvaluationWatch, model: nn.Module) -> None:
    answer, target = torch.zeros(2 * N), torch.tensor([0.0] * N + [1.0] * N)
    watch.passed(model, [batch(0)], model(batch(0)), set(), [])
    watch.compared(answer[:N] == target[:N], answer[:N], target[:N])
    watch.passed(model, [batch(1)], model(batch(1)), set(), [])
    watch.compared(answer == target, answer, target)
    assert closed(watch).accuracy == 1.0


def test_what_is_compared_is_the_score_whatever_a_loss_tells(watch: EvaluationWatch, model: nn.Module) -> None:
    target = torch.zeros(N, dtype=torch.long)
    watch.passed(model, [batch(0)], model(batch(0)), set(), [])
    watch.measured(torch.tensor(1.0), target, "mean", torch.eye(2)[target])
    watch.compared(target == 1, target, torch.ones(N, dtype=torch.long))
    assert closed(watch).accuracy == 0.0


@pytest.mark.parametrize("output", [None, torch.zeros(3 * N, 1)])
def test_a_loss_of_no_classes_tells_none_right(watch: EvaluationWatch, model: nn.Module, output: Tensor | None) -> None:
    watch.passed(model, [batch(0)], model(batch(0)), set(), [])
    watch.measured(torch.tensor(1.0), torch.zeros(3 * N, dtype=torch.long), "mean", output)
    found = closed(watch)
    assert (found.loss, found.accuracy) == (None, None)


@pytest.mark.parametrize(("times", "known"), [(1, True), (3, True), (1.5, False)])
def test_the_loss_of_classes_tells_how_many_are_right(
    watch: EvaluationWatch, model: nn.Module, times: float, known: bool
) -> None:
    """Of one answer to each example, or of several such as the letters of a word."""
    watch.passed(model, [batch(0)], model(batch(0)), set(), [])
    output = torch.eye(2)[torch.zeros(int(times * N), dtype=torch.long)]
    target = torch.ones(int(times * N), dtype=torch.long)
    target[: len(target) // 2] = 0
    watch.measured(torch.tensor(1.0), target, "mean", output)
    found = closed(watch)
    assert (found.loss, found.accuracy) == ((1.0, 0.5) if known else (None, None))


def test_examples_of_training_are_told_from_new_ones(watch: EvaluationWatch, model: nn.Sequential) -> None:
    rows = set(row_prints(batch(0)))
    for seed in (0, 1):
        x = batch(seed)
        watch.passed(model, [x], model(x), rows, [])
        watch.measured(torch.tensor(float(seed)), torch.arange(N), "mean")
    known, new = watch.close(5, [], dropping=False)
    assert (known.seen, known.loss, known.known) == (1, 0, len(rows))
    assert (new.seen, new.loss) == (0, 1)


def test_examples_of_training_are_told_from_new_ones_after_many_passes(
    watch: EvaluationWatch, model: nn.Sequential
) -> None:
    rows = set(row_prints(batch(0)))
    for seed in (*[0] * 30, *[1] * 5):
        x = batch(seed)
        watch.passed(model, [x], model(x), rows, [])
    assert [(each.passes, each.seen) for each in watch.close(5, [], dropping=False)] == [(30, 1), (5, 0)]


def test_the_spread_of_numeric_targets_is_kept(watch: EvaluationWatch, model: nn.Sequential) -> None:
    for seed in (0, 1):
        x = batch(seed)
        watch.passed(model, [x], model(x), set(), [])
        watch.measured(torch.tensor(1.0), 10.0 * x[:, :1], "mean")
    expected = 100 * torch.cat([batch(0), batch(1)])[:, 0].var(correction=0)
    assert closed(watch).variance == pytest.approx(float(expected))
    watch.passed(model, [batch(0)], model(batch(0)), set(), [])
    watch.measured(torch.tensor(1.0), torch.arange(N), "mean")
    found = closed(watch)
    assert found.variance is None
    assert found.labels == tuple(range(N))


def test_modes(watch: EvaluationWatch, model: nn.Sequential) -> None:
    x = batch(0)
    watch.passed(model, [x], model(x), set(), [])
    found = closed(watch, dropping=True)
    assert (found.training, found.dropped, found.place) == (False, True, "")
    watch.passed(model, [x], model(x), set(), [])
    (found,) = watch.close(5, [], dropping=False, normalizing=True)
    assert found.training
    model.train()
    watch.passed(model, [x], model(x), set(), [])
    found = closed(watch, dropping=True)
    assert (found.training, found.dropped, found.place) == (True, False, "net")


def test_statistics_that_are_averaged_anew_are_meant() -> None:
    """``torch.optim.swa_utils.update_bn`` puts batch norm in training mode, with momentum None."""
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)).eval()
    places = Places()
    places.add(model, "net")
    watch = EvaluationWatch(places)
    loader = [batch(seed) for seed in range(3)]
    modes: list[bool] = []

    def passed(module: nn.Module, inputs: tuple[Tensor, ...], result: Tensor) -> None:
        watch.passed(module, list(inputs), result, set(), [])
        modes.append(model[1].training)

    handle = model.register_forward_hook(passed)
    torch.optim.swa_utils.update_bn(loader, model)
    handle.remove()
    assert modes == [True] * 3
    found = closed(watch)
    assert (found.passes, found.training) == (3, False)


def test_the_same_batch_again_is_repeated(watch: EvaluationWatch, model: nn.Sequential) -> None:
    """Each several times, or all of them and then all again; of numbers or of tokens."""
    for seeds, repeated in (((0, 1), False), ((0, 0), True), ((0, 1, 2, 0, 1, 2), True)):
        for tokens in (False, True):
            for seed in seeds:
                x = batch(seed)
                watch.passed(model, [(20 * x).long() if tokens else x], model(x), set(), [])
            assert closed(watch).repeated is repeated


def test_another_question_about_the_same_batch_is_no_repetition(watch: EvaluationWatch, model: nn.Sequential) -> None:
    x = batch(0)
    for question in range(3):
        watch.passed(model, [x, torch.full((len(x),), question)], model(x), set(), [])
    assert not closed(watch).repeated


def test_the_same_batch_to_another_model_is_a_comparison(watch: EvaluationWatch, model: nn.Sequential) -> None:
    for each in (model, model[0]):
        watch.passed(each, [batch(0)], each(batch(0)), set(), [])
    assert not closed(watch).repeated


def test_answers_of_yes_or_no_are_no_classes(watch: EvaluationWatch, model: nn.Sequential) -> None:
    said, given = torch.zeros(N, 1, dtype=torch.bool), torch.ones(N, 1, dtype=torch.bool)
    watch.passed(model, [batch(0)], torch.full((N, 1), -4.0), set(), [])
    watch.compared(said == given, said, given)
    found = closed(watch)
    assert (found.accuracy, found.counts) == (0.0, ())


@pytest.mark.parametrize("turned", [False, True])
def test_answers_are_counted_by_class(watch: EvaluationWatch, model: nn.Sequential, turned: bool) -> None:
    logits, target = torch.eye(3)[[0, 0, 1, 1, 1, 2]], torch.tensor([0, 1, 1, 1, 2, -1])
    answer = logits.argmax(1)
    for pair in ((answer, target), (target + 1, target)):  # of the second none is what the logits say
        watch.passed(model, [batch(0, 6)], logits, set(), [])
        one, other = reversed(pair) if turned else pair
        watch.compared(one == other, one, other)
    found = closed(watch)
    assert (found.counts[:4], found.right[:4]) == ((1, 3, 1, 0), (1, 2, 0, 0))


@pytest.mark.parametrize("modes", [(True, False), (False, True), (True, True)])
def test_statistics_are_refreshed_before_an_evaluation(
    watch: EvaluationWatch, model: nn.Sequential, modes: tuple[bool, ...]
) -> None:
    """Precise batch norm: passes in training mode, and then the evaluation."""
    for seed, training in enumerate(modes):
        model.train(training)
        watch.passed(model, [batch(seed)], model(batch(seed)), set(), [])
    assert closed(watch).training is modes[-1]


def test_inputs_that_lie_elsewhere(watch: EvaluationWatch, model: nn.Sequential) -> None:
    train = [signs(batch(0).reshape(N, 1, 3))]
    watch.passed(model, [255 * batch(1).reshape(N, 1, 3)], torch.ones(N, 2), set(), train)
    found = closed(watch, train=train)
    assert found.scale == pytest.approx(255 * float(batch(1).std()) / float(batch(0).std()), rel=0.01)
    watch.passed(model, [torch.ones(N, 1, 9)], torch.ones(N, 2), set(), train)
    assert closed(watch, train=train).scale == 1  # of another shape: not to be compared


def test_codes_on_their_way_to_a_decoder_are_no_data(watch: EvaluationWatch, model: nn.Sequential) -> None:
    """Data of their shape may have gone into another model."""
    codes, train = 5 + batch(0), [signs(batch(0))]
    for given, moved in ((codes, False), (codes.clone(), True)):
        watch.passed(model, [batch(0)], codes, set(), train)
        watch.passed(model, [given], batch(2), set(), train)
        assert (closed(watch, train=train).shift > 1) == moved


def test_a_pass_at_every_step(watch: EvaluationWatch, model: nn.Sequential) -> None:
    every = []
    for step in [*range(12), 20]:
        watch.passed(model, [batch(step)], torch.ones(N, 2), set(), [])
        every.append((closed(watch, step).every_step, watch.at_every_step))
    assert [each for each, _ in every] == [False, False, *[True] * 10, False]
    assert [each for _, each in every] == [*[False] * 9, True, True, True, False]


def test_passes_beyond_those_of_every_step_are_unusual(watch: EvaluationWatch, model: nn.Sequential) -> None:
    for step in range(10):
        assert not watch.usual
        watch.passed(model, [batch(step)], torch.ones(N, 2), set(), [])
        closed(watch, step)
    assert watch.usual
    watch.passed(model, [batch(10)], torch.ones(N, 2), set(), [])
    assert not watch.usual


def test_passes_of_every_step_of_which_figures_are_made_are_looked_at_now_and_then(
    watch: EvaluationWatch, model: nn.Sequential
) -> None:
    looked_at = []
    for step in range(50):
        looked_at += [] if watch.usual else [step]
        watch.passed(model, [batch(step)], torch.ones(N, 2), set(), [])
        if step in looked_at:
            watch.measured(torch.tensor(1.0), torch.ones(N, 2), "mean")
        closed(watch, step)
    assert looked_at == [*range(10), 17, 33, 49]


@pytest.mark.parametrize(
    "result", [None, 3.0, torch.tensor(1.0), torch.ones(0, 2), torch.arange(N), {"logits": torch.ones(N, 2)}]
)
@pytest.mark.parametrize(
    "inputs", [[], [torch.ones(0, 3)], [torch.arange(N)], [torch.ones(())], [torch.eye(4).to_sparse()]]
)
def test_odd_passes(watch: EvaluationWatch, model: nn.Sequential, inputs: list[Tensor], result: object) -> None:
    watch.passed(model, inputs, result, {1}, [signs(batch(0))])
    found = closed(watch, train=[signs(batch(0))])
    assert found.passes == 1
    assert found.examples == (N if isinstance(result, dict) or getattr(result, "shape", None) == (N,) else 0)


def test_old_evaluations_thin_out_evenly() -> None:
    evaluations: list[Evaluation] = []
    for step in range(3000):
        evaluations = trimmed([*evaluations, Evaluation(step=step)])
        assert len(evaluations) <= 400
    steps = [each.step for each in evaluations]
    assert steps == sorted(set(steps))
    assert steps[0] == 0
    assert steps[-100:] == list(range(2900, 3000))


def test_a_squared_error_that_is_written_out(watch: EvaluationWatch, model: nn.Sequential) -> None:
    x = batch(0)
    output = model(x)
    target = output.clone() + 2
    target[0] += 1
    watch.passed(model, [x], output, set(), [])
    other = torch.randn(10, 2)
    watch.subtracted(other - target, other, target)  # of something else
    watch.subtracted(target - output.view(10, 2), target, output.view(10, 2))
    watch.subtracted(output - 9 * target, output, 9 * target)  # the pass has its error already
    (found,) = watch.close(5, [], dropping=False, squared=True)
    assert found.loss == pytest.approx((18 * 4 + 2 * 9) / 20)
    assert found.variance == pytest.approx(float(target.detach().var(correction=0)))


@pytest.mark.parametrize("squared", [True, False])
def test_a_loss_comes_before_an_error_that_is_written_out(
    watch: EvaluationWatch, model: nn.Sequential, squared: bool
) -> None:
    x = batch(0)
    output = model(x)
    watch.passed(model, [x], output, set(), [])
    watch.subtracted(output - 1, output, torch.ones_like(output))
    if squared:
        watch.measured(torch.tensor(7.0), torch.zeros(10), "mean")
    (found,) = watch.close(5, [], dropping=False, squared=squared)
    assert found.loss == (7.0 if squared else None)
