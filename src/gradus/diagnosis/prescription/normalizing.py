"""Fixes that normalize: a norm behind layers and on residual branches, and other norms where batches are small."""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gradus.diagnosis.prescription.bindings import Function, binding, class_around, parameters
from gradus.diagnosis.prescription.edits import Edit, after, imported, replace
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.layers import Layer, applied, hidden_layers, is_layer
from gradus.diagnosis.prescription.program import Found, Program, SourceFile
from gradus.diagnosis.prescription.written import written

_ENOUGH = 16
"""Examples in a batch from which on its statistics serve (Wu & He 2018)."""
_LARGER_BATCH = 32


@fix("normalize-layers")
def normalize(case: Case) -> Iterator[Sequence[Edit]]:
    """A norm behind every layer that an activation follows, or on the branches of residual blocks that have none."""
    if any(facts.normalizations for facts in case.history.models.values()):
        return
    summed = list(_averages(case)) if case.cause.startswith("exploding") or case.cause == "saturated-units" else []
    if summed:
        yield summed
    branches = list(_branches(case))
    if branches:
        if case.cause.startswith("exploding"):
            yield list(_scaled(case))
        yield branches
        return
    layers = [each for each in hidden_layers(case.program) if each.width and not _read_elsewhere(each)]
    if not layers:
        return
    kinds = [True, False] if _batches_serve(case) and not _at_each_step(case) else [False]
    for by_batch in kinds:
        yield [edit for each in layers for edit in _norm_behind(each, by_batch)]


def _read_elsewhere(layer: Layer) -> bool:
    """Whether the weight is asked for of what would become a Sequential: `self.fc.weight`, or in a loop over layers."""
    if layer.item is not None:
        return False
    file, statement = layer.file, layer.file.statement(layer.node)
    name = ast.unparse(statement.targets[0]) if isinstance(statement, ast.Assign) else ""
    loops = [each for each in ast.walk(file.tree) if isinstance(each, ast.For) and name in ast.unparse(each.iter)]
    names = {name, *(ast.unparse(each.target) for each in loops)}
    return any(
        isinstance(each, ast.Attribute) and each.attr in {"weight", "bias"} and ast.unparse(each.value) in names
        for each in ast.walk(file.tree)
    )


def _batches_serve(case: Case) -> bool:
    """Whether batches are large, and the program evaluates in a mode of its own, in which batch norm needs to be."""
    loss = case.history.first.loss if case.history.first else None
    return bool(case.program.methods("eval")) and (loss is None or loss.batch == 0 or loss.batch >= _ENOUGH)


def _at_each_step(case: Case) -> bool:
    """Whether linear layers are given (N, T, F), of which batch norm would take the steps for units."""
    first = case.history.first
    of_steps = (first is not None and any(len(each.shape) > 2 for each in first.inputs)) or case.program.calls(
        "torch.nn.Embedding"
    )
    flattens = case.program.methods("flatten", "view", "reshape") or case.program.calls("torch.flatten")
    return bool(of_steps) and not flattens and not case.program.calls("torch.nn.Conv*", "torch.nn.Flatten")


def _norm_behind(layer: Layer, by_batch: bool) -> Iterator[Edit]:
    file, node = layer.file, layer.node
    made, more = _norm(file, layer.kind, layer.width, by_batch)
    yield from more
    if layer.item is None:
        sequential, _ = imported(file, "torch.nn.Sequential")
        yield replace(file, node, f"{sequential}({file.code(node)}, {made})")
        return
    end = file.span(layer.item)[1]
    parent = file.parents[layer.item]
    if isinstance(parent, ast.Call) and isinstance(parent.func, ast.Attribute) and parent.func.attr == "append":
        yield after(file, file.statement(layer.item), f"{file.code(parent.func)}({made})")
        return
    line = file.text[: file.span(layer.item)[0]].rpartition("\n")[2]
    behind = layer.following.node.lineno > (layer.item.end_lineno or layer.item.lineno)
    yield Edit(file, end, end, f",\n{line}{made}" if behind and not line.strip() else f", {made}")


def _norm(file: SourceFile, kind: str, width: str, by_batch: bool) -> tuple[str, list[Edit]]:
    if by_batch:
        name, more = imported(file, f"torch.nn.BatchNorm{kind[4:] if kind.startswith('Conv') else '1d'}")
    elif kind == "Linear":
        name, more = imported(file, "torch.nn.LayerNorm")
    else:
        name, more = imported(file, "torch.nn.GroupNorm")
        return f"{name}(1, {width})", more
    return f"{name}({width})", more


