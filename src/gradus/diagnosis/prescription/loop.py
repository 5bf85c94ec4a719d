"""Fixes of the training loop: what is called, on what, and when."""

import ast
import re
from collections.abc import Iterator, Sequence

from gradus.diagnosis.prescription.bindings import Function, binding, dictionary, function_around
from gradus.diagnosis.prescription.edits import Edit, after, before, delete, replace
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.graph import unwrapped
from gradus.diagnosis.prescription.program import Found, Program, SourceFile
from gradus.diagnosis.prescription.roles import TrainingStep, optimizer_of, role, training_steps, visible


@fix("zero-grad", "call-step")
def call_what_is_named(case: Case) -> Iterator[Sequence[Edit]]:
    """`optimizer.step` does nothing without its parentheses."""
    wanted = {"missing-zero-grad": "zero_grad", "missing-step": "step"}.get(case.cause)
    for file, node in case.program.nodes():
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Attribute) and node.value.attr == wanted:
            end = file.span(node)[1]
            yield [Edit(file, end, end, "()")]


@fix("zero-grad")
def clear_gradients(case: Case) -> Iterator[Sequence[Edit]]:
    """`optimizer.zero_grad()` before the backward pass; after the step, where several passes come before one."""
    edits: list[Edit] = []
    done: set[str] = set()
    for training in training_steps(case):
        file = training.file
        for step in training.steps:
            optimizer = optimizer_of(case.program, step)
            if optimizer in done or _cleared(training, optimizer):
                continue
            done.add(optimizer)
            first = _first_backward(case.program, training, step)
            if first is None:
                edits.append(after(file, step.statement, f"{optimizer}.zero_grad()"))
            else:
                edits += [before(file, first, f"{optimizer}.zero_grad()"), *_moved(training, optimizer)]
        for closing in _closing(case.program, training):
            optimizer = optimizer_of(case.program, closing)
            if not _cleared(training, optimizer):
                edits.append(before(file, training.backward.statement, f"{optimizer}.zero_grad()"))
    if not edits:
        edits = list(_after_far_steps(case.program))
    if edits:
        yield edits


def _closing(program: Program, training: TrainingStep) -> list[Found]:
    """Steps to which the function that goes backward is given as a closure."""
    around = training.around
    name = around.name if isinstance(around, Function) else ""
    return [
        each
        for each in program.methods("step")
        if each.file is training.file and optimizer_of(program, each)
        if name and any(ast.unparse(given) in {name, f"self.{name}"} for given in each.node.args)
    ]


def _cleared(training: TrainingStep, optimizer: str) -> bool:
    """Whether the loop over batches clears its gradients already, as does that of its model."""
    return any(ast.unparse(each.receiver) == optimizer for each in training.calls("zero_grad"))


def _first_backward(program: Program, training: TrainingStep, step: Found) -> ast.stmt | None:
    """The first backward pass that this step uses; None if it steps after several rounds of them."""
    file = training.file
    if file.loops(step.node)[:1] != file.loops(training.backward.node)[:1] or _block(file, step) is not _block(
        file, training.backward
    ):
        return None
    others = [each.statement.end_lineno or 0 for each in training.steps if each.node.lineno < step.node.lineno]
    passes = [
        each.statement
        for each in program.methods("backward", "manual_backward")
        if each.file is file
        and _block(file, each) is _block(file, step)
        and max(others, default=0) < each.node.lineno < step.node.lineno
    ]
    return passes[0] if passes else training.backward.statement


def _block(file: SourceFile, call: Found) -> ast.AST:
    """What holds the statement; a `with` around it, as for automatic mixed precision, does not count."""
    holder = file.parents[call.statement]
    while isinstance(holder, ast.With):
        holder = file.parents[holder]
    return holder


def _moved(training: TrainingStep, optimizer: str) -> Iterator[Edit]:
    """Take away the call that stands in an outer loop, where it clears too rarely."""
    file = training.file
    for loop in training.loops[1:]:
        for statement in loop.body:
            if ast.unparse(statement).startswith(f"{optimizer}.zero_grad("):
                yield delete(file, statement)


def _after_far_steps(program: Program) -> Iterator[Edit]:
    """Steps in another function than the backward pass."""
    names = {ast.unparse(each.receiver) for each in program.methods("zero_grad")}
    for step in program.methods("step"):
        optimizer = optimizer_of(program, step)
        if optimizer and optimizer not in names:
            yield after(step.file, step.statement, f"{optimizer}.zero_grad()")


