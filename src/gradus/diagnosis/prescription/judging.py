"""Fixes of what two players pay for: the slope of the one that judges, data that the other cannot know."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gradus.diagnosis.prescription.bindings import binding, function_around, parameters, passed
from gradus.diagnosis.prescription.callables import reaching
from gradus.diagnosis.prescription.edits import Edit, atom, before, delete, imported
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.opponents import Player, players, steps_of
from gradus.diagnosis.prescription.program import Found, Program, SourceFile
from gradus.diagnosis.prescription.rewriting import instead
from gradus.diagnosis.prescription.written import Written, written

_ERRORS = {"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss"}
_NOISE = {"torch.randn", "torch.rand", "torch.randn_like", "torch.rand_like", "torch.normal"}

# ---- the slope of a judge -------------------------------------------------------------------------------------------


@fix("slow-discriminator", "damp-players")
def penalty_at_work(case: Case) -> Iterator[Sequence[Edit]]:
    """A penalty on the discriminator's slope gets a weight, where the one that is written is zero."""
    weight = _switched_off(case.program) if players(case) is not None else None
    if weight is not None:
        yield [weight.becomes(1.0)]


def gentle_slope(case: Case) -> Iterator[Sequence[Edit]]:
    """The discriminator pays for its slope at real examples: it cannot be sure at once, nor be chased in circles.

    Source: Mescheder et al. (2018), arXiv 1801.04406, R1.
    """
    both = players(case)
    if both is None or _slopes(case.program):
        return
    maker, judge = both
    for goal in _goals(case, judge):
        seen = _on_real(case.program, goal, judge.network, maker.network)
        if seen is not None:
            yield _with_slope(goal, seen)
            return


@dataclass(frozen=True)
class _Goal:
    """A loss, and the statement that goes backward from it."""

    file: SourceFile
    statement: ast.stmt
    loss: ast.expr


def _goals(case: Case, player: Player) -> Iterator[_Goal]:
    """What a player goes backward from; where a function does that for both, what it is handed with his optimizer."""
    for step in steps_of(case, player):
        loss, file = step.backward.receiver, step.file
        function = function_around(file, loss)
        if function is None or not isinstance(loss, ast.Name) or loss.id not in parameters(function):
            yield _Goal(file, step.backward.statement, loss)
            continue
        for call in reaching(case.program, function):
            given = passed(file, function, loss.id, call)
            named = {ast.unparse(each).removeprefix("self.") for each in call.node.args}
            if given is not None and named & player.names:
                yield _Goal(call.file, call.statement, given)


def _on_real(program: Program, goal: _Goal, judge: str, maker: str) -> ast.Call | None:
    """The judge's call on real data before a goal, if it has but one, and another on what was made."""
    scope = goal.file.scope(goal.statement)
    calls = [
        node
        for node in ast.walk(scope)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).removeprefix("self.") == judge
        and goal.file.scope(node) is scope
        and len(node.args) == 1
        and not node.keywords
        and node.lineno <= goal.statement.lineno
    ]
    made = [each for each in calls if _is_made(goal.file, each.args[0], maker)]
    real = [each for each in calls if each not in made]
    return real[0] if made and len(real) == 1 and _gives_a_tensor(goal.file, real[0]) else None


def _is_made(file: SourceFile, node: ast.expr, maker: str) -> bool:
    """Whether an expression calls the maker, or takes away a gradient, which data have none of; also through names."""
    called = [ast.unparse(each.func).removeprefix("self.") for each in _calls_behind(file, node)]
    return any(each == maker or each.endswith(".detach") for each in called)


def _gives_a_tensor(file: SourceFile, call: ast.Call) -> bool:
    """Whether nothing shows that it gives a tuple."""
    around, statement = file.parents[call], file.statement(call)
    whole = isinstance(statement, ast.Assign) and statement.value is call
    unpacked = whole and isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Tuple | ast.List)
    return not unpacked and not isinstance(around, ast.Subscript | ast.Starred)


def _with_slope(goal: _Goal, seen: ast.Call) -> list[Edit]:
    file = goal.file
    grad, imports = imported(file, "torch.autograd.grad")
    judge = file.code(seen.func)
    lines = [
        f"at_real = {atom(file, seen.args[0])}.detach().requires_grad_(True)",
        f"slope = {grad}({judge}(at_real).sum(), at_real, create_graph=True)[0]",
    ]
    penalty = "slope.square().flatten(1).sum(1).mean()"
    if isinstance(goal.loss, ast.Name):
        lines.append(f"{goal.loss.id} = {goal.loss.id} + {penalty}")
        return [*imports, before(file, goal.statement, "\n".join(lines))]
    end = file.span(goal.loss)[1]
    return [*imports, before(file, goal.statement, "\n".join(lines)), Edit(file, end, end, f" + {penalty}")]


