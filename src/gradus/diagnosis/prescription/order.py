"""Fixes of which examples come when."""

import ast
from collections.abc import Iterator, Sequence

from gradus.diagnosis.prescription.bindings import binding, entered
from gradus.diagnosis.prescription.edits import Edit, before, imported, replace, with_argument, without_argument
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.loaders import training_loaders
from gradus.diagnosis.prescription.program import Found, Program, SourceFile
from gradus.diagnosis.prescription.roles import TrainingStep, training_steps

_CROSS_ENTROPY = ("torch.nn.CrossEntropyLoss", "torch.nn.functional.cross_entropy", "torch.nn.NLLLoss",
    "torch.nn.functional.nll_loss")  # fmt: skip


@fix("shuffle")
def shuffle_loader(case: Case) -> Iterator[Sequence[Edit]]:
    """`shuffle=True` for the loader of the training loop."""
    for loader in training_loaders(case):
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
