"""Which module a name or expression stands for, as the program makes it: a layer, a sequence of layers, a class."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from gradus.diagnosis.prescription.bindings import (
    binding,
    bindings,
    class_around,
    default_of,
    function_around,
    method,
    parameters,
    passed,
    returned,
)
from gradus.diagnosis.prescription.callables import callees, full_name, looked_up, reached, reaching, taken_apart
from gradus.diagnosis.prescription.program import Program, SourceFile
from gradus.diagnosis.prescription.roles import is_module

_WRAPPERS = {
    "torch.compile", "copy.deepcopy", "copy.copy", "torch.nn.DataParallel", "torch.jit.script",
    "torch.nn.parallel.DistributedDataParallel", "torch.nn.utils.spectral_norm", "torch.nn.utils.weight_norm",
    "torch.nn.utils.parametrizations.spectral_norm", "torch.nn.utils.parametrizations.weight_norm",
}  # fmt: skip
_ITSELF = {"to", "cuda", "cpu", "eval", "train", "float", "double", "half", "apply", "requires_grad_", "prepare"}
_DEEPEST = 12


@dataclass(frozen=True)
class Module:
    """What a constructor makes.

    Attributes:
        node: the call of it.
        name: in full, such as `torch.nn.Linear`; "" of a class of the program.
        owner: that class.
        layers: of a sequence, in order.
        element: where it stands in a sequence: the argument, the item of a list, or the statement that adds it.
        repeated: whether it is added in a loop, so that the source shows several as one.
    """

    file: SourceFile
    node: ast.Call
    name: str = ""
    owner: ast.ClassDef | None = None
    home: SourceFile | None = None
    layers: tuple["Module", ...] = field(default=(), repr=False)
    element: ast.AST | None = None
    repeated: bool = False


def find_module(program: Program, file: SourceFile, node: ast.expr, depth: int = _DEEPEST) -> Module | None:
    """The module an expression stands for; None if it cannot be told."""
    if not depth:
        return None
    if isinstance(node, ast.Call):
        return _made(program, file, node, depth)
    if isinstance(node, ast.IfExp):
        return find_module(program, file, node.body, depth - 1)
    if isinstance(node, ast.Subscript):
        return _indexed(program, file, node, depth)
    if not isinstance(node, ast.Name | ast.Attribute):
        return None
    if isinstance(node, ast.Attribute) and node.attr in {"forward", "__call__"}:
        return find_module(program, file, node.value, depth - 1)
    if isinstance(node, ast.Name) and node.id == "self":
        owner = class_around(file, node)
        itself = ast.Call(func=node, args=[], keywords=[])
        return Module(file, itself, owner=owner, home=file) if owner and is_module(program, file, owner) else None
    bound = binding(file, node)
    if bound is not None:
        if bound.looped:
            layers = _items(program, bound.file, _iterated(bound.value), depth - 1)
            return layers[-1] if layers else None
        whole = [(bound.file, bound.value)] if bound.item is None else taken_apart(program, bound)
        made = (find_module(program, home, each, depth - 1) for home, each in whole)
        found = next((each for each in made if each is not None), None)
        return _extended(program, file, node, found, depth)
    if isinstance(node, ast.Name):
        return next((each for each in _given(program, file, node, depth) if each is not None), None)
    return _attribute(program, file, node, depth)


def _made(program: Program, file: SourceFile, call: ast.Call, depth: int) -> Module | None:
    name = file.qualified(call.func) or full_name(program, file, call.func)
    if name in _WRAPPERS:
        return find_module(program, file, call.args[0], depth - 1) if call.args else None
    if name == "torch.nn.Sequential":
        return Module(file, call, name, layers=tuple(_arguments(program, file, call, depth - 1)))
    if name.startswith("torch.nn.") and name.rpartition(".")[2][:1].isupper():
        return Module(file, call, name)
    if isinstance(call.func, ast.Attribute) and call.func.attr in _ITSELF and not name:
        inner = call.func.value if call.func.attr != "prepare" else (call.args or [call.func.value])[0]
        return find_module(program, file, inner, depth - 1)
    own = next((each for each in callees(program, file, call.func) if isinstance(each[1], ast.ClassDef)), None)
    if own is not None and isinstance(own[1], ast.ClassDef):
        if not is_module(program, own[0], own[1]):
            return None
        begin = method(own[1], "__init__")
        if any(own[0].qualified(each) == "torch.nn.Sequential" for each in own[1].bases) and begin is not None:
            starts = [
                each for each in ast.walk(begin)
                if isinstance(each, ast.Call) and ast.unparse(each.func) == "super().__init__"
            ]  # fmt: skip
            layers = [layer for each in starts for layer in _arguments(program, own[0], each, depth - 1)]
            return Module(file, call, "torch.nn.Sequential", layers=tuple(layers))
        return Module(file, call, owner=own[1], home=own[0])
    enters = reached(program, file, call)
    if enters is None:
        return None
    found = (find_module(program, enters[0], each, depth - 1) for each in returned(enters[1]))
    return next((each for each in found if each is not None), None)


def _given(program: Program, file: SourceFile, node: ast.Name, depth: int) -> Iterator[Module | None]:
    """What is passed for a parameter."""
    function = function_around(file, node)
    if function is None or node.id not in parameters(function):
        return
    for each in reaching(program, function):
        argument = passed(file, function, node.id, each)
        if argument is not None:
            yield find_module(program, each.file, argument, depth - 1)
    default = default_of(function, node.id)
    if default is not None:
        yield find_module(program, file, default, depth - 1)


def _attribute(program: Program, file: SourceFile, node: ast.Attribute, depth: int) -> Module | None:
    """`model.head`: what the class of the model makes of `self.head`."""
    if ast.unparse(node.value) == "self":
        return None
    holder = find_module(program, file, node.value, depth - 1)
    if holder is None or holder.owner is None or holder.home is None:
        return None
    found = bindings(holder.home, f"self.{node.attr}", holder.owner)
    return find_module(program, holder.home, found[-1].value, depth - 1) if found else None


def _indexed(program: Program, file: SourceFile, node: ast.Subscript, depth: int) -> Module | None:
    """`layers[-1]`, an item of a sequence."""
    holder = find_module(program, file, node.value, depth - 1)
    layers = holder.layers if holder is not None and holder.layers else _items(program, file, node.value, depth - 1)
    try:
        place = ast.literal_eval(node.slice)
        if layers and isinstance(place, int):
            return layers[place]
    except (ValueError, IndexError):
        pass
    kept = looked_up(program, file, node.value, node.slice)
    found = (find_module(program, home, each, depth - 1) for home, each in kept if isinstance(each, ast.expr))
    return next((each for each in found if each is not None), None)


def stacked(program: Program) -> list[Module]:
    """Modules of the program's own classes that follow others made alike, and so are as wide as their input."""
    found: list[Module] = []
    for call in program.calls("torch.nn.Sequential"):
        made = find_module(program, call.file, call.node)
        layers = made.layers if made is not None else ()
        found += [one for one, other in pairwise(layers) if ast.unparse(one.node) == ast.unparse(other.node)]
        found += [each for each in layers if _made_alike(each)]
    for file, node in program.nodes():
        match node:
            case ast.Assign(targets=[target], value=ast.Call(func=called, args=[first, *_])) if file.loops(node):
                made = find_module(program, file, called) if ast.unparse(target) == ast.unparse(first) else None
                found += [made] if made is not None and _made_alike(made) else []  # x = block(x)
    return [each for each in found if each.owner is not None]


