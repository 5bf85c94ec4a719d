"""Fixes of inputs and labels that are read in different orders: by another index, sorted alone, listed otherwise."""

import ast
from collections import Counter
from collections.abc import Iterator, Sequence

from gradus.diagnosis.prescription.bindings import (
    Function,
    attributes_in,
    binding,
    bindings,
    class_around,
    function_around,
    parameters,
    passed,
    returned,
)
from gradus.diagnosis.prescription.callables import reached, reaching
from gradus.diagnosis.prescription.edits import Edit, delete, replace, without_argument
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.loaders import loaders_of, training_loaders
from gradus.diagnosis.prescription.program import Found, Program, SourceFile
from gradus.diagnosis.prescription.roles import is_label_name


@fix("check-labels")
def one_index_for_both(case: Case) -> Iterator[Sequence[Edit]]:
    """`return self.images[j], self.labels[i]` of a dataset takes both by the index of the input."""
    for file, node in case.program.nodes():
        if not isinstance(node, Function) or node.name != "__getitem__" or not returned(node):
            continue
        result = returned(node)[-1]
        items = result.elts if isinstance(result, ast.Tuple) else result.values if isinstance(result, ast.Dict) else []
        picked = [list(_picked(file, each)) for each in items]
        if len(picked) < 2 or not picked[0]:
            continue
        wanted = {ast.unparse(each) for each in picked[0]}
        others = [each for label in picked[1:] for each in label if ast.unparse(each) not in wanted]
        if len(wanted) == 1 and others:
            yield [replace(file, each, file.code(picked[0][0])) for each in others]


def _picked(file: SourceFile, node: ast.expr) -> Iterator[ast.expr]:
    """The indices by which an expression takes from arrays: `j` of `self.images[j] / 255`."""
    for each in _outside_of_slices(node):
        if isinstance(each, ast.Subscript) and isinstance(each.slice, ast.Subscript):
            yield from _picked(file, each.slice)
        elif isinstance(each, ast.Subscript) and isinstance(each.slice, ast.Name | ast.BinOp):
            yield each.slice
        elif isinstance(each, ast.Name):
            bound = binding(file, each)
            if bound is not None and bound.item is None and isinstance(file.scope(bound.statement), Function):
                yield from _picked(file, bound.value)


def _outside_of_slices(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for name, value in ast.iter_fields(node):
        if name != "slice":
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, ast.AST):
                    yield from _outside_of_slices(each)


@fix("check-labels")
def by_the_same_keys(case: Case) -> Iterator[Sequence[Edit]]:
    """`list(label_of.values())` beside `[image_of[k] for k in names]` goes by the same keys."""
    for file, node in case.program.nodes():
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr != "values":
            continue
        table = file.code(node.func.value)
        whole: ast.expr = node
        above = file.parents[node]
        if isinstance(above, ast.Call) and isinstance(above.func, ast.Name) and above.func.id in {"list", "tuple"}:
            whole = above
        for other in ast.walk(file.scope(node)):
            if isinstance(other, ast.ListComp) and len(other.generators) == 1 and not other.generators[0].ifs:
                keys = other.generators[0]
                looked_up = [
                    each
                    for each in ast.walk(other.elt)
                    if isinstance(each, ast.Subscript) and ast.unparse(each.slice) == ast.unparse(keys.target)
                ]
                if isinstance(keys.target, ast.Name) and looked_up and ast.unparse(looked_up[0].value) != table:
                    key = keys.target.id
                    yield [replace(file, whole, f"[{table}[{key}] for {key} in {file.code(keys.iter)}]")]


@fix("check-labels")
def gather_in_order(case: Case) -> Iterator[Sequence[Edit]]:
    """A loader whose batches are gathered, as features that are computed once, keeps the order of the dataset, in which
    the labels are; not one that training goes over.
    """
    trained = [each.node for each in training_loaders(case)]
    edits = [
        without_argument(each.file, each.node, argument)
        for each in _gathered(case.program)
        for argument in each.node.keywords
        if argument.arg == "shuffle" and ast.unparse(argument.value) == "True" and each.node not in trained
    ]
    if edits:
        yield list(dict.fromkeys(edits))


