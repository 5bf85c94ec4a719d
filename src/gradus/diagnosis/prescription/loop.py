"""Fixes of the training loop: what is called, on what, and when."""

import ast
import re
from collections.abc import Iterator, Sequence

from gradus.diagnosis.prescription.bindings import Function, bindings, callers
from gradus.diagnosis.prescription.edits import Edit, after, before, delete, replace
from gradus.diagnosis.prescription.fixes import Case, fix
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
    if not edits:
        edits = list(_after_far_steps(case.program))
    if edits:
        yield edits


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


@fix("call-step")
def step_after_backward(case: Case) -> Iterator[Sequence[Edit]]:
    """`optimizer.step()` after the backward pass, and after what clips its gradients."""
    for training in training_steps(case):
        optimizers = training.optimizers(case.program)
        if training.steps or not optimizers:
            continue
        file, backward = training.file, training.backward
        place: ast.stmt = backward.statement
        for each in training.behind(place):
            if re.search(r"clip_grad|unscale_", ast.unparse(each)):
                place = each
        for optimizer in optimizers:
            yield [after(file, place, "\n".join(_stepping(case.program, training, optimizer)))]


def _stepping(program: Program, training: TrainingStep, optimizer: str) -> list[str]:
    """Through the gradient scaler where there is one."""
    scaled = training.backward.receiver
    if isinstance(scaled, ast.Call) and isinstance(scaled.func, ast.Attribute) and scaled.func.attr == "scale":
        scaler = training.file.code(scaled.func.value)
        updated = any(role(program, training.file, each.receiver) == "scaler" for each in training.calls("update"))
        return [f"{scaler}.step({optimizer})", *([] if updated else [f"{scaler}.update()"])]
    return [f"{optimizer}.step()"]


# ---- what the optimizer holds ---------------------------------------------------------------------------------------


@fix("remake-optimizer")
def make_optimizer_last(case: Case) -> Iterator[Sequence[Edit]]:
    """Move the statement that makes the optimizer behind the one that makes the model anew, or has other layers."""
    for made in _optimizers(case.program):
        file, statement = made.file, made.statement
        if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
            continue
        optimizer = ast.unparse(statement.targets[0])
        later = [each for model in held(made) for each in _made_anew(file, model, statement)]
        if not later:
            continue
        last = max(later, key=lambda each: each.lineno)
        moved, used = _followers(file, statement, last, optimizer)
        text = "\n".join(file.code(each) for each in moved)
        gone = [] if used else [delete(file, each) for each in moved]
        yield [*gone, after(file, last, text)]


@fix("remake-optimizer")
def hold_model_in_training(case: Case) -> Iterator[Sequence[Edit]]:
    """Give the optimizer the parameters of the model that runs in the loop, if it was made of another one's."""
    for training in training_steps(case):
        running = training.models(case.program)
        for made in _optimizers(case.program):
            argument = made.argument(0, "params")
            if made.file is not training.file or argument is None or len(running) != 1:
                continue
            if running[0] not in held(made) and not running[0].startswith("self"):
                yield [replace(made.file, argument, f"{running[0]}.parameters()")]


def _optimizers(program: Program) -> list[Found]:
    """Calls that make an optimizer."""
    return [
        each
        for each in program.calls("torch.optim.*", "transformers.*", "apex.optimizers.*", "bitsandbytes.optim.*")
        if role(program, each.file, each.node) == "optimizer"
    ]


def held(made: Found) -> list[str]:
    """What an optimizer is given the parameters of, as it is written: `model`, `self.encoder`, `model.head`."""
    argument = made.argument(0, "params")
    if argument is None:
        return []
    found = _parameters_of(argument)
    if not found and isinstance(argument, ast.Name | ast.Attribute):
        for each in bindings(made.file, ast.unparse(argument)):
            found += _parameters_of(each.value)
    return list(dict.fromkeys(found))


def _parameters_of(node: ast.expr) -> list[str]:
    return [
        ast.unparse(each.func.value)
        for each in ast.walk(node)
        if isinstance(each, ast.Call)
        and isinstance(each.func, ast.Attribute)
        and each.func.attr in {"parameters", "named_parameters"}
    ]


def _made_anew(file: SourceFile, model: str, optimizer: ast.stmt) -> list[ast.stmt]:
    """Statements behind the optimizer's, in the same function, that bind the model or one of its layers."""
    scope = file.scope(optimizer)
    found: list[ast.stmt] = []
    for node in ast.walk(scope):
        targets = node.targets if isinstance(node, ast.Assign) else []
        if any(
            text == model or text.startswith((f"{model}.", f"{model}["))
            for each in targets
            for text in [ast.unparse(each)]
        ) and isinstance(node, ast.Assign):
            around = set(file.above(optimizer))
            inner = [each for each in file.loops(node) if each not in around]
            if node.lineno > optimizer.lineno and file.scope(node) is scope and not _same_parameters(node, model):
                # in a loop that trains, it is made anew each time; there the optimizer belongs, too
                found += [node] if not inner or _is_made(node) else []
    return found