def _made_alike(module: Module) -> bool:
    """Whether a loop adds a module to a sequence that is the same each time."""
    file, element, names = module.file, module.element, set[str]()
    if not module.repeated or element not in file.parents:
        return False
    for each in file.above(element):
        loops = each.generators if isinstance(each, ast.ListComp | ast.GeneratorExp) else [each]
        targets = [loop.target for loop in loops if isinstance(loop, ast.For | ast.comprehension)]
        names |= {node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)}
    return not names & {each.id for each in ast.walk(element) if isinstance(each, ast.Name)}


# ---- sequences ------------------------------------------------------------------------------------------------------


def _arguments(program: Program, file: SourceFile, call: ast.Call, depth: int) -> Iterator[Module]:
    for each in call.args:
        if isinstance(each, ast.Starred):
            yield from _items(program, file, each.value, depth)
        elif isinstance(each, ast.Call) and file.qualified(each.func) == "collections.OrderedDict" and each.args:
            yield from _items(program, file, each.args[0], depth)
        else:
            yield from _element(program, file, each, each, depth)


def _items(program: Program, file: SourceFile, node: ast.expr, depth: int) -> tuple[Module, ...]:
    """The modules in a list as it is written: literal, appended to, added up, made in a loop."""
    if depth <= 0:
        return ()
    found: list[Module] = []
    if isinstance(node, ast.List | ast.Tuple):
        for each in node.elts:
            inner = each.value if isinstance(each, ast.Starred) else each
            if isinstance(each, ast.Starred):
                found += _items(program, file, inner, depth - 1)
            else:
                layer = each.elts[1] if isinstance(each, ast.Tuple) and len(each.elts) == 2 else each
                found += _element(program, file, layer, each, depth - 1)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        found += [*_items(program, file, node.left, depth - 1), *_items(program, file, node.right, depth - 1)]
    elif isinstance(node, ast.ListComp | ast.GeneratorExp):
        found += _element(program, file, node.elt, node.elt, depth - 1, repeated=True)
    elif isinstance(node, ast.Call) and file.qualified(node.func) == "torch.nn.ModuleList" and node.args:
        found += _items(program, file, node.args[0], depth - 1)
    elif isinstance(node, ast.Call) and file.qualified(node.func) == "torch.nn.Sequential":
        found += _arguments(program, file, node, depth - 1)
    elif isinstance(node, ast.Call):
        enters = reached(program, file, node)
        for each in returned(enters[1]) if enters is not None else []:
            found += _items(program, enters[0], each, depth - 1) if enters is not None else []
    elif isinstance(node, ast.Name | ast.Attribute):
        bound = binding(file, node)
        if bound is not None and not bound.looped and bound.item is None:
            found += _items(program, bound.file, bound.value, depth - 1)
            found += _added(program, file, node, depth - 1)
    return tuple(found)


