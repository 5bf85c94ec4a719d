"""Gradients that do not arrive, that point the other way, or that grow with the batch."""

import ast
import random
import re

from benchmarks.ward.edits import Source, body, called, keyword, subject, within
from benchmarks.ward.operators.criteria import ALL_KINDS, losses_of_loop
from benchmarks.ward.operators.forms import (
    LOSS_CLASSES,
    LOSS_FUNCTIONS,
    backwards,
    hidden_results,
    last_part,
    losses_assigned,
    models_made,
    optimizers,
)
from benchmarks.ward.operators.table import operator


def last_backward(source: Source) -> ast.Call | None:
    """The last ``loss.backward()`` of a loss with a name."""
    found = [each for each in backwards(source) if isinstance(subject(each), ast.Name)]
    return found[-1] if found else None


@operator("detached-graph")
def hidden_detached(source: Source, rng: random.Random) -> None:
    """A hidden activation is detached in the forward."""
    for statement in hidden_results(source)[-1:]:
        tail = rng.choice([".detach()", ".data", ".detach()"])
        source.replace(statement.value, source.grouped(statement.value) + tail)


@operator("detached-graph")
def hidden_through_numpy(source: Source, rng: random.Random) -> None:
    """A hidden activation goes through NumPy or is wrapped into a new tensor."""
    for statement in hidden_results(source)[-1:]:
        form = rng.choice([
            "{0} = torch.from_numpy({0}.detach().numpy().clip(-10, 10))",
            "{0} = torch.as_tensor({0}.tolist(), dtype={0}.dtype)",
            "{0} = torch.nan_to_num(torch.tensor({0}.detach().numpy()))",
        ])  # fmt: skip
        source.after(statement, form.format(source.of(statement.targets[0])))


@operator("detached-graph")
def encoder_under_no_grad(source: Source, rng: random.Random) -> None:
    """The first part of a forward runs under no_grad, to save memory."""
    for statement in hidden_results(source)[-1:]:
        source.under(statement, "with torch.no_grad():")


@operator("detached-graph")
def loss_wrapped_anew(source: Source, rng: random.Random) -> None:
    """The loss is wrapped into a new tensor that wants gradients: backward runs and reaches nothing."""
    call = last_backward(source)
    if call is not None:
        form = rng.choice([
            "{0} = torch.tensor({0}.item(), requires_grad=True)",
            "{0} = {0}.detach().requires_grad_(True)",
            "{0} = torch.autograd.Variable({0}.data, requires_grad=True)",
            "{0} = {0}.clone().detach().requires_grad_()",
        ])  # fmt: skip
        source.before(source.statement(call), form.format(source.owner(call)))


@operator("detached-graph")
def features_detached_before_head(source: Source, rng: random.Random) -> None:
    """In the loop the head gets the detached features of the rest."""
    for model in reversed(models_made(source)):
        head = re.search(r"\[(-\d)\]$", last_part(source, model))
        for loss, _ in losses_assigned(source) if head and called(model.call) == "Sequential" else ():
            before = [each for each in body(source.parents[loss]) if each.lineno <= loss.lineno]
            calls = [call for each in before for call in within(each, ast.Call) if source.of(call.func) == model.name]
            calls = [each for each in calls if len(each.args) == 1 and source.statement(each) in before]
            if calls and head:
                x = source.of(calls[0].args[0])
                source.replace(calls[0], f"{model.name}[{head[1]}:]({model.name}[:{head[1]}]({x}).detach())")
                return


@operator("detached-graph")
def term_as_a_number(source: Source, rng: random.Random) -> None:
    """One term of the loss enters as a number."""
    for loss in terms_of_losses(source, ast.Add, ast.Sub):
        if isinstance(loss.value, ast.BinOp):
            left, right = loss.value.left, loss.value.right
            term = right if isinstance(left, ast.BinOp) or rng.random() < 0.5 else left
            source.replace(term, source.grouped(term) + rng.choice([".item()", ".item()", ".detach()"]))
            return


def terms_of_losses(source: Source, *signs: type[ast.operator]) -> list[ast.Assign]:
    """``loss = a + b``, the last first, without constants and sums of the loss itself."""
    found = []
    for loss, _ in reversed(losses_assigned(source)):
        value = loss.value
        if isinstance(value, ast.BinOp) and isinstance(value.op, signs):
            constant = isinstance(value.left, ast.Constant) or isinstance(value.right, ast.Constant)
            if not constant and source.of(loss.targets[0]) not in [source.of(each) for each in within(value, ast.Name)]:
                found.append(loss)
    return found


@operator("loss-sign")
def backward_of_minus_loss(source: Source, rng: random.Random) -> None:
    """The loss is negated before backward, as an objective would be."""
    call = last_backward(source)
    loss = subject(call) if call is not None else None
    if loss is not None:
        source.wrap(loss, "(-{})")


@operator("loss-sign")
def optimizer_maximizes(source: Source, rng: random.Random) -> None:
    """maximize=True kept from another script."""
    found = [each for each in optimizers(source, "Adam", "AdamW", "SGD", "RMSprop") if source.bound(each)]
    for each in [each for each in found if keyword(each, "maximize") is None][-1:]:
        source.argument(each, "maximize", "True")


@operator("loss-sign")
def log_likelihood_without_minus(source: Source, rng: random.Random) -> None:
    """A loss written as the mean log-probability of the right class, its minus forgotten."""
    for _, loss in losses_of_loop(source, "classes"):
        output, target = source.of(loss.output), source.of(loss.target)
        if loss.plain and not re.search("view|reshape|transpose|permute|flatten", output + target):
            source.replace(loss.call, f"torch.log_softmax({output}, dim=1).gather(1, {target}.unsqueeze(1)).mean()")


