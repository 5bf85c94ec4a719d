import contextlib
import copy
import io
import logging
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

import gradus
from gradus.core.errors import InputError
from gradus.diagnosis import doctor
from gradus.diagnosis import watch as watching_module
from gradus.diagnosis.examination import Window
from gradus.diagnosis.updates import Updates
from gradus.diagnosis.watch import Watch, watch
from tests.diagnosis import stories
from tests.diagnosis.stories import Ended, Watching
from tests.end_to_end.processes import ENVIRONMENT

STORIES: list[Callable[[Watching], Ended]] = [
    stories.dropout_and_batch_norm, stories.autocast, stories.scaled_float16, stories.accumulation, stories.closure,
    stories.two_players, stories.cell_in_a_loop, stories.shared_module, stories.lstm, stories.lstm_autocast,
    stories.attention, stories.workers, stories.evaluation_between_steps, stories.compiled,
    stories.stateful_and_talkative,
]  # fmt: skip


# ---- the observer changes nothing -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "story", [*STORIES, pytest.param(stories.compiled_to_code, marks=pytest.mark.slow)], ids=lambda each: each.__name__
)
def test_a_watched_run_is_the_unwatched_one_bit_by_bit(story: Callable[[Watching], Ended]) -> None:
    doctors: list[Watch] = []

    def watching(models: Any, optimizers: Any) -> Watch:
        doctors.append(watch(models, optimizers, budget=0.99, quiet=True))  # never more rarely for want of time
        return doctors[0]

    unwatched, watched = _told(story, lambda *_: contextlib.nullcontext()), _told(story, watching)
    assert unwatched.keys() == watched.keys()
    assert [name for name, each in unwatched.items() if not _same(each, watched[name])] == []
    (seen,) = doctors
    assert seen.history.step >= 10
    assert len(seen.history.examinations) >= 10
    assert [each for each in seen.history.events if each["kind"] == "error"] == []


def _told(story: Callable[[Watching], Ended], watching: Watching) -> dict[str, Any]:
    """Everything that a story leaves behind."""
    torch.manual_seed(0)
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - the generator that every library draws from
    ended = story(watching)
    told: dict[str, Any] = {"words": ended.words, "outputs": list(ended.outputs)}
    for number, model in enumerate(ended.models):
        told |= {f"{number}:{name}": each for name, each in model.state_dict().items()}
        told |= {f"{number}:{name}.grad": each.grad for name, each in model.named_parameters()}
        told[f"{number}:modes"] = [each.training for each in model.modules()]
        told[f"{number}:hooks"] = sum(_hooks(each) for each in model.modules())
    told |= {f"optimizer {number}": each.state_dict() for number, each in enumerate(ended.optimizers)}
    told["torch"], told["python"] = torch.get_rng_state(), random.getstate()
    told["numpy"] = np.random.get_state()  # noqa: NPY002
    return told


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[each], other[each]) for each in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)


def _hooks(module: nn.Module) -> int:
    return sum(len(each) for name, each in vars(module).items() if name.endswith(("_hooks", "_kwargs", "_called")))


# ---- and leaves torch as it was -------------------------------------------------------------------------------------

_TOUCHED = [
    (torch.autograd, "backward"), (torch.amp.GradScaler, "scale"), (torch, "manual_seed"), (random, "seed"),
    (np.random, "seed"), (Tensor, "__eq__"), (Tensor, "eq"), (torch, "eq"),
    *((nn.functional, name) for name in ("cross_entropy", "mse_loss", "binary_cross_entropy_with_logits", "l1_loss")),
]  # fmt: skip


def _fixtures_of_torch() -> list[Any]:
    """Functions by identity, and whether a class has its own; hooks for all modules and all optimizers."""
    from torch.nn.modules import module
    from torch.optim import optimizer

    everywhere = [name for name in vars(module) if name.startswith("_global_") and name.endswith("_hooks")]
    counts = [len(getattr(module, name)) for name in everywhere]
    counts += [len(optimizer._global_optimizer_pre_hooks), len(optimizer._global_optimizer_post_hooks)]
    return [(vars(owner).get(name), name in vars(owner)) for owner, name in _TOUCHED] + counts


