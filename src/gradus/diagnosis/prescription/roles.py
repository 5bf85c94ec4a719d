"""What things in a program are for: its models, optimizers and loaders, and where it trains."""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gradus.diagnosis.prescription.bindings import (
    Function,
    binding,
    bindings,
    class_around,
    definition,
    dictionary,
    function_around,
    methods_named,
    parameters,
    passed,
    returned,
)
from gradus.diagnosis.prescription.callables import reached, reaching, taken_apart
from gradus.diagnosis.prescription.fixes import Case, Place
from gradus.diagnosis.prescription.program import Found, Loop, Program, SourceFile

_CALLS = (
    ("scheduler", r"torch\.optim\.lr_scheduler\..*"),
    ("model", r"torch\.optim\.swa_utils\..*|.*\.from_pretrained|torchvision\.models\..*|timm\.create_model"),
    ("optimizer", r"torch\.optim\.\w+"),
    ("scaler", r".*\.GradScaler"),
    ("loader", r".*\.DataLoader"),
    ("loss", r"torch\.nn\.\w*Loss"),
    ("", r"torch\.nn\.(Parameter|Buffer|utils\..*|init\..*|functional\..*)"),
    ("model", r"torch\.nn\.[A-Z]\w*"),
)
_SAME = {"torch.compile", "copy.deepcopy", "copy.copy"}
_SELF = {"to", "cuda", "cpu", "eval", "train", "float", "double", "half", "apply", "requires_grad_"}
_NAMES = (
    ("scheduler", r"(^|_)(lr_?)?sched"),
    ("scaler", r"scaler$"),
    ("optimizer", r"(^|_)(opt(im|imi[sz]er)?|adam|sgd)(?!ions)(_?\w{1,2}|_\w+)?$|optimi[sz]er"),
    ("loader", r"loader$|(^|_)dl$"),
    ("loss", r"(^|_)(loss|criterion|lossf?n?)(_f(n|unc|unction))?$"),
    ("model", r"(^|_)(model|net|network|module|encoder|decoder|classifier|backbone|generator|discriminator)\d?$"),
)


def role(program: Program, file: SourceFile, node: ast.expr, depth: int = 6) -> str:
    """What a thing is for, such as "model" or "optimizer", by what it was made of or else by its name."""
    if not depth:
        return ""
    if isinstance(node, ast.Call):
        return _made(program, file, node, depth)
    if isinstance(node, ast.Subscript):
        kept = dictionary(program, file, node.value)
        return _shared(program, kept[0], kept[1].values, depth - 1) if kept is not None else ""
    if not isinstance(node, ast.Name | ast.Attribute):
        return ""
    bound = binding(file, node)
    if bound is not None and not bound.looped:
        whole = [(bound.file, bound.value)] if bound.item is None else taken_apart(program, bound)
        found = next((kind for home, each in whole if (kind := role(program, home, each, depth - 1))), "")
        if found:
            return found
    elif bound is None and isinstance(node, ast.Name):
        found = next((each for each in _given(program, file, node, depth) if each), "")
        if found:
            return found
    return _by_name(node.attr if isinstance(node, ast.Attribute) else node.id)


def _shared(program: Program, file: SourceFile, nodes: Sequence[ast.expr], depth: int) -> str:
    """The role that all of them have; "" if they differ."""
    found = {role(program, file, each, depth) for each in nodes}
    return found.pop() if len(found) == 1 else ""


def _by_name(name: str) -> str:
    return next((each for each, pattern in _NAMES if re.search(pattern, name.lower())), "")


def _made(program: Program, file: SourceFile, call: ast.Call, depth: int) -> str:
    name = file.qualified(call.func)
    if name in _SAME and call.args:
        return role(program, file, call.args[0], depth - 1)
    for found, pattern in _CALLS:
        if name and re.fullmatch(pattern, name):
            return found
    if isinstance(call.func, ast.Attribute) and call.func.attr in _SELF and not name:
        return role(program, file, call.func.value, depth - 1)
    own = definition(program, file, call.func.id) if isinstance(call.func, ast.Name) else None
    if own is not None and isinstance(own[1], ast.ClassDef):
        return "model" if is_module(program, own[0], own[1]) else ""
    enters = reached(program, file, call)
    if enters is None:
        return ""
    home, function = enters
    return _shared(program, home, returned(function), depth - 1)


