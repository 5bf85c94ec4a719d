"""Fixes of the mode a model is in: training, evaluation, and layers that go by neither."""

import ast
from collections.abc import Iterator, Sequence

from gradus.diagnosis.prescription.bindings import Function, bindings, class_around, function_around
from gradus.diagnosis.prescription.callables import reached
from gradus.diagnosis.prescription.edits import Edit, after, atom, before, delete, imported, replace, with_argument
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.freezing import frozen_receivers
from gradus.diagnosis.prescription.program import Found, Program, SourceFile
from gradus.diagnosis.prescription.roles import TrainingStep, is_module, models_in, role, training_steps

_WITHOUT_GRADIENTS = {"torch.no_grad", "torch.inference_mode", "torch.autograd.no_grad"}


@fix("train-mode", "eval-mode")
def call_the_mode(case: Case) -> Iterator[Sequence[Edit]]:
    """`model.eval` does nothing without its parentheses."""
    wanted = {"training-in-eval-mode": "train", "evaluation-in-train-mode": "eval"}.get(case.cause)
    edits = [
        Edit(file, file.span(node)[1], file.span(node)[1], "()")
        for file, node in case.program.nodes()
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Attribute) and node.value.attr == wanted
    ]
    if edits:
        yield edits


# ---- training -------------------------------------------------------------------------------------------------------


@fix("train-mode")
def train_each_epoch(case: Case) -> Iterator[Sequence[Edit]]:
    """`model.train()` where an epoch begins, or before the forward pass if the loop itself evaluates."""
    for training in training_steps(case):
        edits = _training_mode(case.program, training)
        if edits:
            yield edits


def _training_mode(program: Program, training: TrainingStep) -> list[Edit]:
    file, around = training.file, training.around
    models = [each for each in training.models(program) if not _under_no_grad(file, around, each)]
    if "self" in models:
        models = ["self"]
    if not isinstance(around, ast.For | ast.While | Function):
        return []
    wrong = _wrong_mode(file, training, models)
    if wrong:
        return wrong
    evaluates = not isinstance(around, Function) and _evaluates(program, file, around)
    first = _first_use(file, around, models) if evaluates or isinstance(around, Function) else around
    if first is None:
        return []
    models = [each for each in models if not any(ast.unparse(one) == f"{each}.train()" for one in _before(file, first))]
    edits: list[Edit] = []
    for model in models:
        edits += _outer_calls(file, training, model)
    return [*edits, before(file, first, "\n".join(f"{model}.train()" for model in models))] if models else []


def _wrong_mode(file: SourceFile, training: TrainingStep, models: list[str]) -> list[Edit]:
    """`model.eval()` where an epoch begins: it becomes `train`."""
    edits = []
    blocks = [training.around, *training.loops[1:2]]
    for each in blocks:
        for statement in getattr(each, "body", []):
            if statement.lineno > training.backward.node.lineno or _holds(statement, training.backward.node):
                break
            match statement:
                case ast.Expr(value=ast.Call(func=ast.Attribute(value=model, attr="eval" | "train" as mode)) as call):
                    if ast.unparse(model) in models and (mode == "eval" or _is_off(call)):
                        edits.append(replace(file, call, f"{file.code(model)}.train()"))
    return edits


def _is_off(call: ast.Call) -> bool:
    """Whether it is `train(False)`."""
    values = [*call.args, *(each.value for each in call.keywords)]
    return len(values) == 1 and isinstance(values[0], ast.Constant) and values[0].value is False


def _holds(statement: ast.AST, node: ast.AST) -> bool:
    return any(each is node for each in ast.walk(statement))


def _outer_calls(file: SourceFile, training: TrainingStep, model: str) -> Iterator[Edit]:
    """The call that stands before the epochs, once: it moves in."""
    loops = training.loops
    if len(loops) < 2 or not isinstance(loops[-1], ast.For | ast.While):
        return
    parent = file.parents[loops[-1]]
    for statement in getattr(parent, "body", []):
        if statement is loops[-1]:
            break
        if ast.unparse(statement) == f"{model}.train()":
            yield delete(file, statement)


def _evaluates(program: Program, file: SourceFile, around: ast.AST, depth: int = 3) -> bool:
    """Whether something below a node puts a model into evaluation mode, itself or in functions it calls."""
    for node in ast.walk(around):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Attribute) and node.func.attr == "eval" and not node.args:
            return True
        enters = reached(program, file, node) if depth else None
        if enters is not None and _evaluates(program, *enters, depth - 1):
            return True
    return False


