"""Fixes of seeds: random generators are set once, and each data worker draws for itself."""

import ast
from collections.abc import Iterator, Sequence

from gradus.diagnosis.prescription.bindings import Function, function_around
from gradus.diagnosis.prescription.callables import reaching
from gradus.diagnosis.prescription.edits import Edit, before, delete, replace
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.program import Found, Program

_SEEDS = (
    "torch.manual_seed", "torch.cuda.manual_seed", "torch.cuda.manual_seed_all", "numpy.random.seed", "random.seed",
    "lightning.seed_everything", "pytorch_lightning.seed_everything", "transformers.set_seed",
)  # fmt: skip
_RANDOM = ("numpy.random.*", "random.*", "torch.rand*", "torch.normal", "torch.bernoulli", "torchvision.transforms.*")
_FROM_ELSEWHERE = {"initial_seed", "get_worker_info", "urandom", "time", "time_ns", "SeedSequence", "randbits"}
"""What a seed is got from that differs between workers, or from epoch to epoch."""
_GENERATORS = ("numpy.random.default_rng", "random.Random", "numpy.random.RandomState")
_PER_EXAMPLE = {"__getitem__", "__call__", "__iter__", "forward", "collate_fn", "collate", "augment", "transform"}


@fix("seed-once")
def seed_before_the_loop(case: Case) -> Iterator[Sequence[Edit]]:
    """Take the seeding out of the loop, or out of what runs for each example."""
    program = case.program
    again: list[Edit] = []
    moved: list[Edit] = []
    for call in program.calls(*_SEEDS):
        file, statement = call.file, call.statement
        if not isinstance(statement, ast.Expr) or not _repeats(program, call):
            continue
        again.append(delete(file, statement))
        loops = file.loops(call.node)
        kept = any(
            other.file.qualified(other.node.func).partition(".")[0] == file.qualified(call.node.func).partition(".")[0]
            and not _repeats(program, other)
            for other in program.calls(*_SEEDS)
        )
        names = {each.id for each in ast.walk(call.node) if isinstance(each, ast.Name)}
        bound = {ast.unparse(each.target) for each in loops if isinstance(each, ast.For)}
        if loops and not kept and not names & bound:
            moved.append(before(file, loops[-1], file.code(statement)))
    if again:
        yield [*again, *moved]


@fix("seed-once")
def seed_generators_anew(case: Case) -> Iterator[Sequence[Edit]]:
    """Derive the seed of a generator made for each example from torch's own."""
    for call in (*case.program.calls(*_GENERATORS), *case.program.methods("manual_seed")):
        if call.node.args and _repeats(case.program, call) and "torch" in call.file.imports:
            yield [replace(call.file, call.node.args[0], "torch.randint(2**31, ()).item()")]


@fix("seed-once")
def seed_workers_apart(case: Case) -> Iterator[Sequence[Edit]]:
    """Derive from torch's seed, which differs, what a data worker sets generators to that draw for each example."""
    program = case.program
    drawn = {_library(each) for each in program.calls(*_RANDOM) if _draws(each) and _repeats(program, each)}
    edits = [
        replace(call.file, call.node.args[0], f"{initial}() % 2**32")
        for function, apart in _beginnings_of_workers(program)
        for call in program.calls(*_SEEDS)
        if call.node in set(ast.walk(function)) and call.node.args and not apart
        if _library(call) in drawn or call.file.qualified(call.node.func).endswith(("set_seed", "everything"))
        for initial in [next((f"{n}.initial_seed" for n, f in call.file.imports.items() if f == "torch"), "")]
        if initial
    ]
    if edits:
        yield edits


def _draws(call: Found) -> bool:
    return call.file.qualified(call.node.func) not in {*_SEEDS, *_GENERATORS}


def _library(call: Found) -> str:
    """`torch` also for transforms, which draw from its generator."""
    return call.file.qualified(call.node.func).partition(".")[0].removesuffix("vision")


def _beginnings_of_workers(program: Program) -> Iterator[tuple[Function | ast.Lambda, bool]]:
    """Functions that data workers begin with, and whether each worker, in each epoch, gets seeds of its own there.

    Workers that stay draw on from epoch to epoch, so that their numbers will do.
    """
    for loader in program.calls("torch.utils.data.DataLoader"):
        given = loader.argument(-1, "worker_init_fn")
        functions: list[Function | ast.Lambda] = [given] if isinstance(given, ast.Lambda) else []
        named = ast.unparse(given).rpartition(".")[2] if isinstance(given, ast.Name | ast.Attribute) else ""
        functions += [each for _, each in program.nodes() if isinstance(each, Function) and each.name == named]
        stay = any(each.arg == "persistent_workers" for each in loader.node.keywords)
        for function in functions:
            used = {getattr(each, "id", getattr(each, "attr", "")) for each in ast.walk(function)}
            numbers = {each.arg for each in function.args.args} if stay else set()
            yield function, bool(used & (_FROM_ELSEWHERE | numbers))


def _repeats(program: Program, call: Found, depth: int = 3) -> bool:
    """Whether a call runs many times: in a loop, for each example, or in a function that is called so."""
    file = call.file
    if file.loops(call.node):
        return True
    function = function_around(file, call.node)
    if function is None or not depth:
        return False
    return function.name in _PER_EXAMPLE or any(
        _repeats(program, each, depth - 1) for each in reaching(program, function)
    )
