"""Fixes of how long training lasts: more epochs, and stopping where held-out loss was lowest."""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gradus.diagnosis.prescription.bindings import binding, function_around, returned
from gradus.diagnosis.prescription.callables import reached, reaching
from gradus.diagnosis.prescription.edits import Edit, after, before, delete, imported
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.program import Loop, Program, SourceFile
from gradus.diagnosis.prescription.rates import optimizer_calls
from gradus.diagnosis.prescription.roles import TrainingStep, training_steps, visible
from gradus.diagnosis.prescription.written import Written, number, written
from gradus.diagnosis.rules.rate import cut_off

_TIMES = (10, 40)
_TOTALS = {"T_max", "total_iters", "epochs", "total_steps", "num_training_steps", "T_0"}
_SCORE = re.compile(r"(^|_)(val|valid|validation|va|test|te|dev|eval|held_?out|held|holdout)(_|$)|^v_?loss$|^vl$")
_TRAINED = re.compile(r"(^|_)(tr|train|training)(_|$)")
_RISING = re.compile(r"(^|_)(acc|accuracy|r2|auc|f1|recall|hits|right|correct)(_|$)")
_EVALUATES = re.compile(r"eval|valid|test|accuracy|score")
_LOSS = re.compile(r"loss|mse|mae|nll|error|err$|rmse|bce|ce$|^vl$")
_COMPARES = re.compile(r" == |\.eq\(|accuracy|r2_score|^1(\.0)? - ")
_OF_LOSS = re.compile(r"loss|criterion|cross_entropy|mse|nll|\*\* 2|\.square\(|\.abs\(")


@fix("train-longer")
def train_longer(case: Case) -> Iterator[Sequence[Edit]]:
    """A `break` after a few batches goes; ten times as many epochs, or forty, and schedules as long as they were.

    Not where a schedule has come to nothing: more steps bring nothing then.
    """
    if cut_off(case.history):
        return
    cut = [edit for each in training_steps(case) for edit in _cut_short(each)]
    if cut:
        yield cut
    for training in training_steps(case)[:1]:
        total = _total(case, training)
        if total is not None and total.value >= 1:
            begin = _begin(total)
            for times in _TIMES[: 2 if case.cause == "under-trained" else 1]:
                longer = int(begin + (total.value - begin) * times)
                yield [total.becomes(longer), *_schedules(case, total, longer)]


def _cut_short(training: TrainingStep) -> Iterator[Edit]:
    """`if i == 1: break`, `if i >= limit: break`, of a counter of batches."""
    loop = training.loops[0] if training.loops else None
    if not isinstance(loop, ast.For) or len(training.loops) < 2:
        return
    counter = _counter(loop)
    for each in loop.body:
        only_break = isinstance(each, ast.If) and [type(one) for one in each.body] == [ast.Break] and not each.orelse
        if counter and isinstance(each, ast.If) and only_break:
            names = {node.id for node in ast.walk(each.test) if isinstance(node, ast.Name)}
            if counter in names and isinstance(each.test, ast.Compare):
                yield delete(training.file, each)


def _counter(loop: ast.For) -> str:
    called = loop.iter.func if isinstance(loop.iter, ast.Call) else None
    enumerated = (
        isinstance(called, ast.Name) and called.id in {"enumerate", "tqdm"} and "enumerate" in ast.unparse(loop.iter)
    )
    if enumerated and isinstance(loop.target, ast.Tuple) and isinstance(loop.target.elts[0], ast.Name):
        return loop.target.elts[0].id
    return ""


def _total(case: Case, training: TrainingStep) -> Written | None:
    """How often the outermost loop with a number goes round."""
    found = None
    for file, loop in around(case, training):
        total = written(case.program, file, bound(loop))
        found = total if total is not None else found
    return found


def around(case: Case, training: TrainingStep, most: int = 4) -> Iterator[tuple[SourceFile, Loop]]:
    """The loops around a training step, from the inside out, through the functions it is in."""
    yield from ((file, each) for file, each in enclosing(case, training, most) if isinstance(each, Loop))


def enclosing(case: Case, training: TrainingStep, most: int = 4) -> Iterator[tuple[SourceFile, ast.AST]]:
    """Everything that a training step lies in, from the inside out, through the functions it is in."""
    file, node = training.file, training.backward.node
    for _ in range(most):
        function = function_around(file, node)
        inside = list(file.above(node))
        yield from ((file, each) for each in inside[: inside.index(function) if function is not None else None])
        calls = reaching(case.program, function) if function is not None else []
        if not calls:
            return
        file, node = calls[0].file, calls[0].node


def bound(loop: Loop) -> ast.expr | None:
    """N of `range(N)`, `range(1, N + 1)`, `while step < N`."""
    if isinstance(loop, ast.While):
        test = loop.test
        return (
            test.comparators[0] if isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Lt | ast.LtE) else None
        )
    call = loop.iter
    while isinstance(call, ast.Call) and ast.unparse(call.func).split(".")[-1] in {"tqdm", "enumerate"} and call.args:
        call = call.args[0]
    if (
        not isinstance(call, ast.Call)
        or ast.unparse(call.func).split(".")[-1] not in {"range", "trange"}
        or not call.args
    ):
        return None
    end = call.args[0] if len(call.args) == 1 else call.args[1]
    if len(call.args) > 2:
        return None
    if isinstance(end, ast.BinOp) and isinstance(end.op, ast.Add) and isinstance(end.right, ast.Constant):
        return end.left
    return end


