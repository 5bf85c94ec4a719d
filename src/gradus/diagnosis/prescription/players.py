"""Fixes of two players that train against each other: which is ahead, and by what."""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gradus.diagnosis.prescription.bindings import binding, default_of, function_around, passed
from gradus.diagnosis.prescription.callables import reaching
from gradus.diagnosis.prescription.edits import Edit, atom, replace, with_argument
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.flow import nearest, operations
from gradus.diagnosis.prescription.lasting import enclosing
from gradus.diagnosis.prescription.program import Found, Program, SourceFile
from gradus.diagnosis.prescription.rewriting import instead, unique, without_brackets
from gradus.diagnosis.prescription.roles import TrainingStep, training_steps
from gradus.diagnosis.prescription.values import Operation, Value
from gradus.diagnosis.prescription.written import Written, expression, option, written

_JUDGES = re.compile(
    r"(^|_|\.)(net_?|opt(im(izer)?)?_?|model_?)?d(is(c(riminator)?)?)?(_|\d|$)|critic|discrim|judge", re.IGNORECASE
)
_MAKES = re.compile(r"(^|_|\.)(net_?|opt(im(izer)?)?_?|model_?)?g(en(erator)?)?(_|\d|$)|generator|actor", re.IGNORECASE)
_ENOUGH_STEPS = 2


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
    names = made.names[1:]
    steps = [
        each
        for each in training_steps(case)
        if any(name in names for step in _right_after(each) for name in _called(case.program, step))
    ]
    return Player(made.optimizer, _rate(case.program, made), steps[0] if len(steps) == 1 else None)


def _rate(program: Program, made: _Made) -> Written | None:
    """Where its learning rate is written: by the function that makes it, or for it alone by who calls that."""
    file = made.optimizer.file
    function, given = function_around(file, made.optimizer.node), made.optimizer.argument(1, "lr")
    if made.helper is not None and function is not None and isinstance(given, ast.Name):
        handed = passed(file, function, given.id, made.helper) or default_of(function, given.id)
        return written(program, made.helper.file, handed)
    return option(program, made.optimizer, 1, "lr")


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


# ---- balance --------------------------------------------------------------------------------------------------------


@fix("slow-discriminator")
def one_step_each(case: Case) -> Iterator[Sequence[Edit]]:
    """As many steps of the discriminator as of the generator, and the loss that does not saturate."""
    both = players(case)
    if both is None:
        return
    maker, judge = both
    edits = _steps_in_turn(case, judge, maker)
    loud = _not_saturating(case, maker)
    if edits and loud:
        yield [*edits, *loud]
    if edits or loud:
        yield edits or loud
    smooth = _smooth_labels(case.program, judge)
    if smooth:
        yield smooth


@fix("diversity")
def no_more_steps_than_the_discriminator(case: Case) -> Iterator[Sequence[Edit]]:
    """One step of the generator for each of the discriminator's, which must see where it has gone."""
    both = players(case)
    edits = _steps_in_turn(case, *both) if both is not None else []
    if edits:
        yield edits


@fix("slow-discriminator", "diversity")
def no_faster_than_the_generator(case: Case) -> Iterator[Sequence[Edit]]:
    """The generator's rate for the discriminator, where its own is higher."""
    both = players(case)
    if both is None:
        return
    maker, judge = both
    if maker.rate is not None and judge.rate is not None and judge.rate.node is not maker.rate.node:
        if judge.rate.value > 1.5 * maker.rate.value:
            yield [judge.rate.becomes(maker.rate.value)]
        if judge.rate.value > 3 * maker.rate.value:
            yield [judge.rate.becomes(2 * maker.rate.value)]


@fix("slow-discriminator")
def slower(case: Case) -> Iterator[Sequence[Edit]]:
    """A quarter of the discriminator's rate, if it has one of its own."""
    both = players(case)
    if both is not None and both[1].rate is not None:
        maker, rate = both[0].rate, both[1].rate
        if maker is None or maker.node is not rate.node:
            yield [rate.becomes(rate.value / 4)]


def _steps_in_turn(case: Case, player: Player, other: Player) -> list[Edit]:
    """One pass of the loop around a player's step that is not around the other's; every pass for the other's step.

    Loops and conditions may be around calls of the functions that the steps are in.
    """
    if player.step is None or other.step is None:
        return []
    ours, theirs = ([*enclosing(case, each)] for each in (player.step, other.step))
    for file, each in (pair for pair in ours if pair not in theirs):
        if isinstance(each, ast.For) and isinstance(each.iter, ast.Call) and ast.unparse(each.iter.func) == "range":
            if isinstance(each.iter.args[-1], ast.IfExp):  # more at first than later
                return [replace(file, each.iter.args[-1], "1")]
            if edits := _once(case.program, file, each.iter.args[-1]):
                return edits
    for file, each in (pair for pair in theirs if pair not in ours):
        for node in ast.walk(each.test) if isinstance(each, ast.If) else ():
            match node:
                case ast.BinOp(op=ast.Mod(), right=times):  # if step % 5 == 0
                    return _once(case.program, file, times)
    return []


def _once(program: Program, file: SourceFile, times: ast.expr) -> list[Edit]:
    count = written(program, file, times)
    return [count.becomes(1)] if count is not None and count.value >= _ENOUGH_STEPS else []


