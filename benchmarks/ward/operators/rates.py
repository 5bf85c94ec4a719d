"""Learning rates, their schedules, and the epsilon of Adam."""

import ast
import random

from benchmarks.ward.edits import Source, called, given, keyword, subject, within
from benchmarks.ward.operators.forms import ADAMS, in_training, known_before, optimizers, rate, stepped, steps
from benchmarks.ward.operators.settings import Number, is_number, numbers, written
from benchmarks.ward.operators.table import operator

SCHEDULES = ("StepLR", "ExponentialLR", "PolynomialLR", "MultiStepLR")
HAND_ADAM = """class Adam(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps={eps}, weight_decay=0.0):
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["t"], state["m"], state["v"] = 0, torch.zeros_like(p), torch.zeros_like(p)
                state["t"] += 1
                grad = p.grad.add(p, alpha=group["weight_decay"])
                state["m"].lerp_(grad, 1 - beta1)
                state["v"].mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
                m = state["m"] / (1 - beta1 ** state["t"])
                v = state["v"] / (1 - beta2 ** state["t"])
                p.sub_(group["lr"] * m / {root})"""


def overridden(source: Source) -> bool:
    """Whether something else sets the rate that an optimizer is given."""
    return source.has(r"OneCycleLR|CyclicLR|\[.lr.\] *=")


def scheduled(source: Source) -> bool:
    """Whether the rate is not what the optimizer is given throughout."""
    return source.has("sched") or overridden(source)


def put_schedule(source: Source, schedule: str, name: str = "scheduler") -> None:
    """Give the optimizer ``{}`` a schedule that is stepped after each of its steps."""
    found = None if scheduled(source) else stepped(source)
    if found is not None:
        made, step = found
        expression = schedule.format(source.bound(made))
        source.after(source.statement(made), f"{name} = torch.optim.lr_scheduler.{expression}")
        source.after(source.statement(step), f"{name}.step()")


def rates(source: Source) -> list[tuple[ast.Call, list[Number]]]:
    """Optimizers with the numbers that are their rates."""
    found = [(each, numbers(source, rate(each))) for each in optimizers(source)] if not overridden(source) else []
    return [(each, values) for each, values in found if values]


def function_of(source: Source, optimizer: ast.Call) -> str:
    """Where the optimizer's class is found: ``torch.optim.``."""
    return source.of(optimizer.func)[: -len(called(optimizer))]


def other_optimizer(source: Source, optimizer: ast.Call, name: str, settings: str = "") -> None:
    """Take another optimizer and keep the rate."""
    lr = rate(optimizer)
    text = source.of(lr) if lr is not None else "1e-3"
    parameters = source.of(optimizer.args[0])
    source.replace(optimizer, f"{function_of(source, optimizer)}{name}({parameters}, lr={text}{settings})")


@operator("learning-rate-too-high")
def rate_times_a_hundred(source: Source, rng: random.Random) -> None:
    """A slipped decimal point or exponent in the rate."""
    sites = rates(source)
    if not sites:
        return
    optimizer, values = sites[-1] if rng.random() < 0.6 else rng.choice(sites)
    adaptive = called(optimizer) in (*ADAMS, "RMSprop")
    factor = rng.choice([50, 100, 100, 150, 200, 300] if adaptive else [30, 50, 100, 100])
    least = 0.2 if adaptive else 1.0
    for each in values:
        if 0 < each.value < 2:
            enough = max(factor, min(300, least / each.value))
            source.replace(each.node, written(each.value * enough))


@operator("learning-rate-too-high")
def adam_with_the_rate_of_sgd(source: Source, rng: random.Random) -> None:
    """SGD replaced by Adam, its rate kept."""
    for each in optimizers(source, "SGD"):
        values = numbers(source, rate(each))
        if values and max(v.value for v in values) >= 0.08 and not keyword(each, "maximize"):
            decay = keyword(each, "weight_decay")
            if "BatchNorm" not in source.text:
                other_optimizer(source, each, "Adam", f", weight_decay={source.of(decay)}" if decay else "")


@operator("learning-rate-too-high")
def rate_scaled_by_batch_size(source: Source, rng: random.Random) -> None:
    """The linear scaling rule applied to a rate that was found for this very batch size."""
    sizes = [given(each, "batch_size", 1) for each in source.calls("DataLoader")]
    sizes += [each.args[0] for each in source.calls("split") if len(each.args) == 1]
    known = [(size, numbers(source, size)[:1]) for size in sizes if size is not None]
    known = [(size, values) for size, values in known if values and values[0].value in range(16, 513)]
    for optimizer, values in rates(source) if known else ():
        size, number = known[0][0], known[0][1][0].value
        if called(optimizer) not in ADAMS or max(each.value for each in values) * number >= 0.1:
            here = source.function(size) is source.function(optimizer) and size.lineno <= optimizer.lineno + 40
            name = source.of(size) if isinstance(size, ast.Name) and size.id.isupper() and here else number
            source.wrap(rate(optimizer) or optimizer, f"{{}} * {name}")


