"""Fixes of which examples come when, and of how much each class counts."""

import ast
from collections.abc import Iterator, Sequence

from gradus.diagnosis.prescription.batches import Compared, Source, compared, in_no_grad, training_targets
from gradus.diagnosis.prescription.bindings import Function, binding, callers, entered, passed, returned
from gradus.diagnosis.prescription.edits import Edit, before, imported, replace, with_argument, without_argument
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.program import Found, Program, SourceFile
from gradus.diagnosis.prescription.roles import TrainingStep, training_steps

_CROSS_ENTROPY = ("torch.nn.CrossEntropyLoss", "torch.nn.functional.cross_entropy", "torch.nn.NLLLoss",
    "torch.nn.functional.nll_loss")  # fmt: skip
_BINARY = ("torch.nn.BCEWithLogitsLoss", "torch.nn.functional.binary_cross_entropy_with_logits")


# ---- order ----------------------------------------------------------------------------------------------------------


@fix("shuffle")
def shuffle_loader(case: Case) -> Iterator[Sequence[Edit]]:
    """`shuffle=True` for the loader of the training loop."""
    for training in training_steps(case):
        for loader in _loaders(case.program, training):
            names = {each.arg for each in loader.node.keywords}
            given = loader.argument(2, "shuffle")
            if given is not None and isinstance(given, ast.Constant) and given.value is not True:
                yield [replace(loader.file, given, "True")]
            elif given is None and not names & {"sampler", "batch_sampler"}:
                yield [with_argument(loader.file, loader.node, "shuffle", "True")]
            elif "sampler" in names and not _is_weighted(loader):
                sampler = next(each for each in loader.node.keywords if each.arg == "sampler")
                yield [
                    without_argument(loader.file, loader.node, sampler),
                    with_argument(loader.file, loader.node, "shuffle", "True"),
                ]


def _is_weighted(loader: Found) -> bool:
    sampler = next(each.value for each in loader.node.keywords if each.arg == "sampler")
    bound = binding(loader.file, sampler)
    made = bound.value if bound is not None else sampler
    return not isinstance(made, ast.Call) or not loader.file.qualified(made.func).endswith("SequentialSampler")


def _loaders(program: Program, training: TrainingStep) -> list[Found]:
    """Calls that make what the training loop goes over."""
    for loop in training.loops:
        if isinstance(loop, ast.For):
            found = _made_by(program, training.file, loop.iter)
            if found:
                return found
    return []


def _made_by(program: Program, file: SourceFile, node: ast.expr, depth: int = 8) -> list[Found]:
    if not depth:
        return []
    if isinstance(node, ast.Call):
        if file.qualified(node.func).endswith("DataLoader"):
            return [Found(file, node)]
        return [found for each in node.args for found in _made_by(program, file, each, depth - 1)]
    if isinstance(node, ast.Subscript):
        kept = binding(file, node.value)
        wanted = ast.unparse(node.slice)
        if kept is not None and isinstance(kept.value, ast.Dict):
            for key, value in zip(kept.value.keys, kept.value.values, strict=True):
                if isinstance(key, ast.Constant) and (repr(key.value) == wanted or key.value == "train"):
                    return _made_by(program, file, value, depth - 1)
        return []
    bound = binding(file, node)
    if bound is None:
        function = next((each for each in file.above(node) if isinstance(each, Function)), None)
        return _passed_in(program, file, node, function, depth) if function is not None else []
    if bound.item is not None and isinstance(bound.value, ast.Call):
        enters = entered(program, file, bound.value)
        result = returned(enters[1])[-1] if enters is not None and returned(enters[1]) else None
        if enters is not None and isinstance(result, ast.Tuple):
            return _made_by(program, enters[0], result.elts[bound.item], depth - 1)
        return []
    return _made_by(program, bound.file, bound.value, depth - 1)


def _passed_in(
    program: Program, file: SourceFile, node: ast.expr, function: Function, depth: int
) -> list[Found]:
    name = ast.unparse(node)
    for call in callers(program, file, function):
        given = passed(file, function, name, call)
        found = _made_by(program, call.file, given, depth - 1) if given is not None else []
        if found:
            return found
    return []