def _not_saturating(case: Case, maker: Player) -> list[Edit]:
    """`-log(D)` for `log(1 - D)`, however it is written: the same aim with a gradient from the start.

    Source: Goodfellow et al. (2014), Generative adversarial nets, section 3.
    """
    step = maker.step
    if step is None:
        return []
    averages = {"mean", "sum", "squeeze", "view", "flatten"}
    for each in nearest(case.program, Value(step.file, step.backward.receiver), averages):
        node, file = each.value.node, each.value.file
        if each.name == "neg" and isinstance(node, ast.UnaryOp):
            for made in nearest(case.program, each.inputs[0], averages):
                turned = _turned(made)
                if turned and made.value.file is file:
                    return [*(without_brackets(file, node) or instead(file, node, node.operand)), *turned]
        elif each.name in {"log", "logsigmoid", "log_sigmoid"} and each.inputs:
            edits = _of_one_less(case.program, each)
            if edits:
                return edits
    return []


def _turned(made: Operation) -> list[Edit]:
    """Of a loss for generated examples as such, that for real ones: other labels, or `softplus(-D)`."""
    node, file = made.value.node, made.value.file
    if not isinstance(node, ast.Call):
        return []
    target = Found(file, node).argument(1, "target")
    real = _other_labels(file, target) if target is not None else ""
    if target is not None and real:
        return [replace(file, target, real)]
    if made.name == "softplus" and made.inputs:
        given = made.inputs[0].node
        if isinstance(given, ast.UnaryOp):
            return []
        return [replace(file, given, f"-{atom(file, given)}")]
    return []


def _of_one_less(program: Program, logarithm: Operation) -> list[Edit]:
    """`-log(D)` for `log(1 - D)`, `-logsigmoid(D)` for `logsigmoid(-D)`."""
    file, node = logarithm.value.file, logarithm.value.node
    start = file.span(node)[0]
    given = list(operations(program, logarithm.inputs[0]))
    # 1 - D + 1e-8
    given += [
        each for made in given if made.name == "add" for term in made.inputs for each in operations(program, term)
    ]
    for made in given:
        inner = made.value.node
        if made.value.file is not file or file.scope(inner) is not file.scope(node):
            continue
        if logarithm.name == "log" and made.name == "sub" and ast.unparse(made.inputs[0].node) in {"1", "1.0"}:
            return [Edit(file, start, start, "-"), *instead(file, inner, made.inputs[1].node)]
        if logarithm.name != "log" and made.name == "neg" and isinstance(inner, ast.UnaryOp):
            return [Edit(file, start, start, "-"), *instead(file, inner, inner.operand)]
    return []


def _other_labels(file: SourceFile, fake: ast.expr) -> str:
    """How the labels of real examples are written, beside those of generated ones."""
    if isinstance(fake, ast.Call) and "zeros" in ast.unparse(fake.func):
        return file.code(fake).replace("zeros", "ones")
    for one, other in (("fake", "real"), ("zeros", "ones"), ("zero", "one")):
        if one in ast.unparse(fake):
            name = ast.unparse(fake).replace(one, other)
            if any(isinstance(each, ast.Name) and each.id == name for each in ast.walk(file.tree)):
                return name
    return ""


def _smooth_labels(program: Program, judge: Player) -> list[Edit]:
    """0.9 for the label of real examples (Salimans et al. 2016)."""
    if judge.step is None:
        return []
    for node in ast.walk(judge.step.around):
        if isinstance(node, ast.Call) and judge.step.file.qualified(node.func) == "torch.ones_like":
            return [Edit(judge.step.file, judge.step.file.span(node)[1], judge.step.file.span(node)[1], " * 0.9")]
    return []


@fix("fast-discriminator")
def as_fast_as_the_generator(case: Case) -> Iterator[Sequence[Edit]]:
    """The discriminator's rate at the generator's, or twice that; its steps as many."""
    both = players(case)
    if both is None:
        return
    maker, judge = both
    fewer = _steps_in_turn(case, maker, judge)
    if fewer:
        yield fewer
    if maker.rate is None or judge.rate is None or maker.rate.node is judge.rate.node:
        return
    if judge.rate.value < maker.rate.value:
        yield [judge.rate.becomes(maker.rate.value)]
        yield [judge.rate.becomes(2 * maker.rate.value)]
    else:
        yield [judge.rate.becomes(3 * judge.rate.value)]
        yield [maker.rate.becomes(maker.rate.value / 3)]


@fix("damp-players")
def damp(case: Case) -> Iterator[Sequence[Edit]]:
    """No momentum, which drives players round each other; lower rates as well; or half the momentum.

    Source: Mescheder et al. (2018), arXiv 1801.04406; Gidel et al. (2019), arXiv 1807.04740.
    """
    both = players(case)
    if both is None:
        return
    still = [each for player in both for each in _without_momentum(case.program, player, "0.0")]
    rates = {id(each.rate.node): each.rate for each in both if each.rate is not None}
    slower = [each.becomes(each.value / 4) for each in rates.values()]
    if still:
        yield unique(still)
    if slower:
        yield unique([*still, *slower])
    halved = [each for player in both for each in _without_momentum(case.program, player, "0.5")]
    if halved:
        yield unique(halved)
    elif slower:
        yield [each.becomes(each.value / 10) for each in rates.values()]


def _without_momentum(program: Program, player: Player, beta: str) -> list[Edit]:
    """Adam's first beta, where it is larger, or the momentum of another method, as `beta`."""
    file, call = player.optimizer.file, player.optimizer.node
    if "Adam" in file.qualified(call.func):
        given = expression(program, player.optimizer, 2, "betas")
        if given is None:
            return [with_argument(file, call, "betas", f"({beta}, 0.999)")]
        home, betas = given
        if isinstance(betas, ast.Tuple | ast.List) and len(betas.elts) == 2:
            first = written(program, home, betas.elts[0])
            return [first.becomes(float(beta))] if first is not None and first.value > float(beta) else []
        return []
    momentum = option(program, player.optimizer, -1, "momentum")
    return [momentum.becomes(float(beta))] if momentum is not None and momentum.value > float(beta) else []
