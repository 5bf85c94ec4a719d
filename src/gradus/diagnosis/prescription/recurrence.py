"""Fixes of what goes through time, and of deep stacks: gates, bounded states, residual connections."""

import ast
import itertools
import math
import re
from collections.abc import Iterator, Sequence

from gradus.diagnosis.prescription.bindings import bindings, class_around, function_around, method, parameters, returned
from gradus.diagnosis.prescription.edits import Edit, after, atom, before, imported, replace, without_argument
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.layers import applied, is_layer
from gradus.diagnosis.prescription.modules import stacked
from gradus.diagnosis.prescription.program import Found, Program, SourceFile
from gradus.diagnosis.prescription.written import number, written

_REMEMBER = 4.0
"""Bias of the update gate: a state that halves in about 40 steps (Tallec & Ollivier 2018)."""

_BRANCH = 0.3
"""How much a branch counts beside what goes past it."""


@fix("gated")
def gate(case: Case) -> Iterator[Sequence[Edit]]:
    """GRU for RNN, its update gate opened so that it begins by remembering; its states have the same form.

    Gates that are there are opened, and a state that leaks fast leaks slowly. A cell written by hand keeps nine tenths
    of its state at each step (Jaeger et al. 2007).
    """
    plain, open_ = [], []
    for call in case.program.calls("torch.nn.RNN", "torch.nn.RNNCell"):
        edits = list(_gated(call))
        plain += edits
        open_ += [*edits, *_remembering(call)]
    if plain:
        if case.cause == "vanishing-through-time" and len(open_) > len(plain):
            yield open_
        yield plain
        return
    if case.cause == "vanishing-through-time":
        edits = list(_integrating(case)) or list(_slowed(case)) or list(_opened(case))
    else:
        edits = list(_leaking(case))
    if edits:
        yield edits


def _gated(call: Found) -> Iterator[Edit]:
    file = call.file
    name, more = imported(file, file.qualified(call.node.func).replace("RNN", "GRU"))
    yield replace(file, call.node.func, name)
    yield from more
    for each in call.node.keywords:
        if each.arg == "nonlinearity":
            yield without_argument(file, call.node, each)


def _remembering(call: Found) -> Iterator[Edit]:
    statement, file = call.statement, call.file
    width = call.argument(1, "hidden_size")
    whole = isinstance(statement, ast.Assign) and statement.value is call.node and len(statement.targets) == 1
    if width is None or not whole or "Cell" in file.qualified(call.node.func):
        return
    assert isinstance(statement, ast.Assign)
    target, text = ast.unparse(statement.targets[0]), file.code(width)
    text = text if text.isidentifier() or text.isdigit() or text.startswith("self.") else f"({text})"
    yield after(file, statement, f"{target}.bias_hh_l0.data[{text} : 2 * {text}].fill_({_REMEMBER})")


def _opened(case: Case) -> Iterator[Edit]:
    """Gates that are there begin by remembering: a bias that shuts them is turned, else one is put in."""
    shut = [
        found
        for call in case.program.methods("fill_", "constant_")
        if "bias" in ast.unparse(call.receiver)
        and (found := written(case.program, call.file, call.argument(0, "value"))) is not None
        and found.value < 0
    ]
    if shut:
        yield from (each.becomes(_REMEMBER) for each in shut)
        return
    for call in case.program.calls("torch.nn.GRU", "torch.nn.LSTM"):
        if ".bias" not in call.file.text:
            # the second of the parts that both kinds keep: of a GRU the update gate, of an LSTM the forget gate
            yield from _remembering(call)


def _integrating(case: Case) -> Iterator[Edit]:
    """`h = tanh(wx(x) + wh(h))`, in a loop or returned: most of the state stays (a leaky integrator).

    A sigmoid becomes a tanh: about 0 its slope is 1 rather than 1/4, and what it adds up has no mean of its own.
    """
    for file, node in case.program.nodes():
        found = applied(file, node) if isinstance(node, ast.Call) else None
        if found is None or found.operand is None or not _mixes(file, found.operand):
            continue
        names = {each.id for each in ast.walk(found.operand) if isinstance(each, ast.Name) and _is_state(each.id)}
        statement = file.parents.get(node)
        function = function_around(file, node)
        if isinstance(statement, ast.Return) and function is not None:
            states = [each for each in parameters(function) if each in names]
        elif isinstance(statement, ast.Assign) and file.loops(statement):
            states = [each for each in map(ast.unparse, statement.targets) if each in names]
        else:
            continue
        if states:
            start, end = file.span(node)
            new, more = file.code(node), list[Edit]()
            if found.name == "sigmoid":
                tanh, more = imported(file, "torch.tanh")
                new = f"{tanh}({file.code(found.operand)})"
            yield Edit(file, start, end, f"0.9 * {states[0]} + 0.1 * {new}")
            yield from more


