"""Two players of whom one is too strong, or who go round in circles."""

import ast
import random
import re
from dataclasses import dataclass

from benchmarks.ward.edits import Source, called, keyword
from benchmarks.ward.operators.criteria import aside
from benchmarks.ward.operators.forms import optimizers
from benchmarks.ward.operators.settings import Number, numbers
from benchmarks.ward.operators.table import operator

DISCRIMINATOR = re.compile(r"D|d|netD|critic|dis|disc|discriminator")
GENERATOR = re.compile(r"G|g|netG|generator|gen")
GENERATOR_LOSS = re.compile(r"g_loss|loss_g|errG|loss_G")


@dataclass(frozen=True)
class Player:
    """A model with its optimizer and the only statement in which that steps."""

    name: str
    optimizer: ast.Call
    step: ast.stmt


@dataclass(frozen=True)
class Players:
    """A generator and a discriminator, and the name that counts their rounds."""

    generator: Player
    discriminator: Player
    count: str


def players(source: Source) -> Players | None:
    """The two players, if this is about two."""
    if not re.search(r"(?i)\bGAN|adversar", source.text[:800]) and "discriminator" not in source.text:
        return None
    generator, discriminator = player_named(source, GENERATOR), player_named(source, DISCRIMINATOR)
    if generator is None or discriminator is None:
        return None
    for loop in source.around(generator.step):
        target = loop.target if isinstance(loop, ast.For) else None
        name = source.of(target.elts[0] if isinstance(target, ast.Tuple) else target)
        if name.isidentifier() and name not in ("_", "rows", "idx"):
            return Players(generator, discriminator, name)
    return None


def player_named(source: Source, named: re.Pattern[str]) -> Player | None:
    """The player that is named so, if it has one optimizer that steps in one place."""
    found = None
    for optimizer in optimizers(source, "Adam", "AdamW", "RMSprop", "SGD"):
        name = source.of(optimizer.args[0]).removesuffix(".parameters()")
        names = [source.of(target) for target, value, _ in source.bindings() if value is optimizer]
        steps = [source.statement(each) for each in source.calls("step") if source.owner(each) in names]
        if named.fullmatch(name) and len(steps) == 1:
            found = Player(name, optimizer, steps[0])
    return found


def rate_times(source: Source, player: Player, factor: float) -> None:
    """Change the rate of a player."""
    lr = keyword(player.optimizer, "lr")
    own: list[Number] = numbers(source, lr) if isinstance(lr, ast.Constant) else []
    for each in own:
        source.replace(each.node, f"{each.value * factor:.3g}")


def generator_loss(source: Source) -> ast.Assign | None:
    """Where the loss of the generator is computed."""
    found = source.all(ast.Assign)
    return next((each for each in found if GENERATOR_LOSS.fullmatch(source.of(each.targets[0]))), None)


@operator("generator-dominates")
def slow_discriminator(source: Source, rng: random.Random) -> None:
    """The discriminator's rate is a slip too low."""
    if pair := players(source):
        rate_times(source, pair.discriminator, 1 / rng.choice([100, 200, 300, 1000]))


@operator("generator-dominates", "mode-collapse", "missing-step")
def discriminator_rarely_steps(source: Source, rng: random.Random) -> None:
    """The discriminator learns at every n-th step only."""
    if pair := players(source):
        source.under(pair.discriminator.step, f"if {pair.count} % {rng.choice([20, 30, 50])} == 0:")


@operator("generator-dominates")
def clipped_discriminator(source: Source, rng: random.Random) -> None:
    """Weights of the discriminator are clipped as in the first WGAN, which leaves it too weak."""
    if pair := players(source):
        limit = rng.choice(["0.01", "0.02", "0.005"])
        clip = f"for weight_ in {pair.discriminator.name}.parameters():\n    weight_.data.clamp_(-{limit}, {limit})"
        source.after(pair.discriminator.step, clip)


@operator("generator-dominates")
def decayed_discriminator(source: Source, rng: random.Random) -> None:
    """The discriminator alone has a strong weight decay."""
    if pair := players(source):
        source.argument(pair.discriminator.optimizer, "weight_decay", rng.choice(["0.1", "0.3", "1.0"]))


@operator("discriminator-dominates")
def slow_generator(source: Source, rng: random.Random) -> None:
    """The generator's rate is far below the discriminator's."""
    if pair := players(source):
        rate_times(source, pair.generator, 1 / rng.choice([50, 100, 200]))
        if rng.random() < 0.5:
            rate_times(source, pair.discriminator, rng.choice([2, 3]))


