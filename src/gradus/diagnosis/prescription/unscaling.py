"""Outputs in the units of targets: for programs in which targets are best left as they are."""

import ast
import math
from collections.abc import Iterator, Sequence

from gradus.diagnosis.prescription.batches import training_calls
from gradus.diagnosis.prescription.bindings import Function, method, parameters
from gradus.diagnosis.prescription.edits import Edit, after, atom, instead, replace
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.modules import Module, find_module
from gradus.diagnosis.prescription.program import SourceFile
from gradus.diagnosis.prescription.rates import optimizer_calls
from gradus.diagnosis.prescription.roles import TrainingStep, training_steps
from gradus.diagnosis.prescription.scaling import free_names
from gradus.diagnosis.signs import LossSigns

_ADAPTIVE = {"Adam", "AdamW", "NAdam", "RAdam", "RMSprop", "Adamax", "Adagrad"}
"""They step as far whatever the loss is multiplied by."""


@fix("scale-targets")
def answer_in_units(case: Case) -> Iterator[Sequence[Edit]]:
    """`return 3e4 * self.head(x) + 9e4`, by the mean and deviation that were seen; the loss counts deviations."""
    signs = case.history.first.loss if case.history.first is not None else None
    steps = training_steps(case)
    if signs is None or signs.kind != "values" or not signs.target_std or len(steps) != 1:
        return
    for made in _models(case, steps[0]):
        edits = _answering(made, f"{signs.target_std:.3g}", f"{signs.target_mean:.3g}")
        if edits:
            yield [*edits, *_in_deviations(case, steps[0], signs)]
            return


def _models(case: Case, training: TrainingStep) -> Iterator[Module]:
    """Models that are trained, the last one that is called first."""
    program, names = case.program, training.models(case.program)
    called = [(each.file, each.node.func) for each in training_calls(program, training)]
    named = [
        (training.file, each)
        for each in ast.walk(training.around)
        if isinstance(each, ast.Name | ast.Attribute) and ast.unparse(each) in names
    ]
    for file, node in [*reversed(called), *named]:
        made = find_module(program, file, node)
        if made is not None:
            yield made


def _answering(made: Module, std: str, mean: str) -> list[Edit]:
    """Of a class, in what `forward` returns; of a sequence, behind it. Empty where it returns something else."""
    if made.owner is not None and made.home is not None:
        forward = method(made.owner, "forward")
        results = [each for each in ast.walk(forward) if isinstance(each, ast.Return)] if forward is not None else []
        if forward is None or len(results) != 1 or results[0].value is None or _takes_targets(forward):
            return []
        output = results[0].value
        if isinstance(output, ast.Tuple | ast.Dict | ast.List):
            return []
        return [replace(made.home, output, f"{std} * {atom(made.home, output)} + {mean}")]
    return _hooked(made.file, made.node, std, mean) if made.name.startswith("torch.nn.") else []


def _takes_targets(forward: Function) -> bool:
    return any(each in {"y", "target", "targets", "label", "labels"} for each in parameters(forward))


def _hooked(file: SourceFile, node: ast.Call, std: str, mean: str) -> list[Edit]:
    hook = f"register_forward_hook(lambda module, given, output: {std} * output + {mean})"
    statement = file.statement(node)
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name | ast.Attribute):
        return [after(file, statement, f"{file.code(statement.targets[0])}.{hook}")]
    if isinstance(statement, ast.Return) and statement.value is not None:
        (name,) = free_names(file, "model")
        return [instead(file, statement, f"{name} = {file.code(statement.value)}\n{name}.{hook}\nreturn {name}")]
    return []


def _in_deviations(case: Case, training: TrainingStep, signs: LossSigns) -> list[Edit]:
    """The loss over the variance, or over the deviation if it is no square; steps that adapt need none of it."""
    made = [each.file.qualified(each.node.func).rpartition(".")[2] for each in optimizer_calls(case)]
    if made and all(each in _ADAPTIVE for each in made):
        return []
    squared = math.isfinite(signs.error) and signs.value > 0.1 * signs.error
    unit = signs.target_std ** (2 if squared else 1)
    loss = training.backward.receiver
    return [replace(training.file, loss, f"({atom(training.file, loss)} / {unit:.3g})")]