def _given(program: Program, file: SourceFile, node: ast.Name, depth: int) -> Iterator[str]:
    """Roles of what is passed for a parameter."""
    function = function_around(file, node)
    if function is None or node.id not in parameters(function):
        return
    for each in reaching(program, function):
        argument = passed(file, function, node.id, each)
        if argument is not None:
            yield role(program, each.file, argument, depth - 1)


def is_label_name(name: str) -> bool:
    """Whether it is called as labels are."""
    words = name.lower().replace(".", "_").split("_")
    return bool({"y", "label", "labels", "target", "targets", "class", "classes", "outcome", "answer"} & set(words))


def is_module(program: Program, file: SourceFile, owner: ast.ClassDef, depth: int = 5) -> bool:
    """Whether a class derives from torch's Module."""
    for base in owner.bases:
        name = file.qualified(base)
        if re.fullmatch(r"torch\.nn\.(modules\..*)?\w+|(pytorch_)?lightning\.(pytorch\.)?LightningModule", name):
            return True
        found = definition(program, file, base.id) if isinstance(base, ast.Name) and depth else None
        if found is not None and isinstance(found[1], ast.ClassDef) and found[1] is not owner:
            return is_module(program, found[0], found[1], depth - 1)
    return False


# ---- the training step ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TrainingStep:
    """A backward pass, and what belongs to it in the same loop, or the same function where there is none.

    Attributes:
        backward: the call.
        steps: calls of optimizers' step, those through a gradient scaler included.
        around: the loop over batches, or the function, or the file.
    """

    file: SourceFile
    backward: Found
    steps: tuple[Found, ...]
    around: ast.AST

    @property
    def loops(self) -> list[Loop]:
        """The loop over batches, then those around it."""
        return self.file.loops(self.backward.node)

    def calls(self, *names: str) -> list[Found]:
        """Calls of these methods in the loop."""
        return _methods(self.file, self.around, names)

    def behind(self, statement: ast.stmt) -> list[ast.stmt]:
        """Statements that follow one in its block."""
        for _, block in ast.iter_fields(self.file.parents[statement]):
            if isinstance(block, list) and statement in block:
                return list(block[block.index(statement) + 1 :])
        return []

    def optimizers(self, program: Program) -> list[str]:
        """As they are written here: those that step, or whose gradients are cleared, or else those there are."""
        named = [optimizer_of(program, each) for each in self.steps]
        cleared = [
            self.file.code(each.receiver)
            for each in self.calls("zero_grad")
            if role(program, self.file, each.receiver) == "optimizer"
        ]
        found = [each for each in (*named, *cleared) if each] or visible(
            program, self.file, self.backward.node, "optimizer"
        )
        return list(dict.fromkeys(found))

    def models(self, program: Program) -> list[str]:
        """Models that run in the loop, as they are written here; if none does, those in functions it calls."""
        return models_in(program, self.file, self.around) or self.models_of_calls(program)

    def models_of_calls(self, program: Program) -> list[str]:
        """Those in functions that the loop calls."""
        return list(dict.fromkeys(_models_of_calls(program, self.file, self.around)))


def training_steps(case: Case) -> list[TrainingStep]:
    """In the order of the text; only those seen to run, if any was."""
    program = case.program
    found = [_step(program, each) for each in program.methods("backward", "manual_backward") if not _is_autograd(each)]
    seen = [each for each in found if _seen(each.backward, case.sites.backward)]
    return seen or found


def _step(program: Program, backward: Found) -> TrainingStep:
    file = backward.file
    loops = file.loops(backward.node)
    function = function_around(file, backward.node)
    places = [*loops, *([function] if function is not None else [] if loops else [file.tree])]
    for around in places:  # a step outside of the innermost loop follows several backward passes
        steps = [each for each in _methods(file, around, ("step",)) if optimizer_of(program, each)]
        if steps:
            return TrainingStep(file, backward, tuple(steps), around)
    return TrainingStep(file, backward, (), places[0])


