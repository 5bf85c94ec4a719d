"""Fixes of missing activations: between layers that follow each other, and behind parts that a model repeats."""

import ast
import itertools
from collections.abc import Iterator, Sequence

from gradus.diagnosis.prescription.activation_names import none_by_name
from gradus.diagnosis.prescription.activations import added_to, is_hidden
from gradus.diagnosis.prescription.bindings import (
    Function,
    binding,
    bindings,
    class_around,
    method,
    parameters,
    passed,
)
from gradus.diagnosis.prescription.callables import callees, reached, reaching
from gradus.diagnosis.prescription.edits import Edit, after, around, before, imported, replace
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.layers import Activation, activation, is_layer
from gradus.diagnosis.prescription.program import Found, SourceFile
from gradus.diagnosis.prescription.written import number, written


@fix("add-nonlinearity")
def put_between(case: Case) -> Iterator[Sequence[Edit]]:
    """An activation between layers that follow each other: the program's own if it has one unused, else ReLU."""
    named = [edit for file, node in case.program.nodes() for edit in none_by_name(case.program, file, node)]
    named += _bent(case)
    if named:
        yield list({(each.file.path, each.start): each for each in named}.values())
    between = [*_between_items(case), *_between_calls(case), *_between_turns(case), *_between_rounds(case)]
    between = [*_for_placeholders(case), *between] or list(_behind_blocks(case))
    edits = {(each.file.path, each.start, each.text): each for each in between}
    if edits:
        yield list(edits.values())


def _bent(case: Case) -> Iterator[Edit]:
    """A slope or limit at which an activation bends, for one at which it leaves everything as it is."""
    for file, node in case.program.nodes():
        name = file.qualified(node.func) if isinstance(node, ast.Call) else ""
        for position, option, right in _SETTINGS.get(name.rpartition(".")[2].lower().replace("_", ""), ()):
            functional = name.rpartition(".")[2].islower()
            given = Found(file, node).argument(position + functional, option) if isinstance(node, ast.Call) else None
            place = written(case.program, file, given)
            if place is not None and (place.value == 1 if option == "negative_slope" else abs(place.value) >= _FAR_OFF):
                yield place.becomes(right)


_SETTINGS = {
    "leakyrelu": ((0, "negative_slope", 0.01),), "hardtanh": ((0, "min_val", -1.0), (1, "max_val", 1.0)),
    "threshold": ((0, "threshold", 0.0),), "clamp": ((0, "min", 0.0),),
}  # fmt: skip
"""Place of an activation's option, its name, and what it may be."""
_FAR_OFF = 1e3


def _for_placeholders(case: Case) -> Iterator[Edit]:
    """What does nothing, where it stands between layers that have no activation."""
    for file, node in case.program.nodes():
        if not isinstance(node, ast.Call) or not _does_nothing(file, node):
            continue
        whole = class_around(file, node) or file.scope(node)
        others = (found for each in ast.walk(whole) if (found := activation(file, each)) is not None)
        if is_hidden(case, Activation(file, node, "", None)) and not any(is_hidden(case, each) for each in others):
            name, more = imported(file, "torch.nn.ReLU")
            yield from [replace(file, node, f"{name}()"), *more]


def _does_nothing(file: SourceFile, node: ast.AST) -> bool:
    """`nn.Identity()`, `nn.Dropout(0.0)`."""
    if not isinstance(node, ast.Call):
        return False
    name, share = file.qualified(node.func), Found(file, node).argument(0, "p")
    return name == "torch.nn.Identity" or (name == "torch.nn.Dropout" and number(share) == 0)


def _acts(file: SourceFile, node: ast.AST) -> bool:
    """Whether an activation is made there, or what stands in its place."""
    return activation(file, node) is not None or _does_nothing(file, node)


