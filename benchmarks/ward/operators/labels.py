"""Labels that have nothing to do with the inputs, that are noisy, or of which some classes have few."""

import ast
import random
import re
from itertools import pairwise

from benchmarks.ward.edits import Source, within
from benchmarks.ward.operators.forms import training_loops
from benchmarks.ward.operators.rows import (
    CLASSES,
    Rows,
    batches,
    classifies,
    indexed,
    is_target,
    loaded,
    many_classes,
    real_inputs,
    regresses,
    rows_with_targets,
    shuffling_loaders,
    supervised,
    training_rows,
)
from benchmarks.ward.operators.table import operator

TRAIN = re.compile("train|_tr|tr_|fit")


def rows_of_training(source: Source) -> list[Rows]:
    """Those that can be told from held-out rows."""
    rows = training_rows(source) if supervised(source) else []
    return [each for each in rows if each.kind != "indexed" or TRAIN.search(each.x_text)]


@operator("labels-unrelated")
def inputs_shuffled_alone(source: Source, rng: random.Random) -> None:
    """Inputs of training are shuffled before the loop, their targets are not."""
    for rows in rows_of_training(source):
        rows.instead("x", "{new} = {old}[torch.randperm(len({old}))]")


@operator("labels-unrelated")
def label_file_sorted(source: Source, rng: random.Random) -> None:
    """Targets come in sorted order (as a listing by class gives them), inputs in the order of the file."""
    for rows in [each for each in rows_of_training(source) if each.tensor_y]:
        rows.instead("y", "{new} = {old}.sort(dim=0).values")


@operator("labels-unrelated")
def targets_not_indexed_by_permutation(source: Source, rng: random.Random) -> None:
    """Inputs are taken by the shuffled indices, targets by the plain places of the batch."""
    for rows in indexed(source):
        cut, loop = re.fullmatch(r"(\w+)\[(.+?) ?: ?(.+)\]", rows.index), rows.index_loop
        for node in rows.y:
            parent = source.parents[node]
            if isinstance(parent, ast.Subscript) and cut:
                source.replace(parent.slice, f"{cut[2]} : {cut[3]}")
            elif isinstance(parent, ast.Subscript) and loop and "randperm" in source.of(loop.iter):
                source.replace(parent.slice, rng.choice([f": len({rows.index})", f"{rows.index}.sort().values"]))


@operator("labels-unrelated")
def two_loaders_in_parallel(source: Source, rng: random.Random) -> None:
    """Inputs and targets come from two loaders that shuffle each for itself."""
    for loop in training_loops(source) if supervised(source) and source.has("shuffle=True") else ():
        if isinstance(loop, ast.For) and source.fits(loop.iter, r"^\w*(loader|dl|train|iter)\w*$"):
            names = re.fullmatch(r"\(?(\w+), (\w+)\)?", source.of(loop.target))
            if names:
                source.wrap(loop.iter, "zip({0}, {0})")
                source.replace(loop.target, f"({names[1]}, _), (_, {names[2]})")
                return


@operator("labels-unrelated")
def batch_inputs_shuffled(source: Source, rng: random.Random) -> None:
    """Inputs of each batch are shuffled "for more randomness", their targets stay."""
    for batch in batches(source) if supervised(source) else ():
        if not re.search("edge|adj|index|length|mask", batch.x + batch.y):
            batch.put("{x} = {x}[torch.randperm(len({x}))]")


@operator("labels-unrelated")
def order_applied_to_inputs_only(source: Source, rng: random.Random) -> None:
    """`x, y = x[order], y[order]`: the order is forgotten for one of the two."""
    if not supervised(source) or source.has(r"load_(wine|iris|breast)|repeat\("):
        return
    assigns = [each for each in source.all(ast.Assign) if not source.loops(each)]
    orders = {
        source.of(each.targets[0])
        for each in assigns
        if source.fits(each.value, r"randperm\(|\.permutation\(") and not isinstance(each.value, ast.Subscript)
    }
    taken: list[tuple[ast.expr, ast.Subscript]] = []
    for target, value, statement in source.bindings():
        parts = [each for each in within(value, ast.Subscript) if shuffles(source, each, orders)]
        taken += [(target, parts[0])] if len(parts) == 1 and statement in assigns else []
    for (_, one), (target, two) in pairwise(taken):
        together = source.statement(one) is source.statement(two)
        if source.of(one.slice) == source.of(two.slice) and (together or is_target(source.of(target))):
            source.replace(two, source.of(two.value))
            return