def _averages(case: Case) -> Iterator[Edit]:
    """Means for sums that grow with how many are added: a graph's neighbours, points of a set, all earlier layers."""
    for file, node in case.program.nodes():
        function = file.scope(node)
        if not isinstance(function, ast.FunctionDef) or function.name != "forward":
            continue
        graph = next((ast.unparse(each) for each in _operands(file, node)), "")
        given = graph in parameters(function) and (re.search(r"^[aA](_hat)?$|adj", graph) or _is_of_graph(case))
        if given or graph == "self.adj":
            # a node without neighbours keeps its 0
            mean = f"{file.code(node)} / {graph}.sum(-1, keepdim=True).clamp(min=1)"
            inside = isinstance(file.parents.get(node), ast.BinOp | ast.Attribute)
            yield replace(file, node, f"({mean})" if inside else mean)
        elif isinstance(node, ast.Call) and (_adds_up(file, node) or _adds_up_list(file, node)):
            end = file.span(node.func)[1]
            if isinstance(node.func, ast.Attribute):
                yield Edit(file, end - len("sum"), end, "mean")
            else:
                mean = f"{file.code(node)} / len({file.code(node.args[0])})"
                yield replace(file, node, f"({mean})" if isinstance(file.parents[node], ast.BinOp) else mean)


def _is_of_graph(case: Case) -> bool:
    """Whether the model was seen to take a matrix with as many columns as rows, which tells who is whose neighbour."""
    first = case.history.first
    return first is not None and any(each.shape[-1:] == each.shape[-2:-1] for each in first.inputs)


def _adds_up(file: SourceFile, call: ast.Call) -> bool:
    """Whether it adds up along an axis what layers gave: `h.sum(1)`, not `(weights * h).sum(1)` nor `h.sum(1) / n`."""
    of_torch, found = file.qualified(call.func) == "torch.sum", Found(file, call)
    if not isinstance(call.func, ast.Attribute) or call.func.attr != "sum":
        return False
    added, axis = found.argument(0, "input") if of_torch else call.func.value, found.argument(int(of_torch), "dim")
    bound = binding(file, added) if isinstance(added, ast.Name) else None
    made = bound.value if bound is not None and not bound.looped else added
    of_layers = isinstance(made, ast.Call) and "self." in file.code(made)
    divided = isinstance(file.parents[call], ast.BinOp)
    return of_layers and not divided and axis is not None and ast.unparse(axis) != "0"


def _adds_up_list(file: SourceFile, call: ast.Call) -> bool:
    """Whether it adds up a list that grows with every layer: `sum(past)`, `torch.stack(past, 1).sum(1)`."""
    if isinstance(getattr(file.parents[call], "op", None), ast.Div):
        return False
    match call:
        case ast.Call(func=ast.Name(id="sum"), args=[ast.Name() as grows]):
            return _grows(file, grows)
        case ast.Call(func=ast.Attribute(value=ast.Call() as stack, attr="sum")):
            along = Found(file, call).argument(0, "dim")
        case ast.Call(args=[ast.Call() as stack, *_]) if file.qualified(call.func) == "torch.sum":
            along = Found(file, call).argument(1, "dim")
        case _:
            return False
    if file.qualified(stack.func) != "torch.stack" or along is None:
        return False
    made, axis = Found(file, stack).argument(0, "tensors"), Found(file, stack).argument(1, "dim")
    same = ast.unparse(along) == ("0" if axis is None else ast.unparse(axis))
    return same and isinstance(made, ast.Name) and _grows(file, made)


def _grows(file: SourceFile, name: ast.Name) -> bool:
    """Whether a loop around its use appends to it."""
    appended = f"{name.id}.append"
    return any(isinstance(each, ast.Call) and ast.unparse(each.func) == appended
               for loop in file.loops(name) for each in ast.walk(loop))  # fmt: skip