def _between_items(case: Case) -> Iterator[Edit]:
    for file, node in case.program.nodes():
        items: list[ast.expr] = node.args if isinstance(node, ast.Call) else getattr(node, "elts", [])
        layers = [each for each in items if isinstance(made := _named(each), ast.Call) and is_layer(file, made)]
        if len(layers) < 2 or not (
            _is_row(case, file, node.func)
            if isinstance(node, ast.Call)
            else isinstance(node, ast.List) and _goes_into_sequential(case, file, node)
        ):
            continue
        for one, other in itertools.pairwise(layers):
            between = items[items.index(one) + 1 : items.index(other)]
            if any(_acts(file, _named(each)) for each in between):
                continue
            name, more = imported(file, "torch.nn.ReLU")
            text = f"{name}()" if one is _named(one) else f'("{_name(one)}_relu", {name}())'
            last = between[-1] if between and "Norm" in ast.unparse(between[-1]) else one
            end = file.span(last)[1]
            line = file.text[: file.span(last)[0]].rpartition("\n")[2]
            apart = not line.strip() and other.lineno > (last.end_lineno or last.lineno)
            yield Edit(file, end, end, f",\n{line}{text}" if apart else f", {text}")
            yield from more


def _named(item: ast.expr) -> ast.expr:
    """What stands in a row: itself, or the second of a pair of a name and a module."""
    return item.elts[1] if isinstance(item, ast.Tuple) and len(item.elts) == 2 else item


def _name(item: ast.expr) -> str:
    """The name in a pair; "layer" where it is not written out."""
    match item:
        case ast.Tuple(elts=[ast.Constant(value=str(name)), _]):
            return name
    return "layer"


def _is_row(case: Case, file: SourceFile, called: ast.expr) -> bool:
    """Whether layers that it is given follow each other: `nn.Sequential`, or what of the program's own takes any
    number of them, and does not act itself.
    """
    found = callees(case.program, file, called)
    for home, each in found:
        begin = method(each, "__init__") if isinstance(each, ast.ClassDef) else each
        bases = [home.qualified(base) for base in each.bases] if isinstance(each, ast.ClassDef) else []
        named = isinstance(each, ast.expr) and home.qualified(each) == "torch.nn.Sequential"
        many = isinstance(begin, Function | ast.Lambda) and begin.args.vararg is not None
        if not named and not many and (begin is not None or "torch.nn.Sequential" not in bases):
            return False
        if not named and any(activation(home, node) for node in ast.walk(each)):
            return False
    return bool(found)


def _goes_into_sequential(case: Case, file: SourceFile, node: ast.List) -> bool:
    """`nn.Sequential(*[...])`, or of a list with a name, or of an `OrderedDict` of pairs; those of `ModuleList` have
    their activations elsewhere.
    """
    statement, holder = file.statement(node), file.parents.get(node)
    if isinstance(holder, ast.Call) and file.qualified(holder.func) == "collections.OrderedDict":
        named = isinstance(statement, ast.Assign) and statement.value is holder
        given = ast.unparse(statement.targets[0] if isinstance(statement, ast.Assign) and named else holder)
        calls = (each for each in ast.walk(file.tree) if isinstance(each, ast.Call) and each.args)
        return any(
            file.qualified(each.func) == "torch.nn.Sequential" and ast.unparse(each.args[0]) == given for each in calls
        )
    enters = reached(case.program, file, holder) if isinstance(holder, ast.Call) else None
    if enters is not None and isinstance(holder, ast.Call):  # of a function that is given the list
        home, function = enters
        names = [each for each in parameters(function) if passed(home, function, each, Found(file, holder)) is node]
        return any(isinstance(each, ast.Starred) and ast.unparse(each.value) in names for each in ast.walk(function))
    unpacked = {
        ast.unparse(each.value)
        for each in ast.walk(file.tree)
        if isinstance(each, ast.Starred) and ast.unparse(each.value).isidentifier()
    }
    direct = isinstance(file.parents.get(node), ast.Starred)
    return direct or (added_to(statement) in unpacked and getattr(statement, "value", None) is node)