def _slowed(case: Case) -> Iterator[Edit]:
    """A state that leaks away within few steps, by a number that is written, leaks as slowly as an open gate lets it.

    `h = (1 - a) * h + a * new`, `h + a * (new - h)` or `torch.lerp(h, new, a)`, in a loop or returned by a cell.
    """
    slow, done = 1 / (1 + math.exp(_REMEMBER)), set[ast.expr]()
    for file, node in case.program.nodes():
        if not isinstance(node, ast.Assign | ast.Return) or node.value is None or class_around(file, node) is None:
            continue
        function = function_around(file, node)
        states = set(parameters(function)[1:]) if function is not None else set()
        if isinstance(node, ast.Assign) and file.loops(node):
            states |= set(map(ast.unparse, node.targets))
        for share, kept in _leaks(file, node.value, states):
            found = written(case.program, file, share)
            if found is None or found.node in done:
                continue
            done.add(found.node)
            if slow < (1 - found.value if kept else found.value) <= 1:
                yield found.becomes(1 - slow if kept else slow)


def _leaks(file: SourceFile, value: ast.expr, states: set[str]) -> Iterator[tuple[ast.expr, bool]]:
    """Numbers by which a state leaks, each with whether it is the share that is kept."""
    match value:
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            for one, other in ((left, right), (right, left)):
                for share, way in _weighted(other):
                    if ast.unparse(one) in states and ast.unparse(way).endswith(f" - {ast.unparse(one)}"):
                        yield share, False  # h + a * (new - h)
                kept = [share for share, state in _weighted(one) if ast.unparse(state) in states]
                for mine, theirs in itertools.product(kept, (share for share, _ in _weighted(other))):
                    if ast.unparse(mine) in _rest(theirs):
                        yield theirs, False
                    elif ast.unparse(theirs) in _rest(mine):
                        yield mine, True
                    elif math.isclose((number(mine) or 0) + (number(theirs) or 0), 1):
                        yield from ((mine, True), (theirs, False))
        case ast.Call(func=ast.Attribute(value=first, attr="lerp")):
            of_torch = bool(file.qualified(value.func))
            state, weight = value.args[0] if of_torch else first, Found(file, value).argument(1 + of_torch, "weight")
            if weight is not None and ast.unparse(state) in states:
                yield weight, False


def _weighted(term: ast.expr) -> list[tuple[ast.expr, ast.expr]]:
    """Of a product, each factor with the other."""
    if isinstance(term, ast.BinOp) and isinstance(term.op, ast.Mult):
        return [(term.left, term.right), (term.right, term.left)]
    return []


def _rest(share: ast.expr) -> set[str]:
    """What is left of 1."""
    return {f"1 - {ast.unparse(share)}", f"1.0 - {ast.unparse(share)}"}


def _mixes(file: SourceFile, operand: ast.expr) -> bool:
    """Whether it is made of an input and a state: a sum, or a concatenation."""
    return any(
        (isinstance(each, ast.BinOp) and isinstance(each.op, ast.Add))
        or (isinstance(each, ast.Call) and file.qualified(each.func) in {"torch.cat", "torch.hstack", "torch.concat"})
        for each in ast.walk(operand)
    )


def _is_state(name: str) -> bool:
    """A name by which states go."""
    return name.lower().strip("_").split("_")[0] in {
        "h", "hx", "hidden", "state", "s", "prev", "memory", "context", "ht", "hprev",
    }  # fmt: skip


