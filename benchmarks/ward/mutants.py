"""Faults drawn by chance: ``python -m benchmarks.ward.mutants --draw 100 --seed 3 --to FOLDER``.

A cause, then one of the ways to make that mistake, then a healthy program it fits, each with equal chance. What does
not hurt is drawn again. The folder then holds mistakes as ``mistakes/`` does, for
``python -m benchmarks.ward --from FOLDER``. Mutation testing of training programs comes from DeepCrime (Humbatova,
Jahangirova and Tonella, ISSTA 2021).
"""

import argparse
import difflib
import math
import os
import random
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path

import torch

import gradus.diagnosis.watch  # noqa: F401  what every program needs is loaded before it is forked
from benchmarks.ward.bed import Outcome, run
from benchmarks.ward.operators import OPERATORS, Operator, mutant
from benchmarks.ward.programs import HERE

SEEDS = (0, 1)
HURTS = 0.1
"""The share of the healthy program's score that a fault must cost at every seed."""
PATIENCE = 40
"""Programs that are tried before an operator is given up for another."""
GIVE_UP = 25
"""Operators in a row that found none."""


@dataclass(frozen=True)
class Drawn:
    """A healthy program's name and what one operator made of it."""

    of: str
    operator: Operator
    source: str

    @property
    def name(self) -> str:
        return f"{self.operator.name}__{self.of}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw, and write what hurts; 1 if fewer could be drawn than were wanted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draw", type=int, required=True, help="how many")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--to", type=Path, required=True, help="a folder for the mistakes")
    parser.add_argument("--only", nargs="*", default=[], help="operators by name")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args(arguments)
    known = {each.name: each for each in OPERATORS}
    for name in options.only:
        if name not in known:
            near = ", ".join(difflib.get_close_matches(name, known)) or "those in benchmarks/ward/operators"
            parser.error(f"there is no operator `{name}`; there are {near}")
    torch.set_num_threads(1)
    options.to.mkdir(parents=True, exist_ok=True)
    draws = _drawn([known[each] for each in options.only] or OPERATORS, random.Random(options.seed))
    kept = 0
    with ThreadPoolExecutor(options.workers) as pool:
        while kept < options.draw:
            some = list(islice(draws, min(options.draw - kept, 4 * options.workers)))
            if not some:
                print(f"no more than {kept} could be drawn: the operators fit no other program", file=sys.stderr)
                return 1
            for each, hurts in zip(some, pool.map(_hurts, some), strict=True):
                if hurts:
                    (options.to / f"{each.name}.diff").write_text(_difference(each), encoding="utf-8")
                    kept += 1
                print("kept" if hurts else "hurts not", each.operator.cause, each.name, flush=True)
    return 0


def _drawn(operators: Sequence[Operator], rng: random.Random) -> Iterator[Drawn]:
    """None twice; the end comes when operators have found nothing new for long."""
    by_cause = defaultdict(list)
    for each in operators:
        by_cause[each.cause].append(each)
    causes, seen, fruitless = sorted(by_cause), set(), 0
    while fruitless < GIVE_UP:
        fruitless += 1
        operator = rng.choice(by_cause[rng.choice(causes)])
        for _ in range(PATIENCE):
            name = rng.choice(_names())
            source = mutant(operator, _healthy(name), rng.randrange(2**31))
            if source is not None and (operator.name, name) not in seen:
                seen.add((operator.name, name))
                yield Drawn(name, operator, source)
                fruitless = 0
                break


@cache
def _names() -> list[str]:
    return sorted(each.stem for each in (HERE / "healthy").glob("*.py"))


def _healthy(name: str) -> str:
    return (HERE / "healthy" / f"{name}.py").read_text(encoding="utf-8")


@cache
def _well(name: str, seed: int) -> Outcome:
    return run(_healthy(name), name, seed, watched=False)


def _hurts(drawn: Drawn) -> bool:
    """Whether it runs at every seed and costs a good part of the score, or changes anything where that is enough."""
    for seed in SEEDS:
        well, sick = _well(drawn.of, seed), run(drawn.source, drawn.of, seed, watched=False)
        if sick.code or not math.isfinite(well.score):
            return False
        if drawn.operator.structural:
            worse = sick.out != well.out
        else:  # a score that is no number is as bad as can be
            worse = not sick.score > well.score - HURTS * abs(well.score)
        if not worse:
            return False
    return True


def _difference(drawn: Drawn) -> str:
    operator = drawn.operator
    lines = [f"# cause: {operator.cause}"]
    lines += [f"# accept: {' '.join(operator.accept)}"] if operator.accept else []
    lines += [f"# kind: {'structural' if operator.structural else 'dynamic'}"]
    before, after = _healthy(drawn.of).splitlines(), drawn.source.splitlines()
    lines += difflib.unified_diff(before, after, f"{drawn.of}.py", f"{drawn.name}.py", n=2, lineterm="")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
