"""Two networks that are trained against each other, as a program has them."""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from gradus.diagnosis.prescription.bindings import binding, default_of, function_around, passed
from gradus.diagnosis.prescription.callables import reaching
from gradus.diagnosis.prescription.fixes import Case
from gradus.diagnosis.prescription.program import Found, Program
from gradus.diagnosis.prescription.roles import TrainingStep, training_steps
from gradus.diagnosis.prescription.written import Written, option, written

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
        network: how its network is called, but for `self.`.
        names: how its optimizer is called.
    """

    optimizer: Found
    rate: Written | None
    step: TrainingStep | None
    network: str
    names: frozenset[str]


def players(case: Case) -> tuple[Player, Player] | None:
    """The generator and the discriminator."""
    made = [
        _Made(each, given)
        for each in case.program.calls("torch.optim.*")
        if each.node.args and not each.file.qualified(each.node.func).startswith("torch.optim.lr_scheduler")
        for given in _helped(case.program, each)
    ]
    judges = [each for each in made if _is_judge(case.program, each, made)]
    makers = [each for each in made if each not in judges]
    if len(made) != 2 or len(judges) != 1:
        return None
    return _player(case, makers[0]), _player(case, judges[0])


@dataclass(frozen=True)
class _Made:
    """An optimizer: the call of torch's class, and the call of the program's function that this is in, if any."""

    optimizer: Found
    helper: Found | None

    @property
    def names(self) -> list[str]:
        """The network's name, then the optimizer's."""
        given = ast.unparse(self.optimizer.node.args[0]).partition(".parameters")[0].removeprefix("self.")
        targets = _targets(self.helper or self.optimizer)
        function = function_around(self.optimizer.file, self.optimizer.node)
        if self.helper is not None and function is not None:
            network = passed(self.optimizer.file, function, given, self.helper)
            given = ast.unparse(network).removeprefix("self.") if network is not None else (targets or [given])[0]
        return [given, *targets]


def _helped(program: Program, optimizer: Found) -> list[Found | None]:
    """The calls of a function that makes an optimizer, where it makes several: `opt_g, opt_d = make(g), make(d)`."""
    function = function_around(optimizer.file, optimizer.node)
    calls = reaching(program, function) if function is not None else []
    return list(calls) if len(calls) > 1 else [None]


def _targets(call: Found) -> list[str]:
    """What the result of a call is kept as: the name beside it in `a, b = f(), g()`, `kept["d"]`, or all there are."""
    parent, statement = call.file.parents[call.node], call.statement
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    texts: list[str] = []
    for each in targets:
        beside = isinstance(each, ast.Tuple) and isinstance(parent, ast.Tuple) and len(each.elts) == len(parent.elts)
        if beside and isinstance(each, ast.Tuple) and isinstance(parent, ast.Tuple) and call.node in parent.elts:
            texts.append(ast.unparse(each.elts[parent.elts.index(call.node)]))
        elif isinstance(parent, ast.Dict) and call.node in parent.values:
            key = parent.keys[parent.values.index(call.node)]
            texts += (
                [ast.unparse(key).strip("'\""), f"{ast.unparse(each)}[{ast.unparse(key)}]"] if key is not None else []
            )
        elif isinstance(each, ast.Tuple) and parent is statement:
            texts += [ast.unparse(name) for name in each.elts]
        elif not isinstance(each, ast.Tuple):
            texts.append(ast.unparse(each))
    return [each.removeprefix("self.") for each in texts]


def _is_judge(program: Program, optimizer: _Made, every: Sequence[_Made]) -> bool:
    """By the name of the network or of the optimizer; else by what it is called on: what another one made."""
    names = optimizer.names
    if any(_JUDGES.search(each) for each in names) or any(_MAKES.search(each) for each in names):
        return any(_JUDGES.search(each) for each in names)
    network = names[0]
    others = [each.names[0] for each in every if each is not optimizer]
    for file, node in program.nodes():
        if isinstance(node, ast.Call) and ast.unparse(node.func) == network:
            for each in node.args:
                bound = binding(file, each)
                text = ast.unparse(bound.value if bound is not None else each)
                if any(text.startswith(f"{other}(") for other in others):
                    return True
    return False


def _player(case: Case, made: _Made) -> Player:
    names = made.names
    alone = Player(made.optimizer, _rate(case.program, made), None, network=names[0], names=frozenset(names[1:]))
    steps = steps_of(case, alone)
    return replace(alone, step=steps[0]) if len(steps) == 1 else alone


def _rate(program: Program, made: _Made) -> Written | None:
    """Where its learning rate is written: by the function that makes it, or for it alone by who calls that."""
    file = made.optimizer.file
    function, given = function_around(file, made.optimizer.node), made.optimizer.argument(1, "lr")
    if made.helper is not None and function is not None and isinstance(given, ast.Name):
        handed = passed(file, function, given.id, made.helper) or default_of(function, given.id)
        return written(program, made.helper.file, handed)
    return option(program, made.optimizer, 1, "lr")


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
        calls = reaching(program, function)
        given = (passed(step.file, function, ast.unparse(step.receiver), each) for each in calls)
        yield from (ast.unparse(each).removeprefix("self.") for each in given if each is not None)


def _right_after(step: TrainingStep) -> list[Found]:
    """The first step behind a backward pass."""
    later = [each for each in step.steps if each.node.lineno >= step.backward.node.lineno]
    return later[:1]