def _leaking(case: Case) -> Iterator[Edit]:
    """`h = h + new` in a loop over time, kept by the model, or returned by a cell: weights that add up to 1; of one of
    torch's cells, which keeps what it wants to keep by itself, `new` alone.
    """
    for file, node in case.program.nodes():
        if not isinstance(node, ast.Assign | ast.Return) or not isinstance(node.value, ast.BinOp):
            continue
        total = node.value
        function = function_around(file, node)
        if function is None or not isinstance(total.op, ast.Add):
            continue
        if isinstance(node, ast.Return):
            states = [each for each in parameters(function)[2:] if _is_state(each)]
        else:
            target = ast.unparse(node.targets[0])
            goes_on = target.startswith("self.") or (file.loops(node) and function.name == "forward")
            states = [target] if goes_on else []
        for state, new in ((total.left, total.right), (total.right, total.left)):
            if ast.unparse(state) in states:
                mean = f"0.9 * {ast.unparse(state)} + 0.1 * {atom(file, new)}"
                yield replace(file, total, file.code(new) if _is_cell(file, new) else mean)
                break


def _is_cell(file: SourceFile, call: ast.expr) -> bool:
    """`self.cell(x, h)` of `self.cell = nn.GRUCell(...)`."""
    made = bindings(file, ast.unparse(call.func)) if isinstance(call, ast.Call) else []
    value = made[-1].value if made else None
    return isinstance(value, ast.Call) and bool(re.fullmatch(r"torch\.nn\.\w+Cell", file.qualified(value.func)))


@fix("add-residual")
def add_residual(case: Case) -> Iterator[Sequence[Edit]]:
    """`x = x + 0.3 * act(layer(x))` in a loop over layers as wide as their input; the same in blocks that are stacked.

    The branch counts less, so that many of them add up to no more than their input (Szegedy et al. 2016, section 3.3).
    """
    edits = [edit for owner, home in _blocks(case.program).items() for edit in _past(home, owner)]
    for file, node in case.program.nodes():
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call) or not file.loops(node):
            continue
        loop, target = file.loops(node)[0], ast.unparse(node.targets[0])
        found = applied(file, node.value)
        if found is None or not isinstance(loop, ast.For) or not isinstance(found.operand, ast.Call):
            continue
        inner = found.operand
        same = [ast.unparse(each) for each in inner.args] == [target]
        if same and ast.unparse(inner.func) == ast.unparse(loop.target) and _square(file, loop.iter):
            start = file.span(node.value)[0]
            edits.append(Edit(file, start, start, f"{target} + {_BRANCH} * "))
    if edits:
        yield edits


def _blocks(program: Program) -> dict[ast.ClassDef, SourceFile]:
    """Classes of stacked modules, and the files they are in."""
    return {each.owner: each.home for each in stacked(program) if each.owner is not None and each.home is not None}


def _past(file: SourceFile, owner: ast.ClassDef) -> Iterator[Edit]:
    """A block's input goes past it, where it does not yet and has the shape of the output."""
    forward = method(owner, "forward")
    results = returned(forward) if forward is not None else []
    resized = re.search(r"stride|pool|upsample|interpolate|Conv(?!.*padding)", file.code(owner), re.DOTALL)
    if forward is None or len(results) != 1 or isinstance(results[0], ast.Tuple | ast.Dict) or resized:
        return
    given = parameters(forward)[1]
    copies = [each for each in ast.walk(forward) if isinstance(each, ast.Assign) and ast.unparse(each.value) == given]
    sums = [each for each in ast.walk(forward) if isinstance(getattr(each, "op", None), ast.Add)]
    terms = {ast.unparse(each) for total in sums for each in ast.iter_child_nodes(total) if isinstance(each, ast.Name)}
    if terms & {given, *(ast.unparse(each.targets[0]) for each in copies)}:
        return
    if bindings(file, given, forward):
        yield before(file, forward.body[0], f"{given}_before = {given}")
        given = f"{given}_before"
    yield replace(file, results[0], f"{given} + {_BRANCH} * {atom(file, results[0])}")


def _square(file: SourceFile, layers: ast.expr) -> bool:
    """Whether all layers of a list are made alike, as wide as their input."""
    found = bindings(file, ast.unparse(layers))
    made = [each for each in ast.walk(found[-1].value) if isinstance(each, ast.Call)] if found else []
    wide = [each for each in made if is_layer(file, each)]
    return bool(wide) and all(
        len(each.args) >= 2 and ast.unparse(each.args[0]) == ast.unparse(each.args[1]) for each in wide
    )