_COUNTED = {"torch.arange": "torch.randperm", "numpy.arange": "numpy.random.permutation"}


@fix("shuffle")
def draw_rows(case: Case) -> Iterator[Sequence[Edit]]:
    """A random permutation where rows were counted up."""
    for training in training_steps(case):
        for file, region in _around(case.program, training):
            for node in ast.walk(region):
                if not isinstance(node, ast.Call) or file.qualified(node.func) not in _COUNTED or len(node.args) != 1:
                    continue
                if file.loops(node) or region is not file.tree:
                    name, more = imported(file, _COUNTED[file.qualified(node.func)])
                    yield [replace(file, node.func, name), *more]


def _around(program: Program, training: TrainingStep) -> list[tuple[SourceFile, ast.AST]]:
    """The outermost loop around a backward pass, and the functions that its batches come from."""
    file = training.file
    regions: list[tuple[SourceFile, ast.AST]] = [(file, training.loops[-1] if training.loops else training.around)]
    for loop in training.loops:
        if isinstance(loop, ast.For):
            for node in ast.walk(loop.iter):
                enters = entered(program, file, node) if isinstance(node, ast.Call) else None
                if enters is not None:
                    regions.append(enters)
                bound = binding(file, node) if isinstance(node, ast.Name) else None
                if bound is not None and not bound.looped:
                    regions.append((bound.file, bound.statement))
    return regions


@fix("shuffle")
def permute_slices(case: Case) -> Iterator[Sequence[Edit]]:
    """Slices `x[i : i + size]` of a training loop become those of a permutation, drawn anew each epoch."""
    for training in training_steps(case):
        for file, region in _around(case.program, training):
            for loop in [each for each in ast.walk(region) if isinstance(each, ast.For)]:
                edits = _permuted(file, loop)
                if edits:
                    yield edits
                    break


def _permuted(file: SourceFile, loop: ast.For) -> list[Edit]:
    if not isinstance(loop.target, ast.Name) or not isinstance(loop.iter, ast.Call):
        return []
    if ast.unparse(loop.iter.func) != "range":
        return []
    index = loop.target.id
    slices = [
        node
        for node in ast.walk(loop)
        if isinstance(node, ast.Subscript)
        and isinstance(node.slice, ast.Slice)
        and node.slice.lower is not None
        and ast.unparse(node.slice.lower).startswith(index)
        and isinstance(node.value, ast.Name | ast.Attribute)
    ]
    if not slices or any(_is_permutation(file, each.value) for each in slices):
        return []
    first = file.code(slices[0].value)
    used = {each.id for each in ast.walk(file.tree) if isinstance(each, ast.Name)}
    order = next(each for each in ("order", "permutation", "shuffled", "row_order") if each not in used)
    name, more = imported(file, "torch.randperm")
    edits = [before(file, loop, f"{order} = {name}(len({first}))"), *more]
    return [*edits, *(replace(file, each.slice, f"{order}[{file.code(each.slice)}]") for each in slices)]


def _is_permutation(file: SourceFile, node: ast.expr) -> bool:
    bound = binding(file, node)
    return bound is not None and any(word in ast.unparse(bound.value) for word in ("randperm", "permutation", "shuffle", "arange"))


@fix("shuffle")
def shuffle_pieces(case: Case) -> Iterator[Sequence[Edit]]:
    """Of batches cut by `zip(x.split(n), y.split(n))`, a permutation of rows that both are taken by."""
    for training in training_steps(case):
        file = training.file
        for loop in training.loops:
            pieces = [
                node
                for node in ast.walk(loop.iter if isinstance(loop, ast.For) else loop.test)
                if isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in {"split", "chunk"}
                and isinstance(node.func.value, ast.Name)
            ]
            if len(pieces) > 1 and isinstance(loop, ast.For) and ast.unparse(loop.iter).startswith("zip("):
                arrays = [each.func.value for each in pieces if isinstance(each.func, ast.Attribute)]
                name, more = imported(file, "torch.randperm")
                edits = [before(file, loop, f"order = {name}(len({file.code(arrays[0])}))"), *more]
                yield [*edits, *(replace(file, each, f"{file.code(each)}[order]") for each in arrays)]