def _added(program: Program, file: SourceFile, node: ast.expr, depth: int) -> Iterator[Module]:
    """What is appended to a list, or added to a sequence, after it was made."""
    target = ast.unparse(node)
    scope = file.scope(node)
    if isinstance(node, ast.Attribute):
        scope = next((each for each in file.above(node) if isinstance(each, ast.ClassDef)), file.tree)
    for each in sorted(ast.walk(scope), key=lambda each: (getattr(each, "lineno", 0), getattr(each, "col_offset", 0))):
        looped = isinstance(each, ast.stmt) and bool(file.loops(each))
        if isinstance(each, ast.AugAssign) and ast.unparse(each.target) == target:
            for layer in _items(program, file, each.value, depth):
                yield _but(layer, repeated=looped)
        if isinstance(each, ast.Expr) and isinstance(each.value, ast.Call):
            called = each.value.func
            if not isinstance(called, ast.Attribute) or ast.unparse(called.value) != target or not each.value.args:
                continue
            last = each.value.args[-1]
            if called.attr in {"append", "add_module", "insert"}:
                yield from _element(program, file, last, each, depth, repeated=looped)
            elif called.attr == "extend":
                for layer in _items(program, file, last, depth):
                    yield _but(layer, repeated=looped)


def _extended(program: Program, file: SourceFile, node: ast.expr, found: Module | None, depth: int) -> Module | None:
    """A sequence with what is added to it later."""
    if found is None or found.name != "torch.nn.Sequential":
        return found
    more = tuple(_added(program, file, node, depth - 1))
    return Module(found.file, found.node, found.name, layers=(*found.layers, *more), element=found.element)


def _element(
    program: Program, file: SourceFile, node: ast.expr, element: ast.AST, depth: int, *, repeated: bool = False
) -> Iterator[Module]:
    found = find_module(program, file, node, depth)
    if found is None and file.qualified(node) and not isinstance(node, ast.Call):
        return
    if found is None:
        # Something unknown still keeps those before it from being the last.
        call = node if isinstance(node, ast.Call) else ast.Call(func=node, args=[], keywords=[])
        yield Module(file, call, "unknown", element=element, repeated=repeated)
    elif found.name == "torch.nn.Sequential":
        yield from (each if not repeated else _but(each, repeated=True) for each in found.layers)
    else:
        yield Module(found.file, found.node, found.name, found.owner, found.home, (), element, repeated)


def _but(module: Module, *, repeated: bool) -> Module:
    again = repeated or module.repeated
    return Module(
        module.file, module.node, module.name, module.owner, module.home, module.layers, module.element, again
    )


def _iterated(node: ast.expr) -> ast.expr:
    """What a loop goes over, through `enumerate` and the like."""
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
        node = node.args[0]
    return node