def _slopes(program: Program) -> list[Found]:
    """Gradients that are gone backward through."""
    return [each for each in program.calls("torch.autograd.grad") if each.argument(4, "create_graph") is not None]


def _switched_off(program: Program) -> Written | None:
    """The weight of a penalty on a slope that is written as zero."""
    for call in _slopes(program):
        file, function = call.file, function_around(call.file, call.node)
        targets = getattr(call.statement, "targets", [])
        names = {node.id for each in targets for node in ast.walk(each) if isinstance(node, ast.Name)}
        names |= {function.name} if function is not None else set()
        for home, node in program.nodes():
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
                near = home is not file or file.scope(node) is file.scope(call.node)
                called = {ast.unparse(each.func).removeprefix("self.") for each in _calls(node.right)}
                read = {each.id for each in ast.walk(node.right) if isinstance(each, ast.Name)} if near else set()
                weight = written(program, home, node.left) if names & (read | called) else None
                if weight is not None and weight.value == 0:
                    return weight
    return None


def _calls(node: ast.AST) -> Iterator[ast.Call]:
    yield from (each for each in ast.walk(node) if isinstance(each, ast.Call))


# ---- what a maker cannot know ---------------------------------------------------------------------------------------


@fix("diversity")
def no_distance_to_unrelated_data(case: Case) -> Iterator[Sequence[Edit]]:
    """What comes of noise alone belongs to no real example: close to all of them at once is their mean.

    Without the term of the generator's loss that compares the two, one by one.
    """
    both = players(case)
    if both is None:
        return
    maker, judge = (each.network for each in both)
    for goal in _goals(case, both[0]):
        for statement, term, total in _terms(goal):
            if _is_distance(goal.file, term, maker, judge):
                yield _without(goal.file, statement, term, total)


def _terms(goal: _Goal) -> Iterator[tuple[ast.stmt, ast.expr, ast.BinOp | None]]:
    """What is added up for a loss, each with its statement and the sum it is half of; None of what `+=` adds."""
    file, sums = goal.file, [(goal.statement, goal.loss)]
    if isinstance(goal.loss, ast.Name):
        for each in ast.walk(file.scope(goal.statement)):
            match each:
                case (
                    ast.Assign(targets=[ast.Name(id=name)], value=whole)
                    | ast.AugAssign(target=ast.Name(id=name), op=ast.Add(), value=whole)
                ) if name == goal.loss.id and each.lineno <= goal.statement.lineno:
                    sums.append((each, whole))
    for statement, whole in sums:
        if isinstance(statement, ast.AugAssign):
            yield statement, whole, None
        for each in ast.walk(whole):
            if isinstance(each, ast.BinOp) and _is_sum(each):
                yield from ((statement, half, each) for half in (each.left, each.right) if not _is_sum(half))


def _is_sum(node: ast.expr) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add)


def _is_distance(file: SourceFile, term: ast.expr, maker: str, judge: str) -> bool:
    """Whether a term compares what was made of noise with what was not, past the judge."""
    for call in _calls(term):
        if file.meaning(call).rpartition(".")[2] in _ERRORS and len(call.args) == 2:
            made = [_is_from(file, each, maker) for each in call.args]
            judged = any(_is_from(file, each, judge) for each in call.args)
            if made[0] != made[1] and not judged:
                return _from_noise(file, call.args[made.index(True)], maker)
    return False


def _is_from(file: SourceFile, node: ast.expr, network: str) -> bool:
    """Whether a network made it."""
    return any(ast.unparse(each.func).removeprefix("self.") == network for each in _calls_behind(file, node))


def _from_noise(file: SourceFile, node: ast.expr, maker: str) -> bool:
    """Whether all that a maker is given is drawn by chance."""
    made = [each for each in _calls_behind(file, node) if ast.unparse(each.func).removeprefix("self.") == maker]
    given = [argument for each in made for argument in each.args]
    return bool(given) and all(
        any(file.qualified(call.func) in _NOISE for call in _calls_behind(file, each)) for each in given
    )


def _calls_behind(file: SourceFile, node: ast.expr, depth: int = 4) -> Iterator[ast.Call]:
    """Calls in an expression, and in what its names were bound to in the same scope."""
    for each in ast.walk(node):
        if isinstance(each, ast.Call):
            yield each
        bound = binding(file, each) if isinstance(each, ast.Name) and depth else None
        if bound is not None and bound.file is file and file.scope(bound.statement) is file.scope(node):
            yield from _calls_behind(file, bound.value, depth - 1)


def _without(file: SourceFile, statement: ast.stmt, term: ast.expr, total: ast.BinOp | None) -> list[Edit]:
    if total is None:
        return [delete(file, statement)]
    rest = total.left if term is total.right else total.right
    whole = isinstance(statement, ast.Assign) and statement.value is total
    if isinstance(statement, ast.Assign) and whole and ast.unparse(rest) == ast.unparse(statement.targets[0]):
        return [delete(file, statement)]
    return instead(file, total, rest)
