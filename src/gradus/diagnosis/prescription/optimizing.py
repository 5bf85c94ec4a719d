"""Fixes of the optimizer other than its rate: clipping, epsilon, another algorithm."""

import ast
from collections.abc import Iterator, Sequence

from gradus.diagnosis.prescription.bindings import default_of, method
from gradus.diagnosis.prescription.callables import callees
from gradus.diagnosis.prescription.edits import Edit, before, imported, replace, without_argument
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.initializing import started
from gradus.diagnosis.prescription.program import Found
from gradus.diagnosis.prescription.rates import optimizer_calls
from gradus.diagnosis.prescription.roles import TrainingStep, role, training_steps
from gradus.diagnosis.prescription.written import Written, option, written

_EPSILON = 1e-6
_BEHIND = dict.fromkeys(("Adam", "AdamW", "NAdam", "RAdam", "Adamax", "RMSprop", "Adadelta"), 3) | {"Adagrad": 5}
"""Arguments that stand before epsilon where none is named."""


@fix("clip-gradient")
def clip(case: Case) -> Iterator[Sequence[Edit]]:
    """The norm of all gradients is held to 1 before each step.

    Recurrent weights that the program begins too large begin orthogonal as well: clipping alone does not mend them.
    """
    if "clip_grad" in "".join(each.text for each in case.program.files):
        return
    edits = [edit for each in training_steps(case) for edit in _clipped(case, each)]
    if edits:
        yield [*edits, *(started(case) if case.cause == "exploding-through-time" else ())]


def _clipped(case: Case, training: TrainingStep) -> Iterator[Edit]:
    file = training.file
    if not training.steps:
        return
    step = training.steps[0]
    models = training.models(case.program)
    given = [f"{each}.parameters()" for each in models] or list(_held(case))
    if len(given) != 1:
        return
    name, more = imported(file, "torch.nn.utils.clip_grad_norm_")
    assert isinstance(step.node.func, ast.Attribute)
    unscale = ""
    if role(case.program, file, step.node.func.value) == "scaler" and step.node.args:
        unscale = f"{file.code(step.node.func.value)}.unscale_({file.code(step.node.args[0])})\n"
    yield before(file, step.statement, f"{unscale}{name}({given[0]}, 1.0)")
    yield from more


def _held(case: Case) -> Iterator[str]:
    """What the only optimizer was given, where that is a name."""
    calls = optimizer_calls(case)
    held = calls[0].argument(0, "params") if len(calls) == 1 else None
    if isinstance(held, ast.Name):
        yield held.id


@fix("default-epsilon")
def default_epsilon(case: Case) -> Iterator[Sequence[Edit]]:
    """The argument is taken out, or set to 1e-8 where it is written, be it as the default of one's own class."""
    edits = []
    for call in optimizer_calls(case):
        behind = _BEHIND.get(call.file.qualified(call.node.func).rpartition(".")[2], -1)
        place = option(case.program, call, behind, "eps") or _by_default(case, call, "eps")
        if place is not None and place.value > _EPSILON:
            here = next((each for each in call.node.keywords if each.value is place.node), None)
            edits.append(place.becomes(1e-8) if here is None else without_argument(call.file, call.node, here))
    if edits:
        yield edits


def _by_default(case: Case, call: Found, name: str) -> Written | None:
    """Where the program's own class has the default of what a call does not give."""
    for home, owner in callees(case.program, call.file, call.node.func):
        begin = method(owner, "__init__") if isinstance(owner, ast.ClassDef) else None
        default = default_of(begin, name) if begin is not None else None
        if default is not None:
            return written(case.program, home, default)
    return None


@fix("switch-optimizer")
def adapt(case: Case) -> Iterator[Sequence[Edit]]:
    """Adam at its usual rate for plain gradient descent."""
    edits = []
    for call in optimizer_calls(case):
        if call.file.qualified(call.node.func) != "torch.optim.SGD" or not call.node.args:
            continue
        name, more = imported(call.file, "torch.optim.Adam")
        edits += [replace(call.file, call.node, f"{name}({call.file.code(call.node.args[0])}, lr=0.001)"), *more]
    if edits:
        yield edits