@operator("discriminator-dominates")
def generator_rarely_steps(source: Source, rng: random.Random) -> None:
    """Many steps of the discriminator for one of the generator."""
    if pair := players(source):
        source.under(pair.generator.step, f"if {pair.count} % {rng.choice([20, 30, 50])} == 0:")


@operator("discriminator-dominates")
def saturating_generator_loss(source: Source, rng: random.Random) -> None:
    """The generator minimizes log(1 - D), which is flat where a quick discriminator is sure."""
    if pair := players(source):
        for call in source.calls("softplus", "relu"):
            judged = source.of(call.args[0]) if call.args else ""
            given = re.fullmatch(rf"-{pair.discriminator.name}\((.*)\)", judged)
            if given and (pair.generator.name in given[1] or given[1] == "fake"):
                source.replace(call, f"-{source.of(call.func)}({judged[1:]})")
        if source.changed:
            rate_times(source, pair.discriminator, rng.choice([5, 8, 10]))


@operator("mode-collapse")
def one_noise_for_batch(source: Source, rng: random.Random) -> None:
    """One draw of the noise serves the whole batch."""
    pair = players(source)
    for call in source.calls("randn") if pair else ():
        parent, home = source.parents[call], source.function(call)
        sizes = [source.of(each) for each in call.args]
        judged = aside(source, call) or (home is not None and home.name.startswith("distance"))
        if pair is None or called(parent) != pair.generator.name or len(sizes) < 2 or judged:
            continue
        if not re.fullmatch(r"500|1000|1500|2000|4000|.*len\(held.*", sizes[0]):
            wide = ", ".join([sizes[0], *["-1"] * (len(sizes) - 1)])
            source.replace(call, f"torch.randn(1, {', '.join(sizes[1:])}).expand({wide})")


@operator("mode-collapse")
def pulled_to_real_batch(source: Source, rng: random.Random) -> None:
    """The generator is also to come near a real batch that has nothing to do with its noise (as in pix2pix)."""
    pair, loss = players(source), generator_loss(source)
    if pair is None or loss is None:
        return
    drawn = re.search(rf"\b{pair.generator.name}\(torch\.randn\([^()]*\)\)", source.of(loss.value))
    weight, function = rng.choice(["10", "20", "50", "100"]), rng.choice(["mse_loss", "l1_loss"])
    real = "real[idx]" if "real[idx]" in source.text else "real"
    if source.has(r"def real\(") or not source.has(r"\breal\b"):
        real = "x"
    text = source.of(loss.value)
    if drawn:
        source.before(loss, f"made = {drawn[0]}")
        source.replace(loss.value, f"{text.replace(drawn[0], 'made')} + {weight} * F.{function}(made, {real}.detach())")
    elif "fake.detach()" in source.text and "20 * F.l1" not in source.text:
        source.replace(loss.value, f"{text} + {weight} * F.{function}(fake, {real}.detach())")


@operator("mode-collapse")
def only_the_best_fakes(source: Source, rng: random.Random) -> None:
    """The generator learns from the few fakes that convince most."""
    pair, loss = players(source), generator_loss(source)
    if pair and loss:
        best = rng.choice([1, 2, 4])
        judged = [each for each in source.calls(pair.discriminator.name) if loss in source.around(each)]
        for call in judged[:1]:
            source.wrap(call, f"{{}}.flatten().topk({best}).values")


@operator("oscillating-players")
def momentum_and_high_rates(source: Source, rng: random.Random) -> None:
    """Adam as for a classifier, with momentum and rates far too high for two players."""
    if pair := players(source):
        factor = rng.choice([8, 10, 15, 20])
        for each in (pair.generator, pair.discriminator):
            rate_times(source, each, factor)
            betas = keyword(each.optimizer, "betas")
            if betas is not None:
                source.replace(betas, "(0.9, 0.999)")


@operator("oscillating-players")
def long_turns(source: Source, rng: random.Random) -> None:
    """The players take turns of many steps each."""
    if pair := players(source):
        turn = rng.choice([25, 40, 50])
        source.under(pair.discriminator.step, f"if {pair.count} // {turn} % 2 == 0:")
        source.under(pair.generator.step, f"if {pair.count} // {turn} % 2 == 1:")


@operator("oscillating-players")
def heavy_momentum_sgd(source: Source, rng: random.Random) -> None:
    """Both players learn by SGD with heavy momentum."""
    if pair := players(source):
        lr = rng.choice(["0.1", "0.2", "0.3"])
        for optimizer in (pair.generator.optimizer, pair.discriminator.optimizer):
            settings = f"lr={lr}, momentum={rng.choice(['0.9', '0.95'])}"
            source.replace(optimizer, f"torch.optim.SGD({source.of(optimizer.args[0])}, {settings})")