def _between_calls(case: Case) -> Iterator[Edit]:
    for file, node in case.program.nodes():
        before = _input(file, node)
        if isinstance(before, ast.Name):
            made = binding(file, before)
            if made is None or made.item is not None or made.file is not file:
                continue
            if file.scope(made.statement) is not file.scope(node):
                continue
            before = made.value
        if before is not None and _input(file, before) is not None and before is not node:
            name, more = _own(file, before)
            yield from [*around(file, before, f"{name}(", ")"), *more]


def _between_turns(case: Case) -> Iterator[Edit]:
    """`for layer in self.layers: x = layer(x)`: behind all but the last."""
    for file, node in case.program.nodes():
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call) or not file.loops(node):
            continue
        loop, call = file.loops(node)[0], node.value
        if not isinstance(loop, ast.For) or not isinstance(loop.iter, ast.Attribute) or not is_layer(file, call):
            continue
        again = [ast.unparse(each) for each in call.args] == [ast.unparse(node.targets[0])]
        if again and ast.unparse(call.func) == ast.unparse(loop.target):
            name, more = _own(file, call)
            text, layers = file.code(call), file.code(loop.iter)
            yield replace(file, call, f"{name}({text}) if {file.code(call.func)} is not {layers}[-1] else {text}")
            yield from more


def _between_rounds(case: Case) -> Iterator[Edit]:
    """Layers that a loop, or a comprehension, puts one after the other into a list that becomes a Sequential."""
    for file, node in case.program.nodes():
        if not isinstance(node, ast.Call) or not is_layer(file, node) or not file.qualified(node.func):
            continue
        holder = file.parents.get(node)
        name, more = imported(file, "torch.nn.ReLU")
        if isinstance(holder, ast.ListComp) and holder.elt is node and isinstance(file.parents[holder], ast.Starred):
            end = file.span(holder)[1]
            yield replace(file, node, "layer")
            yield Edit(file, end - 1, end, f" for layer in ({file.code(node)}, {name}())][:-1]")
            yield from more
            continue
        statement = file.statement(node)
        grown, loops = added_to(statement), file.loops(statement)
        if not grown or not loops or not _is_unpacked(file, grown) or statement not in loops[0].body:
            continue
        inside = [each for each in ast.walk(loops[0]) if isinstance(each, ast.stmt) and added_to(each) == grown]
        if any(_acts(file, each) for part in inside for each in ast.walk(part)):
            continue
        added = f"{grown}.append({name}())"
        norms = (each for each in inside if each.lineno > statement.lineno and "Norm" in ast.unparse(each))
        last = next(norms, statement)
        if isinstance(file.parents[last], ast.If) or _grows_later(file, loops[0], grown):
            yield after(file, last, added)
        elif [ast.unparse(each.value) for each in bindings(file, grown, file.scope(statement))][:1] == ["[]"]:
            yield before(file, statement, f"if {grown}:\n    {added}")
        else:
            continue
        yield from more


def _is_unpacked(file: SourceFile, name: str) -> bool:
    return any(isinstance(each, ast.Starred) and ast.unparse(each.value) == name for each in ast.walk(file.tree))


def _grows_later(file: SourceFile, loop: ast.stmt, name: str) -> bool:
    """Whether a layer is put into a list behind a loop, or where it is unpacked."""
    end = loop.end_lineno or loop.lineno
    for each in ast.walk(file.scope(loop)):
        match each:
            case ast.Call(args=[*_, ast.Starred(value=unpacked), _]) if ast.unparse(unpacked) == name:
                return True
            case ast.stmt() if each.lineno > end and added_to(each) == name:
                return True
    return False