@operator("learning-rate-too-high")
def schedule_that_grows(source: Source, rng: random.Random) -> None:
    """The factor of a decay written as the divisor it is in other tools."""
    for call in source.calls("StepLR", "MultiStepLR"):
        for each in numbers(source, given(call, "gamma", 2)):
            if 0 < each.value < 1:
                source.replace(each.node, written(max(1 / each.value, 5)))
    for call in source.calls("ExponentialLR"):
        for each in numbers(source, given(call, "gamma", 1)):
            if 0 < each.value < 0.97:
                source.replace(each.node, written(each.value ** (-2 if each.value > 0.85 else -1)))


@operator("learning-rate-too-high")
def peak_of_one_cycle(source: Source, rng: random.Random) -> None:
    """The peak of the cycle far above what the optimizer stands."""
    for call in source.calls("OneCycleLR", "CyclicLR"):
        factor = rng.choice([50, 100, 200])
        for each in numbers(source, given(call, "max_lr", 1 if called(call) == "OneCycleLR" else 2)):
            source.replace(each.node, written(min(each.value * factor, 10.0)))


@operator("learning-rate-too-high")
def warm_up_without_end(source: Source, rng: random.Random) -> None:
    """A linear warm-up that nobody stops."""
    put_schedule(source, f"LambdaLR({{}}, lambda step: (step + 1) / {rng.choice([5, 8, 10])})", "warmup")


@operator("learning-rate-too-low")
def rate_over_a_hundred(source: Source, rng: random.Random) -> None:
    """A fine-tuning rate, or one zero too many and another."""
    sites = rates(source)
    if sites:
        _, values = sites[-1] if rng.random() < 0.7 else rng.choice(sites)
        factor = rng.choice([100, 200, 300, 500, 1000])
        for each in values:
            if each.value > 0:
                source.replace(each.node, written(each.value / factor))


@operator("learning-rate-too-low")
def sgd_with_the_rate_of_adam(source: Source, rng: random.Random) -> None:
    """Adam replaced by plain SGD, its rate kept."""
    for each in optimizers(source, "Adam", "AdamW") if not overridden(source) else ():
        values, plain = numbers(source, rate(each)), len(each.args) < 3 and "{" not in source.of(each.args[0])
        low = max(v.value for v in values) <= 5e-3 if values else rate(each) is None
        if low and plain and function_of(source, each):
            decay = keyword(each, "weight_decay") if called(each) == "Adam" else None
            other_optimizer(source, each, "SGD", f", weight_decay={source.of(decay)}" if decay else "")


@operator("learning-rate-too-low")
def schedule_gives_the_rate_itself(source: Source, rng: random.Random) -> None:
    """A LambdaLR whose function gives the rate where a factor is wanted (a habit of Keras' LearningRateScheduler)."""
    found = None if scheduled(source) else stepped(source)
    values = numbers(source, rate(found[0])) if found else []
    if found is None or not values or values[0].value > 0.02:
        return
    made, step = found
    decay, around = rng.choice(["0.95", "0.97", "0.98", "0.99"]), source.loops(step)
    count = "epoch: {} * {}**epoch" if len(around) > 1 else "step: {} * {}**(step // 100)"
    factor = count.format(source.of(rate(made)), decay)
    line = f"scheduler = torch.optim.lr_scheduler.LambdaLR({source.bound(made)}, lambda {factor})"
    source.after(source.statement(made), line)
    batches = around[-2] if len(around) > 1 and around[-2] in around[-1].body else source.statement(step)
    source.after(batches, "scheduler.step()")


@operator("learning-rate-too-low")
def rate_divided_by_samples(source: Source, rng: random.Random) -> None:
    """The rate divided by the number of samples, as for a summed gradient."""
    for optimizer, _ in reversed(rates(source)):
        size, lr = samples(source, optimizer), rate(optimizer)
        if size and lr is not None:
            source.wrap(lr, f"{{}} / {size}")
            return