@fix("zero-grad")
def clear_by_hand(case: Case) -> Iterator[Sequence[Edit]]:
    """`w.grad = None` behind `w -= rate * w.grad`, where weights are changed without an optimizer."""
    edits: list[Edit] = []
    for file, node in case.program.nodes():
        changed = _changed_by_hand(node)
        function = function_around(file, node)
        inside = any(isinstance(each, ast.ClassDef) for each in file.above(node))
        if changed is not None and isinstance(node, ast.stmt) and not inside:
            region = function or file.tree
            cleared = rf"{re.escape(changed)}\.grad( = None|(\.data|\.detach\(\))?\.(zero_|fill_)\()|zero_grad"
            if not re.search(cleared, ast.unparse(region)):
                edits.append(after(file, node, f"{changed}.grad = None"))
    if edits:
        yield edits


def _changed_by_hand(node: ast.AST) -> str | None:
    """What a statement changes by its own gradient."""
    match node:
        case ast.AugAssign(target=target) | ast.Assign(targets=[ast.Attribute(attr="data") as target]):
            pass
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=target, attr="add_" | "sub_" | "copy_"))):
            pass
        case _:
            return None
    text = ast.unparse(target).removesuffix(".data")
    return text if f"{text}.grad" in ast.unparse(node) else None


@fix("call-step")
def step_after_backward(case: Case) -> Iterator[Sequence[Edit]]:
    """`optimizer.step()` after the backward pass, and after what clips its gradients."""
    for training in training_steps(case):
        optimizers = training.optimizers(case.program)
        if training.steps or not optimizers:
            continue
        file, place = training.file, _last_of_pass(training)
        for optimizer in optimizers:
            lines = _stepping(case.program, training, optimizer)
            several = _loop_over(training, optimizer)
            if several is not None:
                lines = [f"for {optimizer} in {file.code(several)}:", *(f"    {each}" for each in lines)]
            yield [after(file, place, "\n".join(lines))]


def _loop_over(training: TrainingStep, optimizer: str) -> ast.expr | None:
    """What a loop goes over that names the optimizers one after the other, and ends before the backward pass."""
    loops = (each for each in ast.walk(training.around) if isinstance(each, ast.For))
    named = (each for each in loops if ast.unparse(each.target) == optimizer)
    ended = (each for each in named if training.backward.node not in ast.walk(each))
    return next((each.iter for each in ended), None)


@fix("call-step")
def step_the_other(case: Case) -> Iterator[Sequence[Edit]]:
    """Of several optimizers one never steps: it does, behind the backward pass that follows where it is cleared."""
    program = case.program
    calls = program.methods("step", "zero_grad")
    receivers = [each.receiver for each in calls if ast.unparse(each.node.func).endswith(".step")]
    stepped = {optimizer_of(program, each) for each in calls if each.receiver in receivers}
    looped = any(
        (bound := binding(each.file, each.receiver)) is not None and bound.looped
        for each in calls
        if each.receiver in receivers
    )
    training = [each for each in training_steps(case) if each.steps]
    if not training or looped:
        return
    for optimizer in _known_optimizers(program, training[-1]):
        if optimizer in stepped:
            continue
        cleared = [each.node.lineno for each in calls if each.file.code(each.receiver) == optimizer]
        behind = [each for each in training if cleared and each.backward.node.lineno > min(cleared)]
        where = (behind or training[-1:])[0]
        place = where.steps[-1].statement if len(training) == 1 else where.backward.statement
        yield [after(where.file, place, "\n".join(_stepping(program, where, optimizer)))]


def _known_optimizers(program: Program, training: TrainingStep) -> list[str]:
    """Optimizers that can be used where a loop trains, those in dictionaries included."""
    file, at = training.file, training.backward.node
    found = visible(program, file, at, "optimizer")
    for each in training.steps:
        if isinstance(each.receiver, ast.Subscript):
            kept = dictionary(program, file, each.receiver.value)
            home, keys = (kept[0], kept[1].keys) if kept is not None else (file, [])
            found += [
                f"{file.code(each.receiver.value)}[{home.code(key)}]" for key in keys if isinstance(key, ast.Constant)
            ]
    return list(dict.fromkeys(found))


@fix("call-step")
def step_in_time(case: Case) -> Iterator[Sequence[Edit]]:
    """A step under a condition that never came true: one that does, fewer batches for a step, or no condition.

    Where gradients are cleared all the same, they are not gathered, and it is no condition.
    """
    for training in training_steps(case):
        file = training.file
        for step in training.steps:
            condition = next((each for each in _ifs(file, step) if training.backward.node not in ast.walk(each)), None)
            if condition is None:
                continue
            plain = step.statement in condition.body and not condition.orelse
            always = [[unwrapped(file, condition)]] if plain else []
            gathers = "zero_grad" in ast.unparse(condition)
            yield from [*_fewer_batches(file, condition), *always] if gathers else always