def _first_use(file: SourceFile, around: ast.AST, models: list[str]) -> ast.stmt | None:
    """The first statement of a block that runs one of the models with gradients."""
    for statement in getattr(around, "body", []):
        if any(
            isinstance(node, ast.Call) and ast.unparse(node.func) in models and not _no_grad_around(file, node)
            for node in ast.walk(statement)
        ):
            return statement  # type: ignore[no-any-return]
    return None


def _under_no_grad(file: SourceFile, around: ast.AST, model: str) -> bool:
    """Whether a model runs without gradients only, as one that makes targets."""
    calls = [each for each in ast.walk(around) if isinstance(each, ast.Call) and ast.unparse(each.func) == model]
    return bool(calls) and all(_no_grad_around(file, each) for each in calls)


def _no_grad_around(file: SourceFile, node: ast.AST) -> bool:
    return any(isinstance(each, ast.With) and without_gradients(file, each) for each in file.above(node))


def without_gradients(file: SourceFile, node: ast.With | Function) -> bool:
    """Whether a block or function runs without gradients."""
    marks = [each.context_expr for each in node.items] if isinstance(node, ast.With) else node.decorator_list
    for each in marks:
        call = each.func if isinstance(each, ast.Call) else each
        if file.qualified(call) in _WITHOUT_GRADIENTS:
            return True
        if file.qualified(call) == "torch.set_grad_enabled" and isinstance(each, ast.Call) and _is_off(each):
            return True
    return False


# ---- evaluation -----------------------------------------------------------------------------------------------------


@fix("eval-mode")
def mode_of_the_phase(case: Case) -> Iterator[Sequence[Edit]]:
    """`model.train(phase == "train")` in a loop over phases, as gradients are turned on and off."""
    for call in case.program.calls("torch.set_grad_enabled"):
        condition = call.argument(0, "mode")
        loops = call.file.loops(call.node)
        if condition is None or isinstance(condition, ast.Constant):
            continue
        for loop in loops:
            for each in loop.body:
                train = each.value if isinstance(each, ast.Expr) else None
                if isinstance(train, ast.Call) and isinstance(train.func, ast.Attribute) and train.func.attr == "train":
                    yield [replace(call.file, train, f"{call.file.code(train.func)}({call.file.code(condition)})")]
                    return


@fix("eval-mode")
def evaluate_in_eval_mode(case: Case) -> Iterator[Sequence[Edit]]:
    """`model.eval()` before what runs without gradients; and `model.train()` where an epoch begins, if missing."""
    program = case.program
    edits: list[Edit] = []
    for file, node in program.nodes():
        if isinstance(node, ast.With | Function) and without_gradients(file, node):
            edits += _evaluation_mode(program, file, node)
    if not edits:
        return
    for training in training_steps(case):
        if not _trains_itself(training):
            edits += _training_mode(program, training)
    yield edits


def _evaluation_mode(program: Program, file: SourceFile, node: ast.With | Function) -> list[Edit]:
    models = models_in(program, file, node)
    if not models or _generates(node) or any(_is_layer(program, file, node, each) for each in models):
        return []
    edits = list(_turned_back(file, node, models))
    if edits:
        return edits
    inside = {ast.unparse(each) for each in ast.walk(node) if isinstance(each, ast.Call)}
    models = [each for each in models if f"{each}.eval()" not in inside]
    place = node.body[0] if isinstance(node, Function) else node
    if isinstance(place, ast.Expr) and isinstance(place.value, ast.Constant) and len(node.body) > 1:
        place = node.body[1]
    earlier = _before(file, place) if isinstance(node, ast.With) else node.body
    missing: list[str] = []
    for model in models:
        mode = next((each for each in reversed(earlier) if _sets_mode(each, model)), None)
        if mode is None or _runs(mode, place, earlier, model):
            missing.append(model)
        elif ast.unparse(mode) == f"{model}.train()":
            edits.append(replace(file, mode, f"{model}.eval()"))
    if missing:
        edits.append(before(file, place, "\n".join(f"{each}.eval()" for each in missing)))
    return edits