@pytest.fixture
def torch_as_it_was() -> Iterator[None]:
    before = _fixtures_of_torch()
    yield
    assert [one for one, two in zip(before, _fixtures_of_torch(), strict=True) if one != two] == []


def _training(steps: int = 12, evaluate: bool = False) -> tuple[nn.Module, Optimizer, Callable[[], None]]:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    sgd = torch.optim.SGD(net.parameters(), lr=0.1)
    x, y = torch.randn(16, 4), torch.randint(2, (16,))

    def train() -> None:
        for _ in range(steps):
            sgd.zero_grad()
            nn.functional.cross_entropy(net(x), y).backward()
            sgd.step()
            if evaluate:
                with torch.no_grad():
                    net(torch.randn(16, 4))

    return net, sgd, train


@pytest.mark.usefixtures("torch_as_it_was")
def test_close_leaves_torch_and_modules_as_they_were() -> None:
    net, sgd, train = _training(evaluate=True)
    seen = watch(net, sgd, quiet=True)
    train()
    assert torch.autograd.backward.__module__ != torch.autograd.__name__ or _hooks(net)
    seen.close()
    steps, findings = seen.history.step, seen.findings
    seen.close()
    train()
    assert (seen.history.step, seen.findings) == (steps, findings)
    assert sum(map(_hooks, net.modules())) == 0


@pytest.mark.usefixtures("torch_as_it_was")
def test_one_watch_within_another_sees_its_own_model() -> None:
    (net, sgd, train), (_, _, other) = _training(), _training(5)
    outer = watch(net, sgd, quiet=True)
    train()
    inner_net, inner_sgd, inner_train = _training(5)
    with watch(inner_net, inner_sgd, quiet=True) as inner:
        inner_train()
        other()  # watched by neither
    train()
    outer.close()
    assert (outer.history.step, inner.history.step) == (24, 5)
    assert list(outer.history.models) == ["Sequential"]


@pytest.mark.usefixtures("torch_as_it_was")
def test_watches_may_close_in_the_order_in_which_they_opened() -> None:
    net, sgd, train = _training()
    first, second = watch(net, sgd, quiet=True), watch(net, sgd, quiet=True)
    train()
    first.close()
    train()
    second.close()
    assert (first.history.step, second.history.step) == (12, 24)
    assert sum(map(_hooks, net.modules())) == 0


@pytest.mark.usefixtures("torch_as_it_was")
def test_an_exception_of_the_program_passes_through() -> None:
    net, sgd, train = _training()
    seen = watch(net, sgd, quiet=True)

    def program() -> None:
        with seen:
            train()
            net(torch.ones(2, 3))

    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        program()
    assert seen.history.step == 12
    assert seen.history.ended
    assert sum(map(_hooks, net.modules())) == 0


# ---- errors of ours -------------------------------------------------------------------------------------------------


def _raise(*_: Any, **__: Any) -> Any:
    raise ZeroDivisionError("ours")