def _begin(total: Written) -> float:
    """1 of `range(1, 41)`, where the number is the end and no count."""
    call = total.file.parents.get(total.node)
    first = call.args[0] if isinstance(call, ast.Call) and len(call.args) == 2 else None
    return number(first) or 0 if first is not total.node else 0


def _schedules(case: Case, total: Written, longer: int) -> Iterator[Edit]:
    """Totals of schedules that repeat the number."""
    for call in case.program.calls("torch.optim.lr_scheduler.*"):
        for each in call.node.keywords:
            place = written(case.program, call.file, each.value)
            if (
                each.arg in _TOTALS
                and place is not None
                and place.value == total.value
                and place.node is not total.node
            ):
                yield place.becomes(longer)


@fix("early-stopping")
def keep_the_best(case: Case) -> Iterator[Sequence[Edit]]:
    """The weights, and what was measured with them, where held-out loss was lowest."""
    edits = best_kept(case)
    if edits:
        yield edits


@dataclass(frozen=True)
class _Measure:
    """What is known of held-out examples after a statement in a loop.

    Attributes:
        others: what else was measured there and is used after the loop.
        rising: whether more is better.
        by: what it is measured by, where the program has no name for it.
    """

    statement: ast.stmt
    name: str
    others: list[str]
    rising: bool
    by: str = ""


def best_kept(case: Case) -> list[Edit]:
    """What keeps them; empty where nothing held out is measured in the loop, or the program keeps weights already."""
    for training in training_steps(case)[:1]:
        for search in (_measured, _told):
            for file, loop in around(case, training):
                found = None if _over_phases(loop) else search(case.program, file, loop)
                if found is None:
                    continue
                models = visible(case.program, file, found.statement, "model")
                # A trainer's own comes before what the script calls it; of several the one that is trained.
                models = [each for each in models if each.startswith("self.")] or models
                trained = [each for each in models if each in training.models(case.program)]
                models = models if len(models) == 1 else trained
                if len(models) == 1 and "load_state_dict" not in file.text:
                    return list(_kept(file, loop, found, models[0]))
    return []


def _over_phases(loop: Loop) -> bool:
    """`for phase in ("train", "val")`: what is measured in it is not held out each time."""
    goes_over = loop.iter if isinstance(loop, ast.For) else None
    return isinstance(goes_over, ast.List | ast.Tuple) and any(
        isinstance(each, ast.Constant) and isinstance(each.value, str) for each in goes_over.elts
    )


def _kept(file: SourceFile, loop: Loop, measure: _Measure, model: str) -> Iterator[Edit]:
    measured = [measure.name, *measure.others]
    values = ", ".join(measured)
    names = ", ".join([f"best_{each}" for each in measured])
    state = f"{{name: value.clone() for name, value in {model}.state_dict().items()}}"
    worst = 'float("-inf")' if measure.rising else 'float("inf")'
    begun = [worst, *["None"] * len(measure.others), "None"]
    yield before(file, loop, f"{names}, best_weights = {', '.join(begun)}")
    better = f"{measure.name} {'>' if measure.rising else '<'} best_{measure.name}"
    keeping = f"if {better}:\n    {names}, best_weights = (\n        {values}, {state}\n    )"
    measuring = f"{measure.name} = {measure.by}\n" if measure.by else ""
    yield after(file, measure.statement, measuring + keeping)
    restored = "" if measure.by else f"\n{values} = {names}"
    yield after(file, loop, f"{model}.load_state_dict(best_weights){restored}")


def _measured(program: Program, file: SourceFile, loop: Loop) -> _Measure | None:
    """The held-out loss of a loop, or the held-out score where no loss is measured."""
    used = {
        each.id
        for each in ast.walk(file.scope(loop))
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load) and each.lineno > (loop.end_lineno or 0)
    }
    for block in (loop, *(each for each in loop.body if isinstance(each, ast.If | ast.With))):
        names: dict[str, ast.stmt] = {}
        for each in block.body:
            for name in _stored(each):
                names[name] = each
        rising = {
            each: _rises(program, file, each, names[each]) for each in names if _is_held_out(each, names[each], block)
        }
        losses = [each for each in rising if rising[each] is False]
        scores = [each for each in rising if rising[each]]
        if losses or scores:
            chosen = (losses or scores)[-1]
            last = max((names[chosen], *(names[each] for each in names if each in used)), key=lambda one: one.lineno)
            others = [each for each in names if each in used and each != chosen and _is_measure(each)]
            return _Measure(last, chosen, others, rising=not losses)
    return None


