"""Two networks that are trained against each other, as a program has them."""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from gradus.diagnosis.prescription.bindings import binding, callers, function_around, passed
from gradus.diagnosis.prescription.fixes import Case
from gradus.diagnosis.prescription.program import Found, Program
from gradus.diagnosis.prescription.roles import TrainingStep, training_steps
from gradus.diagnosis.prescription.written import Written, option

_JUDGES = re.compile(
    r"(^|_|\.)(net_?|opt(im(izer)?)?_?|model_?)?d(is(c(riminator)?)?)?(_|\d|$)|critic|discrim|judge", re.IGNORECASE
)
_MAKES = re.compile(r"(^|_|\.)(net_?|opt(im(izer)?)?_?|model_?)?g(en(erator)?)?(_|\d|$)|generator|actor", re.IGNORECASE)


@dataclass(frozen=True)
class Player:
    """One of two networks that are trained against each other.

    Attributes:
        optimizer: the call that makes its optimizer.
        rate: where its learning rate is written.
        step: its training step; None if it was not found.
    """

    optimizer: Found
    rate: Written | None
    step: TrainingStep | None

    @property
    def names(self) -> set[str]:
        """How its optimizer is called."""
        return set(_names(self.optimizer)[1:])


def network_of(player: Player) -> str:
    """How its network is called, but for `self.`."""
    return _names(player.optimizer)[0]


def players(case: Case) -> tuple[Player, Player] | None:
    """The generator and the discriminator."""
    made = [each for each in case.program.calls("torch.optim.*") if each.node.args]
    made = [each for each in made if not each.file.qualified(each.node.func).startswith("torch.optim.lr_scheduler")]
    judges = [each for each in made if _is_judge(case.program, each, made)]
    makers = [each for each in made if each not in judges]
    if len(made) != 2 or len(judges) != 1:
        return None
    return _player(case, makers[0]), _player(case, judges[0])


def _is_judge(program: Program, optimizer: Found, every: Sequence[Found]) -> bool:
    """By the name of the network or of the optimizer; else by what it is called on: what another one made."""
    names = _names(optimizer)
    if any(_JUDGES.search(each) for each in names) or any(_MAKES.search(each) for each in names):
        return any(_JUDGES.search(each) for each in names)
    network = names[0]
    others = [_names(each)[0] for each in every if each is not optimizer]
    for file, node in program.nodes():
        if isinstance(node, ast.Call) and ast.unparse(node.func) == network:
            for each in node.args:
                bound = binding(file, each)
                text = ast.unparse(bound.value if bound is not None else each)
                if any(text.startswith(f"{other}(") for other in others):
                    return True
    return False


def _names(optimizer: Found) -> list[str]:
    """The network's name, then the optimizer's."""
    given = ast.unparse(optimizer.node.args[0]).partition(".parameters")[0].removeprefix("self.")
    statement = optimizer.statement
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    return [given, *(ast.unparse(each).removeprefix("self.") for each in targets if not isinstance(each, ast.Tuple))]


def _player(case: Case, optimizer: Found) -> Player:
    alone = Player(optimizer, option(case.program, optimizer, 1, "lr"), None)
    steps = steps_of(case, alone)
    return replace(alone, step=steps[0]) if len(steps) == 1 else alone


def steps_of(case: Case, player: Player) -> list[TrainingStep]:
    """Backward passes that its optimizer steps after."""
    return [
        each
        for each in training_steps(case)
        if any(name in player.names for step in _right_after(each) for name in _called(case.program, step))
    ]


def _called(program: Program, step: Found) -> Iterator[str]:
    """How what steps is called: here, and by those who pass it to the function that the step is in."""
    yield ast.unparse(step.receiver).removeprefix("self.")
    function = function_around(step.file, step.node)
    if function is not None:
        calls = callers(program, step.file, function)
        given = (passed(step.file, function, ast.unparse(step.receiver), each) for each in calls)
        yield from (ast.unparse(each).removeprefix("self.") for each in given if each is not None)


def _right_after(step: TrainingStep) -> list[Found]:
    """The first step behind a backward pass."""
    later = [each for each in step.steps if each.node.lineno >= step.backward.node.lineno]
    return later[:1]