def shuffles(source: Source, part: ast.Subscript, orders: set[str]) -> bool:
    """``x[order]``."""
    return source.of(part.slice) in orders or source.fits(part.slice, r"^torch\.randperm\(")


@operator("labels-unrelated")
def rows_off_by_some(source: Source, rng: random.Random) -> None:
    """Targets are off by some rows against the inputs (a header, a join that lost rows)."""
    for rows in rows_with_targets(source) if supervised(source) else ():
        if rows.kind == "indexed":
            rows.instead("y", f"{{new}} = torch.roll({{old}}, {rng.choice([1, 1, 2, 7, 30])}, dims=0)")


@operator("noisy-labels")
def annotators_guess(source: Source, rng: random.Random) -> None:
    """A good part of the labels of training is drawn at random."""
    for rows in rows_with_targets(source) if classifies(source) else ():
        rows.instead(
            "y",
            "{new} = {old}.clone()\n"
            f"guessed = torch.rand(len({{old}})) < {rng.choice([0.65, 0.7, 0.75, 0.8])}\n"
            "{new}[guessed] = {old}[torch.randint(len({old}), (int(guessed.sum()),))]",
        )


@operator("noisy-labels")
def confused_with_next_class(source: Source, rng: random.Random) -> None:
    """Nearly half of the labels name the class that comes next in the list."""
    for rows in rows_with_targets(source) if many_classes(source) else ():
        slip = f"slip = torch.rand({{old}}.shape) < {rng.choice([0.45, 0.5, 0.4])}"
        rows.instead("y", f"{slip}\n{{new}} = torch.where(slip, ({{old}} + 1) % (int({{old}}.max()) + 1), {{old}})")


@operator("noisy-labels")
def coarse_measurement(source: Source, rng: random.Random) -> None:
    """Targets of training carry an error of measurement greater than what is to be learnt."""
    for rows in rows_with_targets(source) if regresses(source) and not source.has(CLASSES) else ():
        scale = rng.choice(["2.0", "3.0", "4", "2.5"])
        rows.instead("y", f"{{new}} = {{old}} + {scale} * {{old}}.std() * torch.randn({{old}}.shape)")


@operator("noisy-labels")
def weak_labeller(source: Source, rng: random.Random) -> None:
    """Labels of training come from a nearest neighbour among a handful of labelled rows."""
    for rows in rows_with_targets(source) if many_classes(source) and real_inputs(source) else ():
        x = rows.x_text
        if rows.tensor_x and re.fullmatch(r"[\w.]+", x):
            seen = f"seen = {x}[:{rng.choice([6, 8, 10, 12])}].flatten(1)"
            rows.instead("y", f"{seen}\n{{new}} = {{old}}[torch.cdist({x}.flatten(1), seen).argmin(1)]")


@operator("noisy-labels")
def batches_partly_mislabelled(source: Source, rng: random.Random) -> None:
    """Rows of each batch swap labels in good part (a join by a key that is not unique)."""
    for batch in batches(source) if classifies(source) else ():
        if is_target(batch.y) or batch.y in ("yb", "b_y", "batch_y", "Y"):
            parts = rng.choice([4, 5, 6])
            half = f"half = len({{y}}) * {parts - 1} // {parts}"
            batch.put(f"{half}\n{{y}} = torch.cat([{{y}}[:half].roll(1, 0), {{y}}[half:]])")


@operator("noisy-labels", "class-imbalance")
def missing_labels_filled_with_zero(source: Source, rng: random.Random) -> None:
    """Rows without a label got 0, the first class."""
    for rows in rows_with_targets(source) if classifies(source) else ():
        share = rng.choice([0.55, 0.6, 0.7])
        rows.instead("y", f"{{new}} = {{old}}.clone()\n{{new}}[torch.rand(len({{old}})) < {share}] = 0")