def _gathered(program: Program) -> Iterator[Found]:
    """Loaders that are gone over to collect something of each batch."""
    for file, node in program.nodes():
        if not isinstance(node, ast.For | ast.comprehension):
            continue
        whole = node if isinstance(node, ast.For) else file.parents[node]
        enters = [reached(program, file, each) for each in ast.walk(whole) if isinstance(each, ast.Call)]
        collects = isinstance(node, ast.comprehension) or attributes_in(node) & {"append", "extend"}
        if not collects or any(
            "backward" in attributes_in(each) for each in (whole, *(one[1] for one in enters if one))
        ):
            continue
        function = function_around(file, node)
        name = ast.unparse(node.iter)
        if function is not None and name in parameters(function):
            calls = reaching(program, function)
            given = [(each.file, passed(file, function, name, each)) for each in calls]
        else:
            given = [(file, node.iter)]
        yield from (found for home, each in given if each is not None for found in loaders_of(program, home, each))


# ---- one of both sorted, drawn or turned ----------------------------------------------------------------------------

_OF_ITSELF = {"sort_values", "sort_index", "sample", "flip", "roll", "sort"}
_OF_ARGUMENT = {"numpy.sort", "numpy.flip", "numpy.roll", "torch.roll", "torch.flip", "numpy.flipud"}


@fix("check-labels")
def without_an_order_of_its_own(case: Case) -> Iterator[Sequence[Edit]]:
    """What only one of both goes through is left out: `sorted(names)`, `table.sort_values("id")`, `labels[::-1]`."""
    found = [(file, node, operand) for file, node, operand in _reordered(case.program) if _is_data(file, node)]
    times = Counter(_operation(node, operand) for _, node, operand in found)
    lone = [each for each in found if times[_operation(each[1], each[2])] == 1]
    for file, node, operand in sorted(lone, key=lambda each: not _binds_labels(each[0], each[1])):
        if isinstance(node, ast.stmt):
            yield [delete(file, node)]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not _is_gone_over(file, node):
            yield [replace(file, node, f"list({file.code(operand)})")]
        else:
            yield [replace(file, node, file.code(operand))]


def _reordered(program: Program) -> Iterator[tuple[SourceFile, ast.expr | ast.stmt, ast.expr]]:
    """What puts something into another order: the expression or statement, and what it is applied to."""
    for file, node in program.nodes():
        if isinstance(node, ast.Subscript) and (ast.unparse(node.slice) == "::-1" or _is_argsort(file, node.slice)):
            yield file, node, node.value
        if not isinstance(node, ast.Call):
            continue
        called, name = node.func, file.qualified(node.func)
        if isinstance(called, ast.Name) and called.id in {"sorted", "reversed"} and node.args:
            if not isinstance(node.args[0], ast.Call) or ast.unparse(node.args[0].func) != "set":
                yield file, node, node.args[0]
        elif name in _OF_ARGUMENT and node.args and _is_along_examples(node):
            yield file, node, node.args[0]
        elif isinstance(called, ast.Attribute) and called.attr in _OF_ITSELF and not name:
            if isinstance(file.parents[node], ast.Expr):
                yield file, file.statement(node), called.value
            elif called.attr != "sort":
                yield file, _with_fresh_index(file, node), called.value


def _is_along_examples(call: ast.Call) -> bool:
    """Whether what is turned or rolled is the first axis, or all of them: along others each example stays in place."""
    axes = [each.value for each in call.keywords if each.arg in {"axis", "dim", "dims"}]
    return all(ast.unparse(each) in {"0", "(0,)", "[0]", "None"} for each in axes)


def _is_argsort(file: SourceFile, node: ast.expr) -> bool:
    bound = binding(file, node) if isinstance(node, ast.Name) else None
    made = bound.value if bound is not None and bound.item is None else node
    return isinstance(made, ast.Call) and ast.unparse(made.func).endswith("argsort")