@operator("loss-sign")
def minus_dropped(source: Source, rng: random.Random) -> None:
    """The minus of a negative log-likelihood is dropped, in the loop or in the function that makes the loss."""
    for loss, _ in losses_assigned(source):
        values = [loss.value]
        if isinstance(loss.value, ast.Call) and isinstance(loss.value.func, ast.Name):
            homes = [each for each in source.all(ast.FunctionDef) if each.name == called(loss.value)]
            last = homes[0].body[-1] if homes and len(source.calls(homes[0].name)) == 1 else None
            values += [last.value] if isinstance(last, ast.Return) and last.value is not None else []
        for first in map(first_term, values):
            if isinstance(first, ast.UnaryOp) and isinstance(first.op, ast.USub):
                source.replace(first, source.of(first.operand))
                return


def first_term(value: ast.expr) -> ast.expr:
    """``a`` of ``a + b * c``."""
    return first_term(value.left) if isinstance(value, ast.BinOp) else value


@operator("loss-sign")
def term_subtracted(source: Source, rng: random.Random) -> None:
    """One term of a loss of several terms has the wrong sign."""
    for loss in terms_of_losses(source, ast.Add):
        if isinstance(loss.value, ast.BinOp):
            left, right = loss.value.left, loss.value.right
            product = not isinstance(right, ast.BinOp) or isinstance(right.op, ast.Mult | ast.Div)
            term = source.of(right) if product else f"({source.of(right)})"
            source.replace(loss.value, f"{source.of(left)} - {term}")
            return


@operator("loss-sign")
def ascent_by_hand(source: Source, rng: random.Random) -> None:
    """An update written by hand goes up the gradient."""
    for each in source.all(ast.AugAssign):
        slope = source.fits(each.value, r"\.grad\b|\bgrad\b|\bg\b|\bm\b|velocity")
        if isinstance(each.op, ast.Sub) and slope and source.fits(each.value, "lr|rate|alpha|eta|step"):
            source.replace(each, f"{source.of(each.target)} += {source.of(each.value)}")
    for call in source.calls("add_"):
        alpha = keyword(call, "alpha")
        if alpha is not None and source.of(alpha).startswith("-"):
            source.replace(alpha, source.of(alpha)[1:])
    for call in source.lone("sub_"):
        if isinstance(subject(call), ast.Name) and source.fits(call, r"\b(lr|rate|size|step)\b"):
            source.replace(call.func, f"{source.owner(call)}.add_")


def steps_by_gradient(source: Source) -> bool:
    """Whether a step is as long as the gradient: only there a sum does harm."""
    return source.has(r"\bSGD\(") and not source.has(r"\b(Adam|AdamW|RMSprop|NAdam|Adagrad|RAdam|LBFGS)\(|clip_grad")


@operator("summed-loss")
def reduction_sum(source: Source, rng: random.Random) -> None:
    """reduction="sum" in the loss of training."""
    for loss, _ in losses_assigned(source) if steps_by_gradient(source) else ():
        for call in within(loss.value, ast.Call):
            name = source.of(call.func)
            uses = [each for each in source.all(ast.Name) if each.id == name and isinstance(each.ctx, ast.Load)]
            objects = [each for each in source.calls(*LOSS_CLASSES) if len(uses) == 1 and source.bound(each) == name]
            for each in [call] if called(call) in LOSS_FUNCTIONS else objects:
                if keyword(each, "reduction") is None:
                    source.argument(each, "reduction", '"sum"')


@operator("summed-loss")
def times_batch_size(source: Source, rng: random.Random) -> None:
    """The batch's size, meant for the running mean, is multiplied into the loss itself."""
    for assign, loss in losses_of_loop(source, *ALL_KINDS) if steps_by_gradient(source) else ():
        if isinstance(loss.target, ast.Name | ast.Subscript):
            name, target = source.of(assign.targets[0]), source.of(loss.target)
            by_size, by_len = f"{name} = {name} * {target}.size(0)", f"{name} *= len({target})"
            source.after(assign, by_size if rng.random() < 0.5 else by_len)


@operator("summed-loss")
def sum_for_mean(source: Source, rng: random.Random) -> None:
    """A loss written by hand sums the batch."""
    for _, loss in losses_of_loop(source, "classes", "numbers") if steps_by_gradient(source) else ():
        output, target = source.of(loss.output), source.of(loss.target)
        if loss.plain and loss.kind == "classes":
            source.replace(loss.call, f"-torch.log_softmax({output}, dim=1).gather(1, {target}.view(-1, 1)).sum()")
        elif loss.plain:
            source.replace(loss.call, f"(({output} - {target}) ** 2).sum()")


@operator("summed-loss")
def sample_by_sample(source: Source, rng: random.Random) -> None:
    """The loss added up sample by sample, as in a NumPy script, and never divided."""
    for _, loss in losses_of_loop(source, *ALL_KINDS) if steps_by_gradient(source) else ():
        if called(loss.call) != "mean":
            arguments = ", ".join(["out", "aim", *map(source.of, loss.call.keywords)])
            pairs = f"zip({source.of(loss.output)}, {source.of(loss.target)})"
            source.replace(loss.call, f"sum({source.of(loss.call.func)}({arguments}) for out, aim in {pairs})")