@pytest.mark.parametrize(
    ("owner", "name"),
    [(doctor, "sightings"), (Window, "layer"), (Updates, "before_step"), (Window, "finish")],
    ids=["rule", "layer", "step", "examination"],
)
@pytest.mark.usefixtures("torch_as_it_was")
def test_an_error_of_ours_is_logged_once_and_stops_nothing(
    owner: Any, name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    net, sgd, train = _training()
    train()
    expected = copy.deepcopy(net.state_dict())
    net, sgd, train = _training()
    monkeypatch.setattr(owner, name, _raise)
    with caplog.at_level(logging.WARNING, "gradus"), watch(net, sgd):
        train()
    assert _same(dict(net.state_dict()), dict(expected))
    assert len(caplog.records) == 1
    assert "ZeroDivisionError: ours" in caplog.text
    assert sum(map(_hooks, net.modules())) == 0


def test_an_error_over_the_causes_does_not_reach_the_run(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(watching_module, "told_causes", _raise)
    assert _diverge().findings
    assert "ZeroDivisionError: ours" in caplog.text


# ---- what is said ---------------------------------------------------------------------------------------------------


def _diverge(**options: Any) -> Watch:
    net = nn.Linear(3, 1)
    sgd = torch.optim.SGD(net.parameters(), lr=1e4)
    with watch(net, sgd, **options) as seen:
        for _ in range(30):
            sgd.zero_grad()
            net(torch.ones(4, 3)).square().mean().backward()
            sgd.step()
    return seen


def test_findings_are_said_on_stderr_unless_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    _diverge()
    out, err = capsys.readouterr()
    assert out == ""
    assert "[non-finite]" in err
    assert "gradus likely cause" in err
    assert {each.symptom for each in _diverge(quiet=True).findings} >= {"non-finite"}
    assert capsys.readouterr() == ("", "")


def test_a_silenced_rule_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    seen = _diverge(silence=["non-finite"])
    assert "[non-finite]" not in capsys.readouterr().err
    assert "non-finite" not in {each.symptom for each in seen.findings}


def test_another_rank_than_the_first_says_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", "1")
    assert _diverge().causes
    assert capsys.readouterr().err == ""


_LINEAR = nn.Linear(1, 1)


@pytest.mark.parametrize(
    ("arguments", "options", "named"),
    [
        ((5,), {}, "`model`"),
        (("net",), {}, "`model`"),
        (([],), {}, "`model`"),
        (([_LINEAR, None],), {}, "`model`"),
        (({"net": nn.Linear},), {}, "`model`"),
        ((_LINEAR, 0.1), {}, "`optimizer`"),
        ((_LINEAR, _LINEAR.parameters()), {}, "`optimizer`"),
        ((_LINEAR, torch.optim.SGD), {}, "`optimizer`"),
        ((_LINEAR,), {"budget": 0}, "`budget`"),
        ((_LINEAR,), {"budget": "1%"}, "`budget`"),
        ((_LINEAR,), {"silence": "dead-units"}, "`silence`"),
        ((_LINEAR,), {"silence": ["dead-unit"]}, "Did you mean `dead-units`"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("torch_as_it_was")
def test_a_bad_argument_is_told_in_a_line(arguments: tuple[Any, ...], options: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError) as raised:
        gradus.watch(*arguments, **options)
    assert named in str(raised.value)
    assert "\n" not in str(raised.value)
    assert _hooks(_LINEAR) == 0


# ---- several processes ----------------------------------------------------------------------------------------------

_TWO_RANKS = """
import sys
import torch
from torch import distributed, multiprocessing, nn
import gradus

def work(rank, place, weights):
    distributed.init_process_group("gloo", init_method=f"file://{place}", rank=rank, world_size=2)
    results = []
    for watched in (False, True):
        torch.manual_seed(0)
        net = nn.parallel.DistributedDataParallel(nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1)))
        sgd = torch.optim.SGD(net.parameters(), lr=0.1)
        doctor = gradus.watch(net, sgd) if watched else None
        torch.manual_seed(rank)
        for step in range(14):
            sgd.zero_grad()
            loss = net(torch.randn(8, 3)).square().mean()
            if step == 13:
                loss = loss * float("nan")
            loss.backward()
            if step < 13:
                sgd.step()
        if doctor is not None:
            doctor.close()
            assert doctor.history.step == 13, doctor.history.step
            assert not [each for each in doctor.history.events if each["kind"] == "error"]
            assert [each.symptom for each in doctor.findings].count("non-finite") == 1
        results.append([*net.state_dict().values()])
    assert all(map(torch.equal, *results)), "watched and unwatched differ"
    distributed.destroy_process_group()

if __name__ == "__main__":
    multiprocessing.spawn(work, (sys.argv[1], None), nprocs=2)
"""


@pytest.mark.slow
def test_of_two_ranks_one_speaks(tmp_path: Path) -> None:
    script = tmp_path / "two_ranks.py"
    script.write_text(_TWO_RANKS, encoding="utf-8")
    command = [sys.executable, str(script), str(tmp_path / "meeting")]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("[non-finite]") == 1
    assert done.stderr.count("gradus likely cause") <= 1


def test_a_watched_model_is_copied_and_saved_without_us() -> None:
    net, sgd, train = _training()
    with watch(net, sgd, quiet=True) as seen:
        train()
        twin = copy.deepcopy(net)
        file = io.BytesIO()
        torch.save(net, file)
        assert b"gradus" not in file.getvalue()
        train()
        twin(torch.ones(2, 4))
        again = torch.load(io.BytesIO(file.getvalue()), weights_only=False)
        assert torch.equal(again(torch.ones(2, 4)), twin(torch.ones(2, 4)))
    assert seen.history.step == 24


@pytest.mark.parametrize("by_function", [False, True])
def test_a_whole_graph_stays_whole(by_function: bool, recwarn: pytest.WarningsRecorder) -> None:
    torch.compiler.reset()
    net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))

    def call(x: Tensor) -> Any:
        return net(x)

    run: Any = torch.compile(call if by_function else net, backend="eager", fullgraph=True)
    sgd = torch.optim.SGD(net.parameters(), lr=0.1)
    with watch(net, sgd, quiet=True) as seen:
        for _ in range(6):
            sgd.zero_grad()
            run(torch.ones(32, 4)).square().mean().backward()
            sgd.step()
    assert seen.history.step == 6
    assert not [each for each in recwarn if "get_ident" in str(each.message)]


def test_the_state_of_a_compiled_model_is_its_own() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.calls = nn.Linear(4, 2), 0
            self.state = torch.zeros(())

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.calls += 1
            self.state = self.layer(x)
            return self.state

    torch.compiler.reset()
    net = Net()
    run: Any = torch.compile(net, backend="eager")
    sgd = torch.optim.SGD(net.parameters(), lr=0.1)
    with watch(run, sgd, quiet=True):
        for step in range(5):
            sgd.zero_grad()
            run(torch.ones(32, 4)).square().mean().backward()
            sgd.step()
            assert (net.calls, net.state.shape) == (step + 1, (32, 2))


def test_scripting_a_watched_model() -> None:
    net, sgd, train = _training()
    with watch(net, sgd, quiet=True) as seen:
        train()
        scripted: Any = torch.jit.script(net)
        train()
        assert torch.equal(scripted(torch.ones(2, 4)), net(torch.ones(2, 4)))
    assert seen.history.step == 24


def test_a_model_that_is_not_watched_counts_for_nothing() -> None:
    one, other = nn.Linear(4, 1), nn.Linear(4, 1)
    both = [(each, torch.optim.SGD(each.parameters(), lr=0.01)) for each in (one, other)]
    with watch(one, both[0][1], quiet=True) as seen:
        for net, sgd in both * 12:
            sgd.zero_grad()
            (net(torch.ones(8, 4)).square().mean() + (1000 if net is other else 0)).backward()
            sgd.step()
    assert seen.history.step == 12
    assert seen.history.losses.end() < 500


def test_it_is_known_when_a_program_last_kept_its_weights() -> None:
    model, other = nn.Linear(2, 1), nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch(model, optimizer, quiet=True) as seen:
        for step in range(5):
            model(torch.randn(4, 2)).square().mean().backward()
            optimizer.step()
            optimizer.zero_grad()
            (model if step == 2 else other).state_dict()
    assert seen.history.saved == 3