# ---- weights of classes ---------------------------------------------------------------------------------------------


@fix("balance")
def use_the_sampler(case: Case) -> Iterator[Sequence[Edit]]:
    """A weighted sampler that was made and given to no loader."""
    for call in case.program.calls("torch.utils.data.WeightedRandomSampler"):
        statement = call.statement
        if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Name):
            continue
        name = statement.targets[0].id
        if any(
            isinstance(each, ast.keyword) and each.arg == "sampler" and ast.unparse(each.value) == name
            for each in ast.walk(call.file.tree)
        ):
            continue
        for training in training_steps(case):
            for loader in _loaders(case.program, training):
                shuffled = next((each for each in loader.node.keywords if each.arg == "shuffle"), None)
                if shuffled is not None:
                    yield [Edit(loader.file, *loader.file.span(shuffled), f"sampler={name}")]
                else:
                    yield [with_argument(loader.file, loader.node, "sampler", name)]


@fix("balance")
def weight_the_loss(case: Case) -> Iterator[Sequence[Edit]]:
    """Each class by the inverse of its share among the training targets."""
    for training in training_steps(case):
        pair = compared(case.program, training)
        if pair is None:
            continue
        for call in _definition_of_loss(pair):
            meaning = call.file.qualified(call.node.func)
            binary = meaning in _BINARY
            argument = "pos_weight" if binary else "weight"
            if meaning not in (*_CROSS_ENTROPY, *_BINARY) or any(e.arg == argument for e in call.node.keywords):
                continue
            for text in _weights(case, call, binary):
                yield [with_argument(call.file, call.node, argument, text)]


def _definition_of_loss(pair: Compared) -> Iterator[Found]:
    """The call that computes a loss, or makes the criterion that does."""
    file = pair.call.file
    bound = binding(file, pair.call.node.func)
    if bound is not None and isinstance(bound.value, ast.Call):
        yield Found(bound.file, bound.value)
    yield pair.call


def _weights(case: Case, call: Found, binary: bool) -> Iterator[str]:
    """By the targets themselves where they are at hand; else by the counts that were seen."""
    target = training_targets(case)
    torch_name, more = imported(call.file, "torch")
    if target is not None and not more and _at_hand(target, call) and not call.file.loops(call.node):
        y = target.code
        yield f"({y} == 0).sum() / ({y} == 1).sum()" if binary else f"1 / {torch_name}.bincount({y})"
    counts = _counts(case)
    if counts and min(counts) > 0 and not more:
        if binary and len(counts) == 2:
            yield f"{torch_name}.tensor({counts[0] / counts[1]:.3g})"
        elif not binary:
            yield f"{torch_name}.tensor({[float(f'{max(counts) / each:.3g}') for each in counts]})"


def _at_hand(target: Source, call: Found) -> bool:
    """Whether the targets are bound, in a scope around it, before a call."""
    base = target.base
    bound = binding(target.file, base) if isinstance(base, ast.Name) else None
    if bound is None or target.file is not call.file or target.dataset is not None:
        return False
    scope = call.file.scope(bound.statement)
    return any(each is scope for each in call.file.above(call.node)) and bound.statement.lineno < call.node.lineno


def _counts(case: Case) -> list[int]:
    """How often each class was seen, in all batches that were looked at."""
    seen = [each.loss.counts for each in case.history.examinations if each.loss is not None and each.loss.counts]
    length = max((len(each) for each in seen), default=0)
    return [sum(each[number] for each in seen if number < len(each)) for number in range(length)]


@fix("clean-labels")
def smooth_labels(case: Case) -> Iterator[Sequence[Edit]]:
    """Label smoothing, which leaves single wrong labels less to say."""
    for call in case.program.calls("torch.nn.CrossEntropyLoss", "torch.nn.functional.cross_entropy"):
        if not _is_held_out(call) and all(each.arg != "label_smoothing" for each in call.node.keywords):
            yield [with_argument(call.file, call.node, "label_smoothing", "0.2")]


def _is_held_out(call: Found) -> bool:
    return in_no_grad(call.file, call.node)