def optimizer_of(program: Program, step: Found) -> str:
    """The optimizer that a call steps, as written; "" if it steps something else."""
    kind = role(program, step.file, step.receiver)
    if kind == "optimizer":
        return step.file.code(step.receiver)
    if kind == "scaler" and step.node.args:
        return step.file.code(step.node.args[0])
    return ""


def models_in(program: Program, file: SourceFile, around: ast.AST) -> list[str]:
    """Models called below a node, as written, the first one first."""
    found = [
        node.func
        for node in ast.walk(around)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name | ast.Attribute)
        and not file.qualified(node.func)
        and _is_model(program, file, node)
    ]
    return list(
        dict.fromkeys(file.code(each) for each in sorted(found, key=lambda each: (each.lineno, each.col_offset)))
    )


def _models_of_calls(program: Program, file: SourceFile, around: ast.AST, depth: int = 3) -> Iterator[str]:
    """Models that run in functions of the same file that are called below a node, as they would be written there.

    A method of a module is that model's: `model.loss(x)`.
    """
    for node in ast.walk(around):
        enters = reached(program, file, node) if isinstance(node, ast.Call) and depth else None
        if not isinstance(node, ast.Call) or enters is None or enters[0] is not file or enters[1].name == "__init__":
            continue
        function, owner = enters[1], class_around(file, enters[1])
        given = {each: passed(file, function, each, Found(file, node)) for each in parameters(function)}
        if owner is not None and isinstance(node.func, ast.Attribute):
            given["self"] = node.func.value
        inner = [*models_in(program, file, function), *_models_of_calls(program, file, function, depth - 1)]
        if owner is not None and is_module(program, file, owner):
            inner = ["self"]
        for base, dot, rest in (each.partition(".") for each in inner):
            value = given.get(base, ast.Name(base))
            if isinstance(value, ast.Name | ast.Attribute) and not bindings(file, base, function):
                yield f"{ast.unparse(value)}{dot}{rest}"


def _is_model(program: Program, file: SourceFile, call: ast.Call) -> bool:
    if isinstance(call.func, ast.Name) and definition(program, file, call.func.id) is not None:
        return False  # a class or a function itself
    if isinstance(call.func, ast.Attribute) and methods_named(program, call.func.attr):
        return False
    return role(program, file, call.func) == "model"


def visible(program: Program, file: SourceFile, at: ast.AST, wanted: str) -> list[str]:
    """Names and attributes of `self` of that role that can be used at a place, the last bound first."""
    names: dict[str, None] = {}
    scopes = [each for each in file.above(at) if isinstance(each, ast.Module | Function)]
    owner = class_around(file, at)
    for scope in [*scopes[:1], *([owner] if owner is not None else []), *scopes[1:]]:
        texts = parameters(scope) if isinstance(scope, Function) else []
        targets = [
            node
            for node in ast.walk(scope)
            if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store)
        ]
        for node in sorted(targets, key=lambda each: -each.lineno):
            within = file.scope(node) is scope
            own = scope is owner and ast.unparse(node).startswith("self.")
            if within if isinstance(node, ast.Name) else own:
                bound = binding(file, node)
                text = ast.unparse(node)
                found = role(program, file, bound.value if bound is not None else node)
                if text not in names and found == wanted:
                    names[text] = None
        for text in texts:
            used = next((each for each in ast.walk(scope) if isinstance(each, ast.Name) and each.id == text), None)
            if (role(program, file, used) if used is not None else _by_name(text)) == wanted:
                names[text] = None
    return list(names)


def _methods(file: SourceFile, around: ast.AST, names: Sequence[str]) -> list[Found]:
    found = [
        Found(file, node)
        for node in ast.walk(around)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in names
        and not file.qualified(node.func)
    ]
    return sorted(found, key=lambda each: (each.node.lineno, each.node.col_offset))


def _is_autograd(backward: Found) -> bool:
    """`super().backward(...)` and the like within an autograd function."""
    owner = class_around(backward.file, backward.node)
    return owner is not None and any(backward.file.qualified(each).startswith("torch.autograd") for each in owner.bases)


def _seen(call: Found, places: tuple[Place, ...]) -> bool:
    first, last = call.statement.lineno, call.statement.end_lineno or call.statement.lineno
    return any(each.path.name == call.file.path.name and first <= each.line <= last for each in places)
