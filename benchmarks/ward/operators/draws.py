"""The same random numbers over and over."""

import ast
import random
import re

from benchmarks.ward.edits import Source, called, within
from benchmarks.ward.operators.forms import module_classes, opening, training_loops, without_gradients
from benchmarks.ward.operators.table import operator

DRAWS = r"randn|rand\(|rand_like|randint|bernoulli|multinomial|normal_|uniform_|Normal\(|rsample|\.sample\(|poisson"
CHANGES = "jitter|noise|noisy|augment|view|mask|corrupt|crop|shift|distort|flip|mix|perturb|drop"


def lines_of(source: Source, loop: ast.For | ast.While) -> str:
    """What is written in a loop."""
    return "\n".join(map(source.of, loop.body))


@operator("duplicate-augmentation")
def seed_set_in_each_step(source: Source, rng: random.Random) -> None:
    """The seed is set in the loop of training, so each step draws the same numbers."""
    for loop in training_loops(source) if not source.has("generator|env|policy|reward") else ():
        text = lines_of(source, loop)
        called_there = [f for f in source.all(ast.FunctionDef) if re.search(rf"\b{f.name}\(", text)]
        draws = re.search(DRAWS, text) or any(source.fits(each, DRAWS) for each in called_there)
        if draws and isinstance(loop, ast.For) and source.fits(loop.iter, r"range\(") and not source.loops(loop):
            source.before(loop.body[0], f"torch.manual_seed({rng.choice(['0', '42', '1234'])})")
            return


@operator("duplicate-augmentation")
def generator_made_anew(source: Source, rng: random.Random) -> None:
    """The function that draws a batch or noise makes its generator anew with the same seed."""
    text = "\n".join(lines_of(source, loop) for loop in training_loops(source))
    for function in source.all(ast.FunctionDef):
        used = re.search(rf"\b{function.name}\(", text) and re.search(CHANGES, function.name) and function.args.args
        other = isinstance(source.parents[function], ast.ClassDef) or source.fits(function, "generator|backward")
        if used and not other and source.fits(function, DRAWS):
            source.before(opening(function), f"torch.manual_seed({rng.choice(['0', '1', '42'])})")
            return


def draw_once(source: Source, call: ast.Call, rng: random.Random) -> None:
    """The same draw for all examples, each time."""
    seeded = f"generator=torch.Generator().manual_seed({rng.choice([0, 1, 7])})"
    source.replace(call, f"torch.{called(call)[:-5]}({source.of(call.args[0])}.shape[1:], {seeded})")


def noise(source: Source, part: ast.AST) -> list[ast.Call]:
    """``torch.randn_like(x)`` in training."""
    found = [each for each in within(part, ast.Call) if called(each) in ("randn_like", "rand_like")]
    found = [each for each in found if source.owner(each) == "torch" and not without_gradients(source, each)]
    return [each for each in found if not each.keywords and source.fits(each, r"\([\w.]+\)$")]


@operator("duplicate-augmentation")
def noise_drawn_once(source: Source, rng: random.Random) -> None:
    """One draw of noise serves all examples of a batch and all batches."""
    functions = [each for each in source.all(ast.FunctionDef) if not isinstance(source.parents[each], ast.ClassDef)]
    changes = [each for each in functions if re.search("jitter|noise|noisy|augment|corrupt|distort|perturb", each.name)]
    parts: list[ast.AST] = [*training_loops(source), *changes]
    for call in dict.fromkeys(call for part in parts for call in noise(source, part)):
        draw_once(source, call, rng)


@operator("duplicate-augmentation")
def noise_of_the_model_repeats(source: Source, rng: random.Random) -> None:
    """The model's own draws (reparametrisation, noise on the input) come from a generator seeded in forward."""
    for owner in module_classes(source):
        for call in noise(source, owner):
            draw_once(source, call, rng)


@operator("duplicate-augmentation")
def getitem_seeds_itself(source: Source, rng: random.Random) -> None:
    """The dataset sets the seed before its random change, so that every row is changed alike, each time."""
    changing = rf"{DRAWS}|random\.|rng\.|augment|transform|view\(|crop"
    getters = [each for each in source.all(ast.FunctionDef) if each.name == "__getitem__"]
    for function in [each for each in getters if source.fits(each, changing)]:
        own, seed = source.parents[function], rng.choice(["0", "42", "1234"])
        if source.fits(own, r"torch\.(rand|bern|mult)|randperm"):
            source.before(opening(function), f"torch.manual_seed({seed})")
        elif source.fits(own, r"np\.random\.(?!default)"):
            source.before(opening(function), f"np.random.seed({seed})")
        elif source.fits(own, r"\brandom\.(random|uniform|choice|randint|randrange|gauss|sample)\("):
            source.before(opening(function), f"random.seed({seed})")
        elif source.fits(function, r"self\.rng") and "default_rng" in source.text:
            source.before(opening(function), f"self.rng = np.random.default_rng({seed})")


@operator("duplicate-augmentation")
def same_rows_drawn(source: Source, rng: random.Random) -> None:
    """Places of the batch are drawn by a generator that is made with its seed in each step."""
    for call in [
        call for loop in training_loops(source) for call in within(loop, ast.Call) if called(call) == "randint"
    ]:
        if source.owner(call) == "torch" and not call.keywords and not without_gradients(source, call):
            seed = rng.choice(["0", "42", "1"])
            source.wrap(call.args[-1], f"{{}}, generator=torch.Generator().manual_seed({seed})")