def _behind_blocks(case: Case) -> Iterator[Edit]:
    """Parts that a model is made of several times: `return nn.Sequential(nn.Linear(n, m), nn.BatchNorm1d(m))` of a
    function, the same as a class's attribute or what it hands to its base, `return self.norm(self.fc(x))` of a class.
    """
    for file, node in case.program.nodes():
        owner, function = class_around(file, node), file.scope(node)
        if not isinstance(node, ast.Return | ast.Call | ast.List) or not isinstance(function, Function):
            continue
        call = _computed(node.value) if isinstance(node, ast.Return) and function.name == "forward" else None
        row = [] if isinstance(node, ast.Return) else _row_of_part(file, node, owner)
        inside = row if call is None else ast.walk(call)
        if not any(isinstance(each, ast.Call) and is_layer(file, each) for each in inside):
            continue
        if any(activation(file, each) for each in ast.walk(owner or function)):
            continue
        if not _is_made_often(case, function, owner):
            continue
        if row:
            name, more = imported(file, "torch.nn.ReLU")
            end = file.span(row[-1])[1]
            yield from [Edit(file, end, end, f", {name}()"), *more]
        elif call is not None:
            name, more = _own(file, call)
            yield from [*around(file, call, f"{name}(", ")"), *more]


def _row_of_part(file: SourceFile, node: ast.Call | ast.List, owner: ast.ClassDef | None) -> list[ast.expr]:
    """The modules of a part that follow each other: in a Sequential, or in a list that a function returns."""
    if isinstance(node, ast.List):
        return node.elts if isinstance(file.parents[node], ast.Return) else []
    bases = [file.qualified(each) for each in owner.bases] if owner is not None else []
    handed = ast.unparse(node.func) == "super().__init__" and "torch.nn.Sequential" in bases
    return node.args if handed or file.qualified(node.func) == "torch.nn.Sequential" else []


def _computed(value: ast.expr | None) -> ast.Call | None:
    """The call in what is returned, to which the input may be added."""
    sides = [value.left, value.right] if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add) else [value]
    return next((each for each in sides if isinstance(each, ast.Call)), None)


def _is_made_often(case: Case, function: Function, owner: ast.ClassDef | None) -> bool:
    """Whether a part is made in several places of the source, or in one over and over."""
    if owner is None or function.name not in {"__init__", "forward"}:
        calls = [(each.file, each.node) for each in reaching(case.program, function)]
    else:
        nodes = ((file, each) for file, each in case.program.nodes() if isinstance(each, ast.Call))
        calls = [(file, each) for file, each in nodes if ast.unparse(each.func) == owner.name]
    return len(calls) > 1 or any(_is_repeated(*each) for each in calls)


def _is_repeated(file: SourceFile, node: ast.AST) -> bool:
    """Whether a loop or a comprehension makes it again and again for a row of modules; not of models, to compare."""
    statement = file.statement(node)
    for each in file.above(node):
        if isinstance(each, ast.ListComp | ast.GeneratorExp):
            taker = file.parents[each]
            listed = isinstance(taker, ast.Call) and file.qualified(taker.func) == "torch.nn.ModuleList"
            return listed or isinstance(taker, ast.Starred)
        if each is statement:
            break
    return bool(added_to(statement)) and bool(file.loops(statement))


def _input(file: SourceFile, node: ast.AST) -> ast.expr | None:
    """What goes into a layer or a product with a matrix; None if the node is neither."""
    if isinstance(node, ast.BinOp):
        if isinstance(node.op, ast.MatMult):
            return node.left
        if isinstance(node.op, ast.Add):
            return _input(file, node.left) or _input(file, node.right)
    if isinstance(node, ast.Call) and node.args:
        if is_layer(file, node) and file.qualified(node.func) == "":
            return node.args[0]
        if file.qualified(node.func) in {"torch.nn.functional.linear", "torch.nn.functional.conv2d"}:
            return node.args[0]
    return None


def _own(file: SourceFile, node: ast.expr) -> tuple[str, list[Edit]]:
    """An activation that the class has and does not use, or torch's."""
    owner = class_around(file, node)
    for each in ast.walk(owner) if owner is not None else ():
        if isinstance(each, ast.Assign) and activation(file, each.value) is not None:
            name = ast.unparse(each.targets[0])
            if not any(isinstance(use, ast.Call) and ast.unparse(use.func) == name for use in ast.walk(file.tree)):
                return name, []
    return imported(file, "torch.relu")