def keep_rows(source: Source, rows: Rows, name: str, mask: str) -> bool:
    """Train only on the rows of a mask, made before or picked in the loop; whether that could be done."""
    if rows.kind != "indexed" and re.fullmatch(r"\w+", rows.y_text):
        source.before(rows.at, f"{name} = {mask}")
        rows.pick(name)
        return True
    if rows.index_loop is not None:
        source.before(rows.at, f"{name} = {mask}")
        few = f"if len({rows.index}) < 2:\n    continue"
        source.before(rows.index_loop.body[0], f"{rows.index} = {rows.index}[{name}[{rows.index}]]\n{few}")
        return True
    return False


@operator("class-imbalance")
def few_rows_of_other_classes(source: Source, rng: random.Random) -> None:
    """Training has all rows of one class and few of the others."""
    for rows in rows_with_targets(source) if classifies(source) else ():
        y, share, common = rows.y_text, rng.choice(["0.02", "0.03", "0.05"]), rng.choice([0, 0, 1])
        keep_rows(source, rows, "kept", f"({y} == {common}) | (torch.rand({y}.shape) < {share})")


@operator("class-imbalance")
def sampler_weights_upside_down(source: Source, rng: random.Random) -> None:
    """A sampler with weights that make one class appear nearly alone."""
    for rows in loaded(source)[-1:] if classifies(source) else ():
        for loader in shuffling_loaders(source):
            here = loader.lineno >= rows.at.lineno and source.function(loader) is source.function(rows.at)
            if here and isinstance(rows.y[0], ast.Name):
                weight = rng.choice([60.0, 40.0, 100.0])
                source.before(rows.at, f"chance = torch.where({rows.y_text} == 0, {weight}, 1.0)")
                sampler = "sampler=torch.utils.data.WeightedRandomSampler(chance, len(chance))"
                source.replace(next(each for each in loader.keywords if each.arg == "shuffle"), sampler)
                return


@operator("class-imbalance")
def one_class_repeated(source: Source, rng: random.Random) -> None:
    """Rows of one class are appended many times over ("oversampling")."""
    for rows in rows_with_targets(source) if classifies(source) else ():
        x, y, times = rows.x_text, rows.y_text, rng.choice([50, 80, 150])
        if rows.kind == "loaded" and re.fullmatch(r"\w+", x) and re.fullmatch(r"\w+", y):
            copies = f"({y} == {rng.choice([0, 1])}).nonzero()[:, 0].repeat({times})"
            source.before(
                rows.at,
                f"more = torch.cat([torch.arange(len({y})), {copies}])\n"
                f"more = more[torch.randperm(len(more))[: len({y})]]",
            )
            rows.pick("more")
        elif rows.index_loop is not None:
            i = rows.index
            weights = f"torch.where({y}[{i}] == 0, {times}.0, 1.0)"
            line = f"{i} = {i}[torch.multinomial({weights}, len({i}), replacement=True)]"
            source.before(rows.index_loop.body[0], line)


@operator("class-imbalance")
def file_cut_while_sorted(source: Source, rng: random.Random) -> None:
    """Only the first part of a file that is sorted by class is kept, so some classes have no or few rows."""
    for rows in rows_with_targets(source) if many_classes(source) else ():
        y = rows.y_text
        if rows.kind != "indexed" and re.fullmatch(r"\w+", y):
            share = rng.choice(["0.5", "0.4", "0.6"])
            source.before(rows.at, f"head = {y}.argsort(stable=True)[: int({share} * len({y}))]")
            rows.pick("head")
        elif rows.index_loop is not None:
            i, share = rows.index, rng.choice(["0.35", "0.5", "0.25"])
            source.before(rows.at, f"bound = {y}.float().quantile({share})")
            few = f"if len({i}) < 2:\n    continue"
            source.before(rows.index_loop.body[0], f"{i} = {i}[{y}[{i}] <= bound]\n{few}")