def _operands(file: SourceFile, node: ast.AST) -> list[ast.expr]:
    """What a product of matrices multiplies."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        return [node.left, node.right]
    if isinstance(node, ast.Call) and file.qualified(node.func) in {"torch.matmul", "torch.mm", "torch.bmm"}:
        return node.args
    return []


@dataclass(frozen=True)
class Branch:
    """`x + f(x)`: the stream, what is added to it as it is written there, and the call that computes that."""

    file: SourceFile
    stream: str
    added: ast.expr
    call: ast.Call


def residual_branches(program: Program) -> Iterator[Branch]:
    """Of sums that `forward` returns or keeps, also within an activation: `return torch.relu(x + f(x))`."""
    for file, node in program.nodes():
        if not isinstance(node, ast.Return | ast.Assign) or node.value is None:
            continue
        outer = applied(file, node.value) if isinstance(node.value, ast.Call) else None
        total = node.value if outer is None else outer.operand
        function = file.scope(node)
        if not isinstance(total, ast.BinOp) or not isinstance(total.op, ast.Add):
            continue
        if not isinstance(function, Function) or function.name != "forward":
            continue
        given = parameters(function)[1:2]
        if isinstance(node, ast.Assign) and file.loops(node):  # for layer in self.layers: x = x + f(layer(x))
            given.append(ast.unparse(node.targets[0]))
        for stream, added in ((total.left, total.right), (total.right, total.left)):
            carried = isinstance(stream, ast.Name) and stream.id in given
            made = binding(file, added) if isinstance(added, ast.Name) else None  # h = self.fc2(...); return x + h
            call = made.value if made is not None and made.file is file else added
            if carried and isinstance(call, ast.Call) and _through_layers(file, call):
                yield Branch(file, ast.unparse(stream), added, call)
                break


def _branches(case: Case) -> Iterator[Edit]:
    """The branch is normalized, so that the sum grows no faster than its length."""
    for each in residual_branches(case.program):
        yield from _normalized(each.file, each.stream, each.added)


def _scaled(case: Case) -> Iterator[Edit]:
    """The branch counts a tenth (Szegedy et al. 2016, section 3.3)."""
    for each in residual_branches(case.program):
        start = each.file.span(each.added)[0]
        yield Edit(each.file, start, start, "0.1 * ")


def _through_layers(file: SourceFile, branch: ast.Call) -> bool:
    of_self = any(
        isinstance(each, ast.Attribute) and ast.unparse(each).startswith("self.") for each in ast.walk(branch.func)
    )
    return of_self or any(isinstance(each, ast.Call) and is_layer(file, each) for each in ast.walk(branch))


def _normalized(file: SourceFile, stream: str, branch: ast.expr) -> Iterator[Edit]:
    owner = class_around(file, branch)
    if owner is not None and re.search(r"Conv[123]d\(", file.code(owner)):
        name, more = imported(file, "torch.nn.functional.group_norm")
        yield replace(file, branch, f"{name}({file.code(branch)}, 1)")
    else:
        name, more = imported(file, "torch.nn.functional.layer_norm")
        yield replace(file, branch, f"{name}({file.code(branch)}, {stream}.shape[-1:])")
    yield from more


@fix("group-norm")
def other_norm(case: Case) -> Iterator[Sequence[Edit]]:
    """Layer norm behind linear layers, group norm behind convolutions; or larger batches."""
    edits = []
    for call in case.program.calls("torch.nn.BatchNorm*", "torch.nn.SyncBatchNorm"):
        width = call.argument(0, "num_features")
        if width is None:
            continue
        text = call.file.code(width)
        # behind Conv1d units come before positions, as group norm has them
        flat = call.file.qualified(call.node.func).endswith("1d") and "Conv1d(" not in call.file.text
        name, more = imported(call.file, "torch.nn.LayerNorm" if flat else "torch.nn.GroupNorm")
        size = written(case.program, call.file, width)
        groups = _groups([int(size.value)] if size is not None else _widths(case))
        edits += [replace(call.file, call.node, f"{name}({text})" if flat else f"{name}({groups}, {text})"), *more]
    if edits:
        yield edits
    yield from _larger_batches(case)


def _widths(case: Case) -> list[int]:
    """Channels of all batch norms that were seen: what an expression in their place comes to."""
    return [each for facts in case.history.models.values() for each in facts.batch_norms]


def _groups(widths: Sequence[int]) -> int:
    """As many groups, at most 8, as divide all of these numbers of channels and leave several in each."""
    suited = (each for each in (8, 4, 2) if all(width % each == 0 and width > each for width in widths))
    return next(suited, 1) if widths else 1


def _larger_batches(case: Case) -> Iterator[Sequence[Edit]]:
    for call in case.program.calls("torch.utils.data.DataLoader"):
        size = written(case.program, call.file, call.argument(1, "batch_size"))
        if size is not None and size.value < _ENOUGH:
            yield [size.becomes(_LARGER_BATCH)]
            return