def _told(program: Program, file: SourceFile, loop: Loop) -> _Measure | None:
    """What a loop tells of held-out examples without a name for it: `print(f"{evaluate(model, x_val, y_val):.3f}")`."""
    for statement in loop.body:
        for call in ast.walk(statement) if isinstance(statement, ast.Expr | ast.If) else ():
            if isinstance(call, ast.Call) and reached(program, file, call) is not None and _on_held_out(call):
                rising = _computed(program, file, call)
                if rising is not None:
                    name = _free(file, "score" if rising else "loss")
                    return _Measure(file.statement(call), name, [], rising=rising, by=ast.unparse(call))
    return None


def _free(file: SourceFile, name: str) -> str:
    """The name, if nothing in the file has it, a function neither."""
    return f"held_out_{name}" if name == "loss" or re.search(rf"\b{name}\b(?!:)", file.text) else name


def _is_held_out(name: str, bound: ast.stmt, block: ast.stmt) -> bool:
    """Whether it is measured on held-out examples: by its name, without gradients, of such, or by `evaluate(...)`."""
    if _TRAINED.search(name):
        return False
    value = bound.value if isinstance(bound, ast.Assign) else None
    within = [ast.unparse(each.items[0]) for each in (bound, block) if isinstance(each, ast.With)]
    without = any("grad" in each and ("set_grad_enabled" not in each or "(False)" in each) for each in within)
    if _SCORE.search(name) is not None or without:
        return True
    called = isinstance(value, ast.Call) and _EVALUATES.search(ast.unparse(value.func).split(".")[-1]) is not None
    return value is not None and (_on_held_out(value) or (called and not _mentions(value, _TRAINED)))


def _on_held_out(value: ast.expr) -> bool:
    return _mentions(value, _SCORE) and not _mentions(value, _TRAINED)


def _mentions(value: ast.expr, names: re.Pattern[str]) -> bool:
    """Whether a name in it, or an attribute, is such a one; what is called does not count."""
    called = {id(each.func) for each in ast.walk(value) if isinstance(each, ast.Call)}
    found = (each for each in ast.walk(value) if id(each) not in called)
    return any(
        names.search(each.id if isinstance(each, ast.Name) else each.attr)
        for each in found
        if isinstance(each, ast.Name | ast.Attribute)
    )


def _rises(program: Program, file: SourceFile, name: str, bound: ast.stmt) -> bool | None:
    """Whether more of it is better, by its name or by how it is computed; None if that cannot be told."""
    if _RISING.search(name):
        return True
    if _LOSS.search(name):
        return False
    values = [
        each.value
        for each in ast.walk(bound)
        if isinstance(each, ast.Assign) and any(ast.unparse(target) == name for target in each.targets)
    ]
    return _computed(program, file, values[-1]) if values else None


def _computed(program: Program, file: SourceFile, value: ast.expr) -> bool | None:
    """The same of an expression, or of what the program's function returns that gives it."""
    if isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.USub):
        negative = _computed(program, file, value.operand)
        return None if negative is None else not negative
    enters = reached(program, file, value) if isinstance(value, ast.Call) else None
    if enters is None:
        text = ast.unparse(value)
        rising = True if _COMPARES.search(text) else False if _OF_LOSS.search(text) else None
        bound = binding(file, value) if rising is None else None
        known = bound is not None and bound.item is None and not bound.looped
        return _computed(program, file, bound.value) if bound is not None and known else rising
    results = returned(enters[1])
    if not results or any(isinstance(each, ast.Tuple | ast.List | ast.Dict) for each in results):
        return None
    rising = _computed(program, enters[0], results[-1])
    text = ast.unparse(enters[1])
    return rising if rising is not None else True if _COMPARES.search(text) else None


def _is_measure(name: str) -> bool:
    return bool(_SCORE.search(name) or re.search(r"acc|correct|r2|score|auc|f1", name))


def _stored(statement: ast.stmt) -> list[str]:
    """Names that a statement binds, itself or in its block; not those of functions."""
    nodes = ast.walk(statement) if isinstance(statement, ast.With | ast.Assign | ast.AugAssign | ast.For) else ()
    return [each.id for each in nodes if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)]


@fix("schedule")
def anneal(case: Case) -> Iterator[Sequence[Edit]]:
    """The rate falls to 0 along a cosine over the epochs, where the optimizer is made in the same function."""
    if case.program.calls("torch.optim.lr_scheduler.*"):
        return
    for training in training_steps(case)[:1]:
        loops = [(file, each) for file, each in around(case, training) if isinstance(each, ast.For)]
        if len(loops) < 2:
            return
        file, epochs = loops[-1]
        total = bound(epochs)
        made = [
            each for each in optimizer_calls(case) if each.file is file and file.scope(each.node) is file.scope(epochs)
        ]
        statement = made[0].statement if len(made) == 1 else None
        if total is None or not isinstance(statement, ast.Assign) or statement.lineno > epochs.lineno:
            return
        name, more = imported(file, "torch.optim.lr_scheduler.CosineAnnealingLR")
        optimizer = file.code(statement.targets[0])
        yield [
            after(file, statement, f"scheduler = {name}({optimizer}, T_max={file.code(total)})"),
            after(file, epochs.body[-1], "scheduler.step()"),
            *more,
        ]
