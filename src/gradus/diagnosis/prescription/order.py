"""Fixes of which examples come when."""

import ast
import re
from collections.abc import Iterator, Sequence

from gradus.diagnosis.prescription.batches import training_inputs, training_targets
from gradus.diagnosis.prescription.bindings import (
    Binding,
    binding,
    definition,
    dictionary,
    function_around,
    method,
    parameters,
    passed,
    returned,
)
from gradus.diagnosis.prescription.callables import reached, reaching
from gradus.diagnosis.prescription.edits import Edit, after, before, imported, replace, with_argument, without_argument
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.loaders import training_loaders
from gradus.diagnosis.prescription.program import Found, Program, SourceFile
from gradus.diagnosis.prescription.roles import TrainingStep, training_steps
from gradus.diagnosis.prescription.scaling import free_names


@fix("shuffle")
def shuffle_loader(case: Case) -> Iterator[Sequence[Edit]]:
    """`shuffle=True` for the loader of the training loop."""
    for loader in training_loaders(case):
        names = {each.arg for each in loader.node.keywords}
        given = loader.argument(2, "shuffle")
        if _is_stream(case.program, loader):
            continue
        if given is not None:
            yield _turned_on(case.program, loader.file, given)
        elif not names & {"sampler", "batch_sampler"}:
            among = [_among(case.program, loader, each.value) for each in loader.node.keywords if each.arg is None]
            found = next((each for each in among if each is not None), None)
            shuffled = with_argument(loader.file, loader.node, "shuffle", "True")
            yield _turned_on(case.program, *found) if found is not None else [shuffled]
        elif (sampler := _own_order(case.program, loader)) is not None:
            yield [
                without_argument(loader.file, loader.node, sampler),
                with_argument(loader.file, loader.node, "shuffle", "True"),
            ]
        else:
            yield _at_random(case.program, loader)


def _own_order(program: Program, loader: Found) -> ast.keyword | None:
    """A sampler of single examples that goes through them in order, of torch's or of a class of the program."""
    for each in loader.node.keywords:
        bound = binding(loader.file, each.value)
        made = bound.value if bound is not None else each.value
        if each.arg == "sampler" and isinstance(made, ast.Call):
            own = definition(program, loader.file, made.func.id) if isinstance(made.func, ast.Name) else None
            batched = ast.unparse(loader.argument(1, "batch_size") or made) == "None"
            known = loader.file.qualified(made.func) == _SEQUENTIAL
            ordered = own is not None and not _RANDOM.search(ast.unparse(own[1]))
            if (known or ordered) and not batched:
                return each
    return None


def _is_stream(program: Program, loader: Found) -> bool:
    """Whether a loader goes over an iterable dataset, which it cannot shuffle."""
    dataset = loader.argument(0, "dataset")
    bound = binding(loader.file, dataset) if dataset is not None else None
    file, made = (bound.file, bound.value) if bound is not None else (loader.file, dataset)
    own = (
        definition(program, file, made.func.id)
        if isinstance(made, ast.Call) and isinstance(made.func, ast.Name)
        else None
    )
    bases = own[1].bases if own is not None and isinstance(own[1], ast.ClassDef) else []
    return any(ast.unparse(each).endswith("IterableDataset") for each in bases)


def _among(program: Program, loader: Found, options: ast.expr) -> tuple[SourceFile, ast.expr] | None:
    """What `**options` say of `shuffle`."""
    bound = binding(loader.file, options)
    if bound is not None and isinstance(bound.value, ast.Call) and ast.unparse(bound.value.func) == "dict":
        return next(((bound.file, each.value) for each in bound.value.keywords if each.arg == "shuffle"), None)
    kept = dictionary(program, loader.file, options)
    pairs = zip(kept[1].keys, kept[1].values, strict=True) if kept is not None else ()
    found = (value for key, value in pairs if isinstance(key, ast.Constant) and key.value == "shuffle")
    return next(((kept[0], each) for each in found), None) if kept is not None else None


def _turned_on(program: Program, file: SourceFile, given: ast.expr) -> list[Edit]:
    """`True` where it is said to shuffle: by a call that gives it, or where what is given there comes from."""
    if isinstance(given, ast.Constant):
        return [replace(file, given, "True")] if given.value is not True else []
    function = function_around(file, given)
    if function is None or not isinstance(given, ast.Name) or given.id not in parameters(function):
        return [replace(file, given, "True")]
    calls = reaching(program, function)
    values = [(each, passed(file, function, given.id, each)) for each in calls]
    silent = [each for each, value in values if value is None]
    if any(isinstance(value, ast.Constant) and value.value is True for _, value in values):
        return []
    if silent and not any(isinstance(value, ast.Constant) for _, value in values):
        return [with_argument(silent[0].file, silent[0].node, given.id, "True")]
    return [replace(file, given, "True")]