def _with_fresh_index(file: SourceFile, node: ast.expr) -> ast.expr:
    """`table.sort_values(...).reset_index(...)` as a whole."""
    above = file.parents[node]
    if isinstance(above, ast.Attribute) and above.attr == "reset_index":
        call = file.parents[above]
        return call if isinstance(call, ast.Call) else node
    return node


def _operation(node: ast.expr | ast.stmt, operand: ast.expr) -> str:
    """What is done, whatever to."""
    return ast.unparse(node).replace(ast.unparse(operand), "", 1)


def _is_data(file: SourceFile, node: ast.AST) -> bool:
    """Whether a statement prepares data: it is in no loop, in no model, and gives or changes something.

    What a dataset does to one example keeps its label.
    """
    statement, function = file.statement(node), file.scope(node)
    if isinstance(function, Function) and function.name in {"__getitem__", "__call__"}:
        return False
    owner = class_around(file, node)
    computes = owner is not None and any(ast.unparse(each).endswith("Module") for each in owner.bases)
    in_place = isinstance(node, ast.stmt)
    return not computes and not file.loops(node) and (in_place or not isinstance(statement, ast.Expr))


def _is_gone_over(file: SourceFile, node: ast.AST) -> bool:
    """Whether a loop or comprehension goes over it, to which any collection will do."""
    above = file.parents[node]
    return isinstance(above, ast.comprehension | ast.For) and above.iter is node


def _binds_labels(file: SourceFile, node: ast.AST) -> bool:
    statement = file.statement(node)
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    return any(is_label_name(ast.unparse(each)) for each in targets)


# ---- drawn twice ----------------------------------------------------------------------------------------------------

_DRAWS = ("permutation", "randperm", "shuffle", "sample")


@fix("check-labels")
def draw_once(case: Case) -> Iterator[Sequence[Edit]]:
    """An order that is drawn again between inputs and labels, or once for each, is drawn once."""
    for file in case.program.files:
        for block in _blocks(file.tree):
            yield from _drawn_again(file, block)
            yield from _drawn_for_each(file, block)


def _blocks(tree: ast.AST) -> Iterator[list[ast.stmt]]:
    for node in ast.walk(tree):
        for _, value in ast.iter_fields(node):
            if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                yield value


def _drawn_again(file: SourceFile, block: list[ast.stmt]) -> Iterator[Sequence[Edit]]:
    """`shuffle(rows)`, `x[rows]`, `shuffle(rows)`, `y[rows]`: without the second."""
    for number, statement in enumerate(block):
        index = _shuffled(statement)
        earlier = next((at for at in range(number - 1, -1, -1) if index and _shuffled(block[at]) == index), None)
        if earlier is None:
            continue
        between = [node for each in block[earlier + 1 : number] for node in ast.walk(each)]
        behind = [node for each in block[number + 1 :] for node in ast.walk(each)]
        if _takes(between, index) and _takes(behind, index) and not any(isinstance(each, ast.For) for each in between):
            yield [delete(file, statement)]


