"""Steps that are not taken, or taken with the gradients of others, and too few of them."""

import ast
import random
import re

from benchmarks.ward.edits import Source, called, keyword, within
from benchmarks.ward.operators.forms import backwards, conditional_results, in_training, last_part, models_made, steps
from benchmarks.ward.operators.settings import rounds
from benchmarks.ward.operators.table import operator


def training_zeros(source: Source) -> list[ast.Call]:
    """The ``zero_grad`` of training."""
    return in_training(source, source.lone("zero_grad"))


def training_steps(source: Source) -> list[ast.Call]:
    """The steps of training."""
    return in_training(source, steps(source))


@operator("under-trained")
def epochs_of_a_trial_run(source: Source, rng: random.Random) -> None:
    """The number of epochs or steps left from a trial run."""
    loops: list[ast.AST] = [source.loops(each)[-1] for each in backwards(source)]
    loops = trial_loops(source, loops) or trial_loops(source, loops_that_call_training(source))
    if loops:
        longest = max((rounds(source, each) for each in loops), key=lambda found: max(n.value for n in found))
        for each in longest:
            share = 1 if each.value < 30 else max(1, int(each.value) // rng.choice([25, 30, 40]))
            source.replace(each.node, str(share))


def trial_loops(source: Source, loops: list[ast.AST]) -> list[ast.AST]:
    """Those that go on for a known number of rounds, which may be cut."""
    known = [(each, rounds(source, each)) for each in loops if not conditional_results(source, each)]
    return [each for each, found in known if found and all(isinstance(n.value, int) and n.value > 3 for n in found)]


def loops_that_call_training(source: Source) -> list[ast.AST]:
    """Loops over epochs or steps that call a function that trains."""
    found = [each for each in source.all(ast.For) if source.fits(each.target, "epoch|step|update")]
    return [each for each in found if source.fits(each, r"\b\w*(train|fit|step)\w*\(")]


@operator("under-trained")
def batches_used_up(source: Source, rng: random.Random) -> None:
    """An iterator of batches made once: empty after the first epoch."""
    names = {source.bound(each) for each in source.calls("DataLoader")}
    for around in map(source.loops, backwards(source)):
        inner = around[0]
        if len(around) < 2 or not isinstance(inner, ast.For):
            continue
        counted = isinstance(inner.iter, ast.Call) and called(inner.iter) == "enumerate" and len(inner.iter.args) == 1
        loader = inner.iter.args[0] if counted and isinstance(inner.iter, ast.Call) else inner.iter
        if isinstance(loader, ast.Name) and (loader.id in names or "loader" in loader.id):
            source.before(around[-1], f"batches = {'enumerate' if counted else 'iter'}({loader.id})")
            source.replace(inner.iter, "batches")
            return


@operator("under-trained")
def return_in_the_batch_loop(source: Source, rng: random.Random) -> None:
    """The function's return slipped into the loop over batches: one step an epoch."""
    for around in map(source.loops, backwards(source)):
        loop, home = around[0], source.function(around[0])
        if home is None or len(around) > 1 or home.body[-2:-1] != [loop] or not isinstance(home.body[-1], ast.Return):
            continue
        if isinstance(loop, ast.For) and not re.search(r"epoch|range\(.*(step|iter)", source.of(loop).split("\n")[0]):
            source.after(loop.body[-1], source.unindented(home.body[-1]))
            source.delete(home.body[-1])


@operator("under-trained")
def break_left_from_a_test(source: Source, rng: random.Random) -> None:
    """A break after a batch or a few, left from a test whether it runs."""
    for around in map(source.loops, backwards(source)):
        inner = around[0]
        if len(around) < 2 or not isinstance(inner, ast.For) or inner not in around[-1].body:
            continue
        if not rounds(source, inner) or source.fits(inner.iter, "len|batch"):
            count = counter(source, inner)
            last = f"if {count} >= {rng.choice([0, 1, 2])}:\n    break" if count else "break"
            source.after(inner.body[-1], last)
            return


def counter(source: Source, loop: ast.For) -> str:
    """The name that counts the rounds of an enumeration."""
    counted = called(loop.iter) == "enumerate" and isinstance(loop.target, ast.Tuple)
    return source.of(loop.target.elts[0]) if counted and isinstance(loop.target, ast.Tuple) else ""


@operator("under-trained")
def stop_at_first_worse_loss(source: Source, rng: random.Random) -> None:
    """Early stopping without patience, on the loss of one batch."""
    for call in backwards(source):
        loss, outer = source.owner(call), source.loops(call)[-1]
        found = rounds(source, outer)
        if loss.isidentifier() and found and found[0].value >= 8 and not outer.orelse:
            if not conditional_results(source, outer):
                source.before(outer, 'best_loss = float("inf")')
                lines = f"if {loss}.item() >= best_loss:\n    break\nbest_loss = {loss}.item()"
                source.after(outer.body[-1], lines)
                return


@operator("missing-zero-grad")
def no_zero_grad(source: Source, rng: random.Random) -> None:
    """`zero_grad` left out."""
    for call in training_zeros(source):
        source.delete(source.statement(call))


@operator("missing-zero-grad")
def zero_grad_once_an_epoch(source: Source, rng: random.Random) -> None:
    """`zero_grad` in the loop over epochs instead of the loop over batches."""
    for call in training_zeros(source):
        around = source.loops(call)
        if len(around) > 1 and around[-2] in around[-1].body:
            source.before(around[-2], source.of(call))
            source.delete(source.statement(call))
            return


@operator("missing-zero-grad")
def zero_grad_not_called(source: Source, rng: random.Random) -> None:
    """The parentheses of `zero_grad` forgotten."""
    for call in training_zeros(source):
        source.replace(call, source.of(call.func))


@operator("missing-zero-grad")
def zero_grad_of_a_part(source: Source, rng: random.Random) -> None:
    """Only one part of the model is zeroed, as the script once trained only that."""
    for model in [each for each in models_made(source) if source.bound(each.optimizer)][-1:]:
        part = last_part(source, model)
        for call in training_zeros(source) if part else ():
            here = source.function(call) is source.function(model.optimizer)
            if here and source.owner(call) == source.bound(model.optimizer):
                source.replace(call, f"{part}.zero_grad()")


@operator("missing-zero-grad")
def zero_grad_every_few_batches(source: Source, rng: random.Random) -> None:
    """Left over from gradient accumulation: zeroed every few batches, stepped in every one."""
    count = rng.choice([8, 10, 16, 20, 32])
    for call in reversed(training_zeros(source)):
        statement, around = source.statement(call), source.loops(call)
        loop = around[0]
        if not isinstance(loop, ast.For) or source.parents[statement] is not loop:
            continue
        name = counter(source, loop)
        if not name and len(around) == 1 and rounds(source, loop) and source.fits(loop.target, r"^(?!_$)\w+$"):
            name = source.of(loop.target)
        if not name:
            if source.fits(loop, r"\bi\b"):
                continue
            name, target = "i", source.of(loop.target)
            source.replace(loop.target, f"i, ({target})" if re.match(r"[^(].*,", target) else f"i, {target}")
            source.wrap(loop.iter, "enumerate({})")
        source.under(statement, f"if {name} % {count} == 0:")
        return


@operator("missing-zero-grad")
def gradients_by_hand_not_cleared(source: Source, rng: random.Random) -> None:
    """An update by hand that never clears the gradients."""
    for call in source.lone("zero_"):
        if ".grad.zero_" in source.of(call):
            source.delete(source.statement(call))
    for each in source.all(ast.Assign):
        if source.fits(each, r"\.grad = None$"):
            source.delete(each)


@operator("missing-step")
def no_step(source: Source, rng: random.Random) -> None:
    """The optimizer's step left out."""
    for call in training_steps(source):
        source.delete(source.statement(call))


@operator("missing-step")
def step_not_called(source: Source, rng: random.Random) -> None:
    """The parentheses of `step` forgotten."""
    for call in training_steps(source):
        source.replace(call, source.of(call.func))


@operator("missing-step", "under-trained")
def step_once_an_epoch(source: Source, rng: random.Random) -> None:
    """The step slipped out of the loop over batches."""
    for call in reversed(training_steps(source)):
        statement, around = source.statement(call), source.loops(call)
        if len(around) > 1 and around[0] in around[1].body and source.parents[statement] is around[0]:
            source.behind(around[0], statement)
            return


@operator("missing-step")
def step_only_with_scaler(source: Source, rng: random.Random) -> None:
    """Mixed precision came in: the step is taken by the scaler where there is one, and by nobody elsewhere."""
    for call in reversed(training_steps(source)):
        statement, around, home = source.statement(call), source.loops(call), source.function(call)
        if source.parents[statement] is around[0] and (home is None or around[-1] in home.body):
            scaler = "use_amp = torch.cuda.is_available()\nscaler = torch.amp.GradScaler(enabled=use_amp)"
            source.before(around[-1], scaler)
            pad = " " * (statement.col_offset + 4)
            source.replace(statement, f"if use_amp:\n{pad}scaler.step({source.owner(call)})\n{pad}scaler.update()")
            return


@operator("missing-step")
def guard_the_wrong_way(source: Source, rng: random.Random) -> None:
    """A guard against losses that are no number skips all others."""
    for call in reversed(training_steps(source)):
        statement = source.statement(call)
        block = source.parents[statement]
        losses = [source.owner(each) for each in backwards(source) if source.parents[source.statement(each)] is block]
        losses = [each for each in losses if each.isidentifier()]
        if losses and block is source.loops(call)[0]:
            tests = ["not torch.isfinite({})", "torch.isnan({})", "{}.isnan()"]
            source.under(statement, f"if {rng.choice(tests).format(losses[-1])}:")
            return


@operator("missing-step")
def update_of_a_copy(source: Source, rng: random.Random) -> None:
    """An update by hand that binds a new tensor to the loop's name and changes nothing."""
    for each in source.all(ast.AugAssign):
        if isinstance(each.op, ast.Sub) and isinstance(each.target, ast.Name) and looped(source, each.target.id, each):
            source.replace(each, f"{each.target.id} = {each.target.id} - {source.of(each.value)}")
    for call in source.lone("sub_", "add_"):
        name, alpha = source.owner(call), source.of(keyword(call, "alpha"))
        if len(call.args) == 1 and looped(source, name, call) and source.fits(call, r"\b(lr|rate|size|step)\b|grad"):
            sign = "-" if called(call) == "sub_" or alpha.startswith("-") else "+"
            change = source.grouped(call.args[0]) if alpha else source.of(call.args[0])
            factor = f"{alpha.removeprefix('-')} * " if alpha else ""
            source.replace(call, f"{name} = {name} {sign} {factor}{change}")


def looped(source: Source, name: str, node: ast.AST) -> bool:
    """Whether a name is that of the innermost loop around a node."""
    loop = next(iter(source.loops(node)), None)
    return isinstance(loop, ast.For) and name in {each.id for each in within(loop.target, ast.Name)}


@operator("missing-step")
def only_the_schedule_steps(source: Source, rng: random.Random) -> None:
    """The schedule's step in the place of the optimizer's."""
    names = {source.bound(each) for each in source.all(ast.Call) if re.search("(LR|Restarts)$", called(each))}
    schedules = [each for each in source.lone("step") if source.owner(each) in names and not each.args]
    for call in training_steps(source):
        statement = source.statement(call)
        own = [source.statement(s) for s in schedules if source.function(s) is source.function(call)]
        if own:
            if source.parents[own[0]] is source.parents[statement]:
                source.delete(statement)
            else:
                source.replace(statement, source.of(own[0]))
                source.delete(own[0])
            return