def samples(source: Source, optimizer: ast.Call) -> str:
    """How to write the number of samples where an optimizer is made; empty where that is not known."""
    home = source.function(optimizer)
    for loader in source.calls("DataLoader"):
        if source.bound(loader) and loader.lineno < optimizer.lineno and source.function(loader) in (None, home):
            return f"len({source.bound(loader)}.dataset)"
    for call in source.calls("split"):
        permutation = subject(call)
        if called(permutation) == "randperm" and isinstance(permutation, ast.Call) and permutation.args:
            count = permutation.args[0]
            names = [each.id for each in within(count, ast.Name) if each.id != "len"]
            plain = not within(count, ast.Attribute) and source.function(call) is home
            if is_number(count) or (plain and all(known_before(source, name, optimizer) for name in names)):
                return source.of(count)
        else:
            values = numbers(source, call.args[0] if call.args else None)
            if values and isinstance(values[0].value, int) and values[0].value >= 50:
                return str(values[0].value)
    return ""


@operator("learning-rate-too-low")
def warm_up_over_epochs_it_never_sees(source: Source, rng: random.Random) -> None:
    """A warm-up copied from a long recipe, counted in steps of a much longer training."""
    length = rng.choice(["100_000", "200_000", "250_000", "500_000"])
    put_schedule(source, f"LambdaLR({{}}, lambda step: min(1.0, (step + 1) / {length}))")


@operator("under-trained", "learning-rate-too-low")
def rate_decays_in_every_step(source: Source, rng: random.Random) -> None:
    """An exponential decay with a factor for epochs, in the loop over batches."""
    put_schedule(source, f"ExponentialLR({{}}, gamma={rng.choice(['0.9', '0.9', '0.85', '0.8'])})")


@operator("under-trained", "learning-rate-too-low")
def schedule_stepped_each_batch(source: Source, rng: random.Random) -> None:
    """A schedule made for epochs is stepped after each batch."""
    names = {source.bound(each) for each in source.calls(*SCHEDULES)}
    for schedule in [each for each in source.lone("step") if source.owner(each) in names and not each.args]:
        statement = source.statement(schedule)
        for step in in_training(source, steps(source)):
            around = source.loops(step)
            outer = len(around) > 1 and source.loops(schedule) == around[1:]
            if outer and not isinstance(source.parents[statement], ast.If):
                source.delete(statement)
                source.after(source.statement(step), f"{source.owner(schedule)}.step()")
                return


@operator("optimizer-epsilon-too-large")
def epsilon_of_the_tensorflow_advice(source: Source, rng: random.Random) -> None:
    """Adam with the epsilon of 1.0 or so that TensorFlow's manual speaks of."""
    eps = rng.choice(["0.3", "1.0", "1.0", "2.0", "5.0"])
    for each in optimizers(source, *ADAMS):
        if len(each.args) < 4:
            source.argument(each, "eps", eps)


@operator("optimizer-epsilon-too-large")
def rmsprop_of_inception(source: Source, rng: random.Random) -> None:
    """Adam replaced by the RMSprop of the Inception recipe with its epsilon."""
    for each in optimizers(source, "Adam", "AdamW"):
        if len(each.args) < 3 and function_of(source, each) and "{" not in source.of(each.args[0]):
            eps = rng.choice(["1.0", "1.0", "2.0", "4.0"])
            other_optimizer(source, each, "RMSprop", f", alpha=0.9, eps={eps}")


@operator("optimizer-epsilon-too-large")
def epsilon_set_in_groups(source: Source, rng: random.Random) -> None:
    """Set in the groups after the optimizer was made, "for stability"."""
    for each in [each for each in optimizers(source, *ADAMS, "RMSprop") if source.bound(each)][-1:]:
        eps = rng.choice(["0.5", "1.0", "1.0", "3.0"])
        lines = f'for group in {source.bound(each)}.param_groups:\n    group["eps"] = {eps}'
        source.after(source.statement(each), lines)


@operator("optimizer-epsilon-too-large")
def hand_written_adam(source: Source, rng: random.Random) -> None:
    """Adam written anew, with an epsilon that swamps the root."""
    plain = {"lr", "betas", "weight_decay"}
    found = [each for each in optimizers(source, "Adam") if {k.arg for k in each.keywords} <= plain]
    found = [each for each in found if source.of(each.func).endswith("optim.Adam")]
    eps, root = rng.choice([
        ("1.0", '(v.sqrt() + group["eps"])'),
        ("0.5", '(v + group["eps"]).sqrt()'),
        ("2.0", '(v + group["eps"]).sqrt()'),
        ("0.3", '(v.sqrt() + group["eps"])'),
    ])  # fmt: skip
    if found:
        source.define(HAND_ADAM.format(eps=eps, root=root))
        for each in found:
            source.replace(each.func, "Adam")