def _turned_back(file: SourceFile, node: ast.With | Function, models: Sequence[str]) -> Iterator[Edit]:
    """`model.train()` in an evaluation, before the model is used there: it becomes `eval`."""
    for holder in ast.walk(node):
        found = getattr(holder, "body", None)
        body: list[ast.stmt] = found if isinstance(found, list) else []
        for number, each in enumerate(body):
            call = each.value if isinstance(each, ast.Expr) else None
            if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute) or call.func.attr != "train":
                continue
            model = ast.unparse(call.func.value)
            next_mode = (at for at in range(number + 1, len(body)) if _sets_mode(body[at], model))
            until = body[number + 1 : next(next_mode, None)]
            if model in models and not _is_off(call) and any(_calls(part, model) for part in until):
                yield replace(file, call, f"{file.code(call.func.value)}.eval()")


def _calls(statement: ast.stmt, model: str) -> bool:
    return any(isinstance(each, ast.Call) and ast.unparse(each.func) == model for each in ast.walk(statement))


def _before(file: SourceFile, place: ast.stmt) -> list[ast.stmt]:
    """Statements before one in its block, and before the loops over batches around it that belong to it alone."""
    found: list[ast.stmt] = []
    here: ast.AST = place
    while True:
        holder = file.parents[here]
        for _, block in ast.iter_fields(holder):
            if isinstance(block, list) and here in block:
                found = [*block[: block.index(here)], *found]
        if not isinstance(holder, ast.If | ast.With):
            return found
        here = holder


def _sets_mode(statement: ast.stmt, model: str) -> bool:
    return ast.unparse(statement).startswith((f"{model}.eval(", f"{model}.train("))


def _runs(mode: ast.stmt, place: ast.stmt, block: Sequence[ast.stmt], model: str) -> bool:
    """Whether the model is used between a statement and a place, as for training."""
    between = [each for each in block if mode.lineno < each.lineno < place.lineno]
    return any(
        isinstance(node, ast.Call) and (ast.unparse(node.func) == model or ast.unparse(node).endswith("backward()"))
        for each in between
        for node in ast.walk(each)
    )


def _generates(node: ast.With | Function) -> bool:
    return isinstance(node, Function) and node.name in {"sample", "generate", "forward", "step", "update"}


def _is_layer(program: Program, file: SourceFile, node: ast.AST, model: str) -> bool:
    """Whether it is a part called within a module's own methods."""
    owner = class_around(file, node)
    return owner is not None and model.startswith("self.") and is_module(program, file, owner)


def _trains_itself(training: TrainingStep) -> bool:
    """Whether training mode is set again in the loop over epochs, or in the function that trains one."""
    loops = training.loops
    function = function_around(training.file, training.backward.node)
    around = loops[1] if len(loops) > 1 else function or training.around
    return any(
        isinstance(node, ast.Attribute) and node.attr == "train" and isinstance(training.file.parents[node], ast.Call)
        for node in ast.walk(around)
    )


# ---- layers that go by neither --------------------------------------------------------------------------------------

_BATCH_NORMS = ("torch.nn.functional.batch_norm", "torch.batch_norm")
_DROPOUTS = ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout")


@fix("eval-mode")
def normalize_by_the_mode(case: Case) -> Iterator[Sequence[Edit]]:
    """A functional batch norm uses the batch's own statistics in training only, whatever else it goes by."""
    edits: list[Edit] = []
    for call in case.program.calls(*_BATCH_NORMS) if case.history.loop.always_normalizing else ():
        given = call.argument(5, "training")
        if given is not None and _in_module(case.program, call):
            edits += _by_the_mode(call, given)
    if edits:
        yield edits


def _by_the_mode(call: Found, given: ast.expr) -> Iterator[Edit]:
    """A condition that does not ask for the mode: it does so as well."""
    function = function_around(call.file, call.node)
    meant = [given, *(each.value for each in bindings(call.file, ast.unparse(given), function))]
    if any(isinstance(node, ast.Attribute) and node.attr == "training" for each in meant for node in ast.walk(each)):
        return
    if not isinstance(given, ast.Constant):
        yield replace(call.file, given, f"self.training and {atom(call.file, given)}")
    elif given.value is True:
        yield replace(call.file, given, "self.training")


