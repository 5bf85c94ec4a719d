"""Operators that put mistakes into programs, and the drawing of them."""

import ast
import random
from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice
from pathlib import Path

import pytest

from benchmarks.ward import __main__ as ward
from benchmarks.ward import fixes, mutants
from benchmarks.ward.edits import Source
from benchmarks.ward.mutants import Drawn
from benchmarks.ward.operators import OPERATORS, Operator, mutant
from benchmarks.ward.programs import HERE, programs

PROGRAM = """\
import torch
from torch import nn

def fit(net, x, y):
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        nn.functional.mse_loss(net(x), y).backward()  # größer
        optimizer.step()
"""


def of(source: Source, name: str) -> ast.Call:
    (call,) = source.calls(name)
    return call


@pytest.mark.parametrize(
    ("change", "before", "after"),
    [
        (lambda s: s.replace(of(s, "net"), "net(2 * x)"), "net(x)", "net(2 * x)"),
        (lambda s: s.argument(of(s, "SGD"), "lr", "9.0"), "lr=0.1", "lr=9.0"),
        (lambda s: s.argument(of(s, "SGD"), "momentum", "0.9"), "lr=0.1)", "lr=0.1, momentum=0.9)"),
        (lambda s: s.argument(of(s, "step"), "closure", "None"), "step()", "step(closure=None)"),
        (lambda s: s.delete(s.statement(of(s, "step"))), "        optimizer.step()\n", ""),
        (
            lambda s: s.before(s.statement(of(s, "step")), "if x.any():\n    print(x)"),
            "        optimizer.step()",
            "        if x.any():\n            print(x)\n        optimizer.step()",
        ),
        (
            lambda s: s.after(s.statement(of(s, "backward")), "print(x)"),
            "# größer\n",
            "# größer\n        print(x)\n",
        ),
    ],
    ids=["replace", "argument", "new argument", "first argument", "delete", "before", "after"],
)
def test_a_change_leaves_all_else_as_it_was_written(change: Callable[[Source], None], before: str, after: str) -> None:
    source = Source(PROGRAM)
    change(source)
    assert PROGRAM.count(before) == 1
    assert source.result() == PROGRAM.replace(before, after)


def test_a_block_that_would_be_empty_passes() -> None:
    source = Source("for i in range(3):\n    print(i)\n")
    source.delete(source.statement(of(source, "print")))
    assert source.result() == "for i in range(3):\n    pass\n"


def test_what_is_no_python_any_more_is_no_mutant() -> None:
    source = Source(PROGRAM)
    assert source.result() is None  # nothing was changed
    source.replace(of(source, "net"), "net(")
    assert source.result() is None


# ---- operators ------------------------------------------------------------------------------------------------------


@cache
def healthy() -> dict[str, str]:
    files = sorted((HERE / "healthy").glob("*.py"))
    random.Random(0).shuffle(files)
    return {each.stem: each.read_text(encoding="utf-8") for each in files}


def suited(operator: Operator) -> Iterator[tuple[str, str]]:
    """Programs that an operator suits, by name, and what it makes of them."""
    made = ((name, mutant(operator, text, 0)) for name, text in healthy().items())
    return ((name, source) for name, source in made if source is not None)


def test_operators_are_told_apart_and_know_their_causes() -> None:
    assert len({each.name for each in OPERATORS}) == len(OPERATORS)
    causes = {cause for each in OPERATORS for cause in (each.cause, *each.accept)}
    assert causes <= {each.cause for each in programs() if each.cause}


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda each: each.name)
def test_an_operator_changes_programs_that_it_suits_and_no_other(operator: Operator) -> None:
    some = list(islice(suited(operator), 2))
    assert some
    for name, source in some:
        assert source != healthy()[name]
        compile(source, name, "exec")
        assert mutant(operator, healthy()[name], 0) == source  # the seed alone decides
    assert mutant(operator, 'print("score: 1.0")\n', 0) is None


# ---- drawing --------------------------------------------------------------------------------------------------------


def test_the_seed_decides_what_is_drawn_and_nothing_is_drawn_twice() -> None:
    chosen = [each for each in OPERATORS if each.cause in ("missing-step", "summed-loss")]
    one, again = (list(islice(mutants._drawn(chosen, random.Random(3)), 12)) for _ in range(2))
    assert [each.name for each in one] == [each.name for each in again]
    assert len({each.name for each in one}) == 12
    assert {each.operator.cause for each in one} == {"missing-step", "summed-loss"}


def test_a_mistake_that_was_drawn_is_one_of_a_folder(tmp_path: Path) -> None:
    operator = next(each for each in OPERATORS if each.cause == "missing-step")
    name, source = next(suited(operator))
    drawn = Drawn(name, operator, source)
    (tmp_path / f"{drawn.name}.diff").write_text(mutants._difference(drawn), encoding="utf-8")
    (program,) = programs(tmp_path)
    assert (program.name, program.cause, program.structural) == (drawn.name, "missing-step", True)
    assert (program.source, program.twin) == (source, healthy()[name])


def test_drawing_ends_where_nothing_new_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutants, "_names", lambda: ["one", "two"])
    monkeypatch.setattr(mutants, "_healthy", lambda name: PROGRAM if name == "one" else "print(1)\n")
    operator = next(each for each in OPERATORS if each.name == "no_step")
    assert [each.of for each in mutants._drawn([operator], random.Random(0))] == ["one"]


@pytest.mark.parametrize(
    ("run", "arguments", "said"),
    [
        (mutants.main, ["--draw", "1", "--seed", "0", "--to", "x", "--only", "no_stepp"], "there are no_step"),
        (ward.main, ["--from", "nowhere"], "no mistakes in `nowhere`"),
        (fixes.main, ["--from", "nowhere"], "no mistakes in `nowhere`"),
    ],
)
def test_what_there_is_not_is_refused(
    run: Callable[[list[str]], int], arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        run(arguments)
    assert left.value.code == 2
    assert said in capsys.readouterr().err


QUICK = 'import sys\nprint(f"score: {RIGHT - 0.001 * int(sys.argv[1]):.3f}")\n'


@pytest.mark.parametrize(
    ("cause", "sick", "hurts"),
    [
        ("noisy-labels", "0.85", True),
        ("noisy-labels", "0.95", False),
        ("noisy-labels", "float('nan')", True),
        ("noisy-labels", "1 / 0", False),  # a program that breaks needs no doctor
        ("missing-step", "0.95", True),
        ("missing-step", "1.0", False),
    ],
)
def test_a_mistake_has_to_hurt(cause: str, sick: str, hurts: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    well = QUICK.replace("RIGHT", "1.0")
    monkeypatch.setattr(mutants, "_healthy", lambda name: well)
    mutants._well.cache_clear()
    operator = Operator("made", cause, (), lambda source, rng: None)
    assert mutants._hurts(Drawn("quick", operator, QUICK.replace("RIGHT", sick))) is hurts
    mutants._well.cache_clear()