def _in_sequence(program: Program, loader: Found) -> list[tuple[SourceFile, ast.AST]]:
    """What gives indices in order within a sampler: a class of torch's, or a range that the program's own yields."""
    found: list[tuple[SourceFile, ast.AST]] = []
    waiting = [(loader.file, each.value) for each in loader.node.keywords if each.arg in {"sampler", "batch_sampler"}]
    seen: set[ast.AST] = set()
    while waiting:
        file, node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        if not isinstance(node, ast.Call):
            bound = binding(file, node)
            waiting += [(bound.file, bound.value)] if bound is not None and bound.item is None else []
        elif file.qualified(node.func) == _SEQUENTIAL:
            found.append((file, node.func))
        else:
            waiting += [(file, each) for each in (*node.args, *(each.value for each in node.keywords))]
            own = definition(program, file, node.func.id) if isinstance(node.func, ast.Name) else None
            if own is not None and isinstance(own[1], ast.ClassDef):
                iterates = method(own[1], "__iter__")
                found += [(own[0], each) for each in _ranges(own[0], iterates)] if iterates is not None else []
                begin = method(own[1], "__init__")
                found += [(own[0], each) for each in _ranges(own[0], begin)] if begin is not None else []
            elif own is not None and not isinstance(own[1], ast.ClassDef):
                waiting += [(own[0], each) for each in returned(own[1])]
    return found


_RANDOM = re.compile(r"randperm|randint|permut|shuffle|multinomial|\.(sample|choice|choices)\(", re.IGNORECASE)
_SEQUENTIAL = "torch.utils.data.SequentialSampler"


def _ranges(file: SourceFile, function: ast.AST) -> Iterator[ast.Call]:
    """`range(n)` as a list of indices: gone over or sorted as a whole, not in steps and not as a counter of a loop."""
    for node in ast.walk(function):
        match node:
            case ast.Call(func=ast.Name(id="range"), args=[_], keywords=[]):
                holder = file.parents[node]
                within = {"list", "iter", "len"}
                named = isinstance(holder, ast.Call) and isinstance(holder.func, ast.Name) and holder.func.id in within
                if named or isinstance(holder, ast.YieldFrom | ast.Assign | ast.Return) or _yields(holder):
                    yield node


def _yields(node: ast.AST) -> bool:
    """`for i in range(n): yield i`."""
    return isinstance(node, ast.For) and any(
        isinstance(each, ast.Yield) and each.value is not None and ast.unparse(each.value) == ast.unparse(node.target)
        for each in ast.walk(node)
    )


def _at_random(program: Program, loader: Found) -> list[Edit]:
    edits: list[Edit] = []
    for file, node in _in_sequence(program, loader):
        if isinstance(node, ast.Call):
            name, more = imported(file, "torch.randperm")
            edits += [replace(file, node, f"{name}({file.code(node.args[0])}).tolist()"), *more]
        else:
            name, more = imported(file, "torch.utils.data.RandomSampler")
            edits += [replace(file, node, name), *more]
    return edits


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
                enters = reached(program, file, node) if isinstance(node, ast.Call) else None
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
    return bound is not None and any(
        word in ast.unparse(bound.value) for word in ("randperm", "permutation", "shuffle", "arange")
    )


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


@fix("shuffle")
def shuffle_at_the_source(case: Case) -> Iterator[Sequence[Edit]]:
    """All examples in a random order from the beginning, where batches are cut in a way that is not known."""
    if any(not _is_stream(case.program, each) for each in training_loaders(case)):
        return
    regions = [region for training in training_steps(case) for _, region in _around(case.program, training)]
    if any(_RANDOM.search(ast.unparse(each)) for each in regions):
        return
    inputs, targets = training_inputs(case), training_targets(case)
    arrays = [each for each in (inputs, targets) if each is not None and each.bound is not None]
    names = [ast.unparse(each.base) for each in arrays]
    statements = [each.bound.statement for each in arrays if each.bound is not None]
    if len(names) < 2:
        kept = next((each for each in map(_in_stream, training_loaders(case)) if each), [])
        names, statements = [name for name, _ in kept], [each.statement for _, each in kept]
        file = kept[0][1].file if kept else case.program.script
    else:
        file = arrays[0].file
    scopes = {file.scope(each) for each in statements if each in file.parents}
    if len(set(names)) < 2 or len(scopes) != 1 or any(file.loops(each) for each in statements):
        return
    last = max(statements, key=lambda each: each.lineno)
    name, more = imported(file, "torch.randperm")
    (order,) = free_names(file, "order")
    lines = [f"{order} = {name}(len({names[0]}))", *(f"{each} = {each}[{order}]" for each in dict.fromkeys(names))]
    yield [after(file, last, "\n".join(lines)), *more]


def _in_stream(loader: Found) -> list[tuple[str, Binding]]:
    """The arrays that a dataset is made of, by their names."""
    dataset = loader.argument(0, "dataset")
    bound = binding(loader.file, dataset) if dataset is not None else None
    made = bound.value if bound is not None else dataset
    given = made.args if isinstance(made, ast.Call) else []
    found = [(ast.unparse(each), binding(loader.file, each)) for each in given if isinstance(each, ast.Name)]
    return [(name, each) for name, each in found if each is not None and not isinstance(each.value, ast.Constant)]