@fix("pass-training")
def drop_in_training_only(case: Case) -> Iterator[Sequence[Edit]]:
    """`training=self.training` for functional dropout; the same instead of a layer that is made in each pass."""
    edits: list[Edit] = []
    names = [f"torch.nn.functional.{each}" for each in _DROPOUTS]
    for call in case.program.calls(*names, "torch.dropout", "torch.alpha_dropout", "torch.feature_dropout"):
        if not _in_module(case.program, call):
            continue
        name = "training" if call.file.qualified(call.node.func).startswith("torch.nn") else "train"
        given = call.argument(2, name)
        if given is None:
            edits.append(with_argument(call.file, call.node, name, "self.training"))
        else:
            edits += _by_the_mode(call, given)
    for call in case.program.calls(
        *(f"torch.nn.{each}" for each in ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d"))
    ):
        applied = call.file.parents[call.node]
        made_anew = isinstance(applied, ast.Call) and applied.func is call.node and len(applied.args) == 1
        if made_anew and _in_module(case.program, call):
            edits.append(replace(call.file, call.node, f"{call.file.code(call.node)}.train(self.training)"))
    for call in case.program.calls("torch.nn.functional.scaled_dot_product_attention"):
        rate = call.argument(4, "dropout_p")
        if rate is not None and _in_module(case.program, call) and "training" not in ast.unparse(rate):
            edits.append(replace(call.file, rate, f"{call.file.code(rate)} if self.training else 0.0"))
    if edits:
        yield edits


def _in_module(program: Program, call: Found) -> bool:
    function = function_around(call.file, call.node)
    owner = class_around(call.file, call.node)
    return (
        owner is not None
        and function is not None
        and function.name != "__init__"
        and bool(function.args.args)
        and function.args.args[0].arg == "self"
        and is_module(program, call.file, owner)
    )


@fix("freeze-statistics")
def keep_frozen_in_eval_mode(case: Case) -> Iterator[Sequence[Edit]]:
    """`trunk.eval()` instead of `trunk.train()` once it is frozen; after each `model.train()` that includes it."""
    edits: list[Edit] = []
    for file, frozen, since in frozen_receivers(case.program):
        for call in case.program.methods("train"):
            assert isinstance(call.node.func, ast.Attribute)
            text = ast.unparse(call.receiver)
            if call.file is not file or _is_off(call.node) or not isinstance(call.statement, ast.Expr):
                continue
            same_scope = file.scope(call.node) is file.scope(since)
            if same_scope and call.node.lineno < since.lineno and not _same_loop(file, call.node, since):
                continue
            if text == frozen:
                edits.append(replace(file, call.node, f"{text}.eval()"))
            elif frozen.startswith(f"{text}."):
                edits.append(after(file, call.statement, f"{frozen}.eval()"))
    if edits:
        yield edits
        return
    for training in training_steps(case):
        for file, frozen, since in frozen_receivers(case.program):
            whole = frozen.partition(".")[0]
            loop = training.around
            seen = file.scope(since) in {file.tree, *file.above(loop)}
            if seen and file is training.file and isinstance(loop, ast.For | ast.While) and role(
                case.program, file, ast.parse(whole, mode="eval").body
            ) in {"model", ""}:  # fmt: skip
                yield [before(file, loop, f"{frozen}.eval()")]
    yield from _frozen_norms(case)


def _frozen_norms(case: Case) -> Iterator[Sequence[Edit]]:
    """After `model.train()`, every batch norm whose weights are frozen is in eval mode, wherever they were frozen."""
    edits: list[Edit] = []
    for call in (
        case.program.methods("train") if "requires_grad" in " ".join(each.text for each in case.program.files) else ()
    ):
        file, statement = call.file, call.statement
        if _is_off(call.node) or not isinstance(statement, ast.Expr) or statement.value is not call.node:
            continue
        norm, more = imported(file, "torch.nn.modules.batchnorm._BatchNorm")
        edits += [
            after(
                file,
                statement,
                f"for part in {file.code(call.receiver)}.modules():\n"
                f"    if isinstance(part, {norm}) and part.affine and not part.weight.requires_grad:\n"
                "        part.eval()",
            ),
            *more,
        ]
    if edits:
        yield list(dict.fromkeys(edits))


def _same_loop(file: SourceFile, one: ast.AST, other: ast.AST) -> bool:
    return any(each in file.loops(other) for each in file.loops(one))