def _shuffled(statement: ast.stmt) -> str:
    """The name whose order a statement draws: `shuffle(rows)`, `rows = randperm(n)`; "" if it draws none."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call) and statement.value.args:
        call = statement.value
        return ast.unparse(call.args[0]) if ast.unparse(call.func).endswith("shuffle") else ""
    if isinstance(statement, ast.Assign) and _is_draw(statement.value):
        return ast.unparse(statement.targets[0])
    return ""


def _is_draw(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in _DRAWS


def _takes(nodes: Sequence[ast.AST], index: str) -> bool:
    return any(isinstance(each, ast.Subscript) and ast.unparse(each.slice) == index for each in nodes)


@fix("check-labels")
def without_a_draw_of_its_own(case: Case) -> Iterator[Sequence[Edit]]:
    """A draw that has no name, and that one of both alone goes through, is left out."""
    for file in case.program.files:
        for block in _blocks(file.tree):
            lone = [each for each in block if isinstance(each, ast.Assign) and _is_draw_of_itself(each)]
            if len(lone) == 1 and file.loops(lone[0]):
                yield [delete(file, lone[0])]


def _is_draw_of_itself(statement: ast.Assign) -> bool:
    """`x = x[randperm(n)]`."""
    drawn = statement.value
    itself = isinstance(drawn, ast.Subscript) and ast.unparse(statement.targets[0]) == ast.unparse(drawn.value)
    return itself and isinstance(drawn, ast.Subscript) and _is_draw(drawn.slice)


def _drawn_for_each(file: SourceFile, block: list[ast.stmt]) -> Iterator[Sequence[Edit]]:
    """`x = x[permutation(n)]` and `y = y[permutation(n)]`: the order gets a name, for both to use."""
    taken = [
        node
        for statement in block
        if isinstance(statement, ast.Assign)
        for node in ast.walk(statement.value)
        if isinstance(node, ast.Subscript) and _is_draw(node.slice)
    ]
    if len(taken) != 2 or len({ast.unparse(each.slice.func) for each in taken if isinstance(each.slice, ast.Call)}) > 1:
        return
    first = file.statement(taken[0])
    used = {each.id for each in ast.walk(file.tree) if isinstance(each, ast.Name)}
    order = next(each for each in ("order", "permutation", "shuffled_rows", "drawn") if each not in used)
    start = file.line_start(file.span(first)[0])
    margin = file.text[start : file.span(first)[0]]
    if margin.strip():
        return
    drawn = Edit(file, file.span(first)[0], file.span(first)[0], f"{order} = {file.code(taken[0].slice)}\n{margin}")
    yield [drawn, *(replace(file, each.slice, order) for each in taken)]


# ---- shuffled in place ----------------------------------------------------------------------------------------------


@fix("check-labels")
def shuffle_both_in_place(case: Case) -> Iterator[Sequence[Edit]]:
    """`np.random.shuffle(x)`: one permutation that x and its labels are both taken by."""
    for file in case.program.files:
        for block in _blocks(file.tree):
            calls = [
                (each, _shuffled(each))
                for each in block
                if isinstance(each, ast.Expr) and _shuffled(each) and not file.loops(each)
            ]
            for statement, name in calls:
                partner = next((other for _, other in calls if other != name), "") or _partner(file, statement, name)
                if not name.isidentifier() or not partner or is_label_name(name) == is_label_name(partner):
                    continue
                others = [each for each, other in calls if other == partner]
                together = _together(file, statement, name, partner)
                yield [replace(file, statement, together), *(delete(file, each) for each in others)]
                break


def _partner(file: SourceFile, statement: ast.stmt, name: str) -> str:
    """Labels of inputs that are shuffled: bound before it, and not taken from what is shuffled."""
    scope = file.scope(statement)
    bound: dict[str, bool] = {}
    for node in ast.walk(scope):
        if isinstance(node, ast.Assign) and node.lineno < statement.lineno and file.scope(node) is scope:
            taken = any(isinstance(each, ast.Name) and each.id == name for each in ast.walk(node.value))
            names = [each.id for each in ast.walk(node.targets[0]) if isinstance(each, ast.Name)]
            bound |= {each: taken or bound.get(each, False) for each in names}
    labels = [each for each, taken in bound.items() if is_label_name(each) and not taken]
    return labels[-1] if labels and not is_label_name(name) else ""


def _together(file: SourceFile, statement: ast.stmt, name: str, partner: str) -> str:
    assert isinstance(statement, ast.Expr)
    assert isinstance(statement.value, ast.Call)
    shuffle = file.code(statement.value.func)
    margin = file.text[file.line_start(file.span(statement)[0]) : file.span(statement)[0]]
    source = shuffle.rpartition(".")[0]
    bound = bindings(file, source)
    of_numpy = file.qualified(statement.value.func) == "numpy.random.shuffle" or (
        bool(bound) and "default_rng" in ast.unparse(bound[-1].value)
    )
    if of_numpy:
        return f"order = {source}.permutation(len({name}))\n{margin}{name}, {partner} = {name}[order], {partner}[order]"
    return (
        f"pairs = list(zip({name}, {partner}))\n{margin}{shuffle}(pairs)\n"
        f"{margin}{name}, {partner} = map(list, zip(*pairs))"
    )