def _same_parameters(node: ast.Assign, model: str) -> bool:
    """`model = model.to(device)` and the like keep them."""
    text = ast.unparse(node.value)
    return re.match(rf"{re.escape(model)}\.(to|cuda|cpu|train|eval)\(|torch\.compile\(", text) is not None


def _is_made(node: ast.Assign) -> bool:
    return isinstance(node.value, ast.Call)


def _followers(file: SourceFile, made: ast.stmt, last: ast.stmt, optimizer: str) -> tuple[list[ast.stmt], bool]:
    """The statement and those before `last` that make something of the optimizer, and whether it was used before."""
    moved, used = [made], False
    names = {optimizer}
    for each in ast.walk(file.scope(made)):
        if not isinstance(each, ast.stmt) or not made.lineno < each.lineno < last.lineno or isinstance(each, Function):
            continue
        mentions = {ast.unparse(node) for node in ast.walk(each) if isinstance(node, ast.Name | ast.Attribute)}
        if not mentions & names:
            continue
        if isinstance(each, ast.Assign) and isinstance(each.value, ast.Call):
            moved.append(each)
            names |= {ast.unparse(target) for target in each.targets}
        else:
            used = True
    return moved, used


@fix("hold-all")
def hold_all_parameters(case: Case) -> Iterator[Sequence[Edit]]:
    """Give the optimizer the whole model, and every model that runs in the loop."""
    every = _optimizers(case.program)
    for training in training_steps(case):
        running = _running(case.program, training)
        for made in every:
            if made.file is not training.file:
                continue
            argument = made.argument(0, "params")
            parts = held(made)
            if argument is None:
                continue
            taken = {each for other in every for each in held(other)}
            text = _wider(training.file, argument, parts, running, taken)
            if text is not None:
                yield [replace(made.file, argument, text)]


def _running(program: Program, training: TrainingStep) -> list[str]:
    """Models that run in the loop and are known where it stands; not losses without parameters."""
    found = training.models(program)
    known = visible(program, training.file, training.backward.node, "model")
    return [each for each in found if each in known or each.partition(".")[0] == "self"] or found


def _wider(file: SourceFile, argument: ast.expr, parts: list[str], running: list[str], taken: set[str]) -> str | None:
    """Another text for the parameters; None if nothing is missing."""
    for model in running:
        if any(each.startswith((f"{model}.", f"{model}[")) for each in parts) and model not in parts:
            return f"{model}.parameters()"
    missing = [each for each in running if each not in taken and each != "self"]
    if not missing:
        # all of the model is named, and only some of it taken
        whole = isinstance(argument, ast.Call) and ast.unparse(argument).endswith(".parameters()")
        return f"{parts[0]}.parameters()" if len(parts) == 1 and not whole else None
    added = [f"*{each}.parameters()" for each in missing]
    code = file.code(argument)
    if isinstance(argument, ast.List) and any(isinstance(each, ast.Dict) for each in argument.elts):
        groups = "".join(f', {{"params": {each}.parameters()}}' for each in missing)
        return f"{code[:-1].rstrip().rstrip(',')}{groups}]"
    if isinstance(argument, ast.List):
        return f"{code[:-1].rstrip().rstrip(',')}, {', '.join(added)}]"
    return f"[*{code if not isinstance(argument, ast.BinOp) else f'({code})'}, {', '.join(added)}]"


# ---- seeds ----------------------------------------------------------------------------------------------------------

_SEEDS = (
    "torch.manual_seed", "torch.cuda.manual_seed", "torch.cuda.manual_seed_all", "numpy.random.seed", "random.seed",
    "lightning.seed_everything", "pytorch_lightning.seed_everything", "transformers.set_seed",
)  # fmt: skip
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
    for call in case.program.calls("numpy.random.default_rng", "random.Random", "numpy.random.RandomState"):
        if call.node.args and _repeats(case.program, call) and "torch" in call.file.imports:
            yield [replace(call.file, call.node.args[0], "torch.randint(2**31, ()).item()")]


def _repeats(program: Program, call: Found, depth: int = 3) -> bool:
    """Whether a call runs many times: in a loop, for each example, or in a function that is called so."""
    file = call.file
    if file.loops(call.node):
        return True
    function = next((each for each in file.above(call.node) if isinstance(each, Function)), None)
    if function is None or not depth:
        return False
    return function.name in _PER_EXAMPLE or any(
        _repeats(program, each, depth - 1) for each in callers(program, file, function)
    )
