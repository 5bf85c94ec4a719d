"""Fixes of two players that train against each other: which is ahead, and by what."""

import ast
from collections.abc import Iterator, Sequence

from gradus.diagnosis.prescription.edits import Edit, atom, replace, with_argument
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.flow import nearest, operations
from gradus.diagnosis.prescription.judging import gentle_slope
from gradus.diagnosis.prescription.lasting import enclosing
from gradus.diagnosis.prescription.opponents import Player, players
from gradus.diagnosis.prescription.program import Found, Program, SourceFile
from gradus.diagnosis.prescription.rewriting import instead, unique, without_brackets
from gradus.diagnosis.prescription.values import Operation, Value
from gradus.diagnosis.prescription.written import expression, option, written

_ENOUGH_STEPS = 2

_HARDLY_ANY = 5e-5
"""A rate below which Adam moves a generator next to nowhere in the time it mostly has."""
_FAR_BEHIND = 10

# ---- balance --------------------------------------------------------------------------------------------------------


@fix("slow-discriminator", "damp-players")
def generator_as_fast_as_the_discriminator(case: Case) -> Iterator[Sequence[Edit]]:
    """The discriminator's rate for a generator that hardly moves; half of it, too."""
    both = players(case)
    if both is None:
        return
    own, other = both[0].rate, both[1].rate
    if own is None or other is None or own.node is other.node or own.value > _HARDLY_ANY:
        return
    if other.value >= _FAR_BEHIND * own.value:
        yield [own.becomes(other.value)]
        yield [own.becomes(other.value / 2)]


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


fix("slow-discriminator")(gentle_slope)


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
    """No momentum, which drives players round each other; a price on the discriminator's slope; lower rates.

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
    yield from gentle_slope(case)
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
