"""Statements that give parameters their first values: `nn.init`, tensors' own methods, and assignments."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from gradus.diagnosis.prescription.bindings import Function, bindings
from gradus.diagnosis.prescription.fixes import Case
from gradus.diagnosis.prescription.program import SourceFile
from gradus.diagnosis.prescription.written import number, written

SAME = {"constant_", "zeros_", "ones_", "fill_", "zero_", "full_like", "zeros_like", "ones_like"}
DRAWN = {"normal_", "uniform_", "trunc_normal_", "randn_like", "rand_like", "randn", "rand"}
SCALED = {"xavier_uniform_", "xavier_normal_", "orthogonal_", "kaiming_normal_", "kaiming_uniform_"}
TIMES = {"mul_", "div_"}
"""What fills a tensor with one value, with draws of any size, or with draws by the number of inputs; what scales it."""


@dataclass(frozen=True)
class Filling:
    """A statement that gives a parameter its first values.

    Attributes:
        target: the parameter, as written, without `.data`.
        how: what fills it: "normal_", "constant_", "randn"...
        role: "weight", "bias", or "any" where a loop goes over all of them.
    """

    file: SourceFile
    statement: ast.stmt
    call: ast.Call
    target: str
    how: str
    role: str

    @property
    def recurrent(self) -> bool:
        """Whether it fills the matrix that carries a state on, perhaps among others of a recurrent layer."""
        if "weight_hh" in self.target or _takes_its_own(self.file, self.target.removesuffix(".weight")):
            return True
        for each in self.file.above(self.call):
            if isinstance(each, ast.If) and re.search(r"['\"](weight_)?hh", ast.unparse(each.test)):
                return True
            if isinstance(each, ast.For) and _of_recurrent(self.file, each, self.target):
                return True
            if isinstance(each, Function | ast.ClassDef):
                break
        return False


def fillings(case: Case) -> Iterator[Filling]:
    """All such statements of the program, in the order in which files are read."""
    for file, node in case.program.nodes():
        if isinstance(node, ast.Call):
            name = file.qualified(node.func)
            if re.fullmatch(r"torch\.nn\.init\.\w+_", name) and node.args:
                yield _filling(file, node, node.args[0], name.rpartition(".")[2])
            elif not name and isinstance(node.func, ast.Attribute) and _fills(file, node, node.func):
                yield _filling(file, node, node.func.value, node.func.attr)
        elif isinstance(node, ast.Assign) and len(node.targets) == 1:
            yield from _assigned(file, node, node.targets[0])


def multiplied(case: Case) -> Iterator[tuple[SourceFile, ast.AugAssign]]:
    """Weights that a statement makes larger or smaller in place: `fc.weight.data *= 10`, `w /= 100`."""
    for file, node in case.program.nodes():
        if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Mult | ast.Div):
            role = _role(file, node, _bare(node.target)) if number(node.value) is not None else ""
            if role == "any" or (role == "weight" and (isinstance(node.target, ast.Attribute) or _looped(file, node))):
                yield file, node


def _looped(file: SourceFile, node: ast.AugAssign) -> bool:
    """Whether a loop over parameters is around it."""
    return any("parameters()" in ast.unparse(each.iter) for each in file.loops(node) if isinstance(each, ast.For))


def identities(case: Case) -> Iterator[tuple[SourceFile, ast.BinOp, ast.expr]]:
    """`torch.eye(n) * 1.3` that goes into a weight, with the identity in it."""
    for file, node in case.program.nodes():
        if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Mult):
            continue
        for eye, factor in ((node.left, node.right), (node.right, node.left)):
            made = isinstance(eye, ast.Call) and file.qualified(eye.func) == "torch.eye"
            value = written(case.program, file, factor)
            if made and value is not None and value.value > 0 and "weight" in file.code(file.statement(node)):
                yield file, node, eye


def _fills(file: SourceFile, node: ast.Call, called: ast.Attribute) -> bool:
    """Whether a call such as `fc.weight.data.normal_()` fills a parameter."""
    if called.attr not in SAME | DRAWN | TIMES or isinstance(called.value, ast.Call):
        return False
    return bool(_role(file, node, _bare(called.value)))


def _assigned(file: SourceFile, node: ast.Assign, target: ast.expr) -> Iterator[Filling]:
    """`w.data = torch.randn(...)`, `layer.weight = nn.Parameter(torch.zeros(...))`."""
    if isinstance(target, ast.Subscript):
        target = target.value
    if not isinstance(target, ast.Attribute) or not (target.attr == "data" or _role(file, node, _bare(target))):
        return
    for each in ast.walk(node.value):
        made = file.qualified(each.func).rpartition(".")[2] if isinstance(each, ast.Call) else ""
        made = {"zeros": "zeros_like", "ones": "ones_like", "full": "full_like"}.get(made, made)
        if isinstance(each, ast.Call) and made in SAME | DRAWN:
            # `self.weight = nn.Parameter(...)` of a class of one's own is a tensor made by hand
            if target.attr == "data" or ast.unparse(target).count(".") > 1 or not _bare(target).startswith("self."):
                yield _filling(file, each, target, made)
            return


def _filling(file: SourceFile, call: ast.Call, target: ast.expr, how: str) -> Filling:
    text = _bare(target)
    return Filling(file, file.statement(call), call, text, how, _role(file, call, text) or "any")


def _takes_its_own(file: SourceFile, layer: str) -> bool:
    """Whether a layer is given in a loop what was computed with it: `h = torch.tanh(self.inp(x) + self.rec(h))`."""
    return any(
        isinstance(node, ast.Assign)
        and bool(file.loops(node))
        and isinstance(node.value, ast.Call)
        and f"{layer}({ast.unparse(node.targets[0])})" in {ast.unparse(each) for each in ast.walk(node.value)}
        and any(isinstance(each, ast.BinOp) and isinstance(each.op, ast.Add) for each in ast.walk(node.value))
        for node in ast.walk(file.tree)
    )


def _of_recurrent(file: SourceFile, loop: ast.For, target: str) -> bool:
    """`for p in self.rnn.parameters()`."""
    goes_over = loop.iter.func if isinstance(loop.iter, ast.Call) else None
    if not isinstance(goes_over, ast.Attribute) or "parameters" not in goes_over.attr:
        return False
    names = {each.id for each in ast.walk(loop.target) if isinstance(each, ast.Name)}
    made = bindings(file, ast.unparse(goes_over.value))
    value = made[-1].value if made and made[-1].item is None else None
    recurrent = isinstance(value, ast.Call) and re.fullmatch(
        r"torch\.nn\.(RNN|GRU|LSTM)(Cell)?", file.qualified(value.func)
    )
    return bool(recurrent) and target in names


def _bare(target: ast.expr) -> str:
    while isinstance(target, ast.Attribute) and target.attr == "data":
        target = target.value
    return ast.unparse(target)


def _role(file: SourceFile, node: ast.AST, text: str) -> str:
    last = text.rpartition(".")[2]
    if re.search(r"bias|^b\d*$", last):
        return "bias"
    inside: ast.AST = node
    for each in file.above(node):
        if isinstance(each, ast.If):
            found = _guarded(ast.unparse(each.test), inside in each.orelse)
            if found:
                return found
        if isinstance(each, ast.For) and text.partition(".")[0] == ast.unparse(each.target) and _biases(each.iter):
            return "bias"
        if isinstance(each, ast.For) and "parameters()" in ast.unparse(each.iter) and text in ast.unparse(each.target):
            return "any"
        if isinstance(each, Function | ast.ClassDef):
            break
        inside = each
    return "weight" if re.search(r"weight|kernel|^[wW]\d*$", last) else ""


def _biases(items: ast.expr) -> bool:
    return all("bias" in ast.unparse(each) for each in getattr(items, "elts", [items]))


def _guarded(test: str, otherwise: bool) -> str:
    """What `p.dim() > 1` or `"bias" in name` lets through."""
    matrices = re.search(r"(dim\(\)|ndim|shape\)|size\(\)\)) *(>= *2|== *2|> *1)|['\"]weight", test)
    vectors = re.search(r"(dim\(\)|ndim|shape\)|size\(\)\)) *(< *2|<= *1|== *1)|['\"]\.?bias", test)
    negated = otherwise != bool(re.search(r"not in|^not ", test))
    if matrices or vectors:
        return "weight" if bool(matrices) != negated else "bias"
    return ""