@fix("call-step")
def step_after_each_pass(case: Case) -> Iterator[Sequence[Edit]]:
    """A step that stands behind the loop over batches comes into it, behind each backward pass."""
    for training in training_steps(case):
        file, backward = training.file, training.backward
        inner = file.loops(backward.node)[:1]
        far = [each for each in training.steps if inner and inner[0] not in file.above(each.node)]
        if far and isinstance(far[0].statement, ast.Expr):
            moved = "\n".join(file.code(each.statement) for each in far)
            yield [*(delete(file, each.statement) for each in far), after(file, _last_of_pass(training), moved)]


def _last_of_pass(training: TrainingStep) -> ast.stmt:
    """The backward pass, or what is done to gradients behind it."""
    place: ast.stmt = training.backward.statement
    for each in training.behind(place):
        if re.search(r"clip_grad|unscale_", ast.unparse(each)):
            place = each
    return place


def _ifs(file: SourceFile, step: Found) -> Iterator[ast.If]:
    """Conditions that a step stands under, within the loop over batches."""
    for each in file.above(step.node):
        if isinstance(each, ast.For | ast.While | Function):
            return
        if isinstance(each, ast.If):
            yield each


_USUAL = 4
"""Batches to gather gradients over, where those of an epoch were too few for more."""


def _fewer_batches(file: SourceFile, condition: ast.If) -> Iterator[Sequence[Edit]]:
    """Of `batch % many == 0`, a remainder that there is, and a smaller number where `many` is written."""
    for node in ast.walk(condition.test):
        match node:
            case ast.Compare(left=ast.BinOp(op=ast.Mod(), right=many), ops=[ast.Eq()], comparators=[rest]):
                if ast.unparse(many) == ast.unparse(rest):
                    yield [replace(file, rest, f"{file.code(rest)} - 1")]
                number = _written(file, many)
                if number is not None and isinstance(number.value, int) and number.value > 1:
                    yield [replace(file, number, str(_USUAL if number.value > _USUAL else 1))]


def _written(file: SourceFile, node: ast.expr) -> ast.Constant | None:
    """The number that an expression stands for, where it is written once: by itself, by name, or under a key."""
    if isinstance(node, ast.Constant):
        return node
    if isinstance(node, ast.Name | ast.Attribute):
        bound = binding(file, node)
        found = [bound.value] if bound is not None and bound.item is None else []
        found += _fields(file, node.attr) if isinstance(node, ast.Attribute) and not found else []
        return _written(file, found[0]) if len(found) == 1 else None
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        held_in = binding(file, node.value)
        return _under(held_in.value, node.slice.value) if held_in is not None else None
    return None


def _fields(file: SourceFile, name: str) -> list[ast.expr]:
    """What a field of that name is given in classes of the file, as in a dataclass."""
    return [
        each.value
        for owner in ast.walk(file.tree)
        if isinstance(owner, ast.ClassDef)
        for each in owner.body
        if isinstance(each, ast.AnnAssign | ast.Assign)
        and each.value is not None
        and name in {ast.unparse(target) for target in getattr(each, "targets", [getattr(each, "target", owner)])}
    ]


def _under(mapping: ast.expr, key: object) -> ast.Constant | None:
    """The constant under a key of `{"key": 1}` or `dict(key=1)`."""
    pairs: list[tuple[object, ast.expr]] = []
    if isinstance(mapping, ast.Dict):
        pairs = [(getattr(one, "value", None), each) for one, each in zip(mapping.keys, mapping.values, strict=True)]
    elif isinstance(mapping, ast.Call):
        pairs = [(each.arg, each.value) for each in mapping.keywords]
    return next((each for one, each in pairs if one == key and isinstance(each, ast.Constant)), None)


def _stepping(program: Program, training: TrainingStep, optimizer: str) -> list[str]:
    """Through the gradient scaler where there is one."""
    scaled = training.backward.receiver
    if isinstance(scaled, ast.Call) and isinstance(scaled.func, ast.Attribute) and scaled.func.attr == "scale":
        scaler = training.file.code(scaled.func.value)
        updated = any(role(program, training.file, each.receiver) == "scaler" for each in training.calls("update"))
        return [f"{scaler}.step({optimizer})", *([] if updated else [f"{scaler}.update()"])]
    return [f"{optimizer}.step()"]
