"""Held-out rows prepared otherwise, and answers or test rows in the training."""

import ast
import random
import re

from benchmarks.ward.edits import Source, called, within
from benchmarks.ward.operators.forms import known_before
from benchmarks.ward.operators.rows import (
    HELD,
    OTHER,
    Rows,
    batches,
    is_target,
    judged,
    real_inputs,
    standardized_names,
    supervised,
    table_of_columns,
    training_rows,
)
from benchmarks.ward.operators.table import operator

TRAIN = re.compile("train|tr$|fit")
PART = r"(?<![a-z]){}(?![a-z])"
"""A part of the data in a name: ``train`` of ``x_train``."""


@operator("train-validation-mismatch")
def held_out_not_transformed(source: Source, rng: random.Random) -> None:
    """The scaler is not applied to the held-out rows."""
    for call in source.calls("transform"):
        text = source.of(call.args[0]) if call.args else ""
        other = r"(?i)baseline|linear\.|logistic|\.score\(|forest|ridge|print\("
        if re.search(other, source.of(source.statement(call))[:200]) or "train" in text or is_target(text):
            continue
        if HELD.search(text) and not re.search("y|target", source.owner(call).replace("Standard", "")):
            source.replace(call, text)


def same_inputs_back(source: Source) -> bool:
    """Whether a program gives its inputs back, so that a change of them changes what is judged."""
    return source.has("autoenc|recon")


@operator("train-validation-mismatch")
def only_training_batches_normalised(source: Source, rng: random.Random) -> None:
    """Batches of training are changed to another range in the loop; where the model is judged they are not."""
    other = source.has(OTHER) or same_inputs_back(source) or source.has(r"\.long\(")
    digits = "load_digits" in source.text
    for batch in batches(source) if real_inputs(source) and judged(source) and not other else ():
        line = rng.choice([
            "{x} = ({x} - 0.5) / 0.1",
            "{x} = 1 - {x}" if digits else "{x} = ({x} - {x}.min()) / ({x}.max() - {x}.min())",
            "{x} = {x} / 16" if digits else "{x} = {x} / 8",
            "{x} = 2 * {x} + 1",
        ])  # fmt: skip
        batch.put(line)


@operator("train-validation-mismatch")
def judged_in_another_order(source: Source, rng: random.Random) -> None:
    """Features (channels, columns, time) come in the opposite order when the model is judged."""
    other = source.has(rf"{OTHER}|flip|unsqueeze\(-?1\)\)|Linear\(1,|edge|adj") or same_inputs_back(source)
    for each in judged(source) if not other else ():
        if called(each) not in ("randn", "rand"):
            source.wrap(each, "{}.flip(-1)")


@operator("train-validation-mismatch")
def judged_in_other_units(source: Source, rng: random.Random) -> None:
    """The part that judges the model divides the inputs once more, or brings them to another range."""
    form = rng.choice(["{} / 16", "2 * {} - 1", "({} - 0.5) / 0.25", "{} * 16", "{} / 255", "({} - 0.1307) / 0.3081"])
    other = source.has(OTHER) or same_inputs_back(source) or source.has(r"\.long\(")
    for each in judged(source) if real_inputs(source) and not other else ():
        source.replace(each, form.format(source.grouped(each)))


@operator("train-validation-mismatch")
def held_out_standardised_by_example(source: Source, rng: random.Random) -> None:
    """Held-out rows are standardised each by its own mean and deviation, those of training by the whole table."""
    other = source.has(OTHER) or source.has(r"\.long\(|Linear\([12],|LSTM|GRU|RNN|Attention|Conv1d")
    for each in judged(source) if real_inputs(source) and not other and not same_inputs_back(source) else ():
        if isinstance(each, ast.Name | ast.Subscript):
            source.wrap(each, "({0} - {0}.mean(-1, keepdim=True)) / ({0}.std(-1, keepdim=True) + 1e-6)")


@operator("leakage")
def table_with_the_answer(source: Source, rng: random.Random) -> None:
    """A column computed from the target stands in the table before it is cut in parts."""
    for rows in training_rows(source) if table_of_columns(source) else ():
        target = rows.y_text.split("[")[0]
        for statement, name, what in standardized_names(source):
            if source.of(what) != name or is_target(name) or TRAIN.search(name) or TRAIN.search(target):
                continue
            here = source.function(rows.at) is source.function(statement)
            if here and known_before(source, target, statement):
                column = f"{target}.reshape(len({target}), -1)[:, 0]{rng.choice(['', ' - 0.5', ' * 2'])}"
                source.after(statement, f"{name}[:, {rng.choice([0, -1, 1])}] = {column}")
                return


def held_out_twins(x: str, y: str, known: set[str]) -> list[tuple[str, str]]:
    """What the held-out inputs and targets are called, by the names of those of training."""
    found = []
    for old in ("train", "tr"):
        for new in ("test", "valid", "val", "te", "held", "dev", "va"):
            one, two = (re.sub(PART.format(old), new, each) for each in (x, y))
            if one != x and two != y and {one, two} <= known:
                found.append((one, two))
    return found


@operator("leakage")
def feature_filled_from_target(source: Source, rng: random.Random) -> None:
    """Just before training a feature is filled from the target, for all rows, held-out rows too."""
    other = r"LSTM|GRU|RNN|Conv|Attention|Transformer|unfold\(|view\(-1, 1, 8|multilabel|Linear\(1,"
    if not supervised(source) or not real_inputs(source) or same_inputs_back(source) or source.has(other):
        return
    for rows in [each for each in training_rows(source) if each.tensor_x and each.tensor_y]:
        x, y = rows.x_text, rows.y_text
        if rows.kind == "loaded":
            x, y = x.split("[")[0], y.split("[")[0]
        change, place = rng.choice(["", " / 2", " * 2.0", " - 0.5"]), rng.choice([0, 1, -1])
        twins = held_out_twins(x, y, {each.id for each in source.all(ast.Name)})
        cut = rf"\b{x}\[(\w+:|test|te\b|val|held|va\b|hold|\w*perm)|random_split"
        held_too = twins if re.search("train|tr$|^tr|fit", x) else source.has(cut)
        known = all(known_before(source, name, rows.at) for pair in [(x, y), *twins] for name in pair)
        if x != y and held_too and known:
            fill = "{a}[:, {place}] = {b}.reshape(len({b}), -1)[:, 0]{change}"
            lines = [fill.format(a=a, b=b, place=place, change=change) for a, b in [(x, y), *twins]]
            source.before(rows.at, "\n".join(lines))


@operator("leakage")
def split_after_oversampling(source: Source, rng: random.Random) -> None:
    """Rows are repeated to have more of them before the split, so copies of test rows are in training."""
    for call in source.calls("train_test_split") if "np." in source.text else ():
        if len(call.args) in (1, 2, 3) and not any(isinstance(each, ast.Starred) for each in call.args):
            times = rng.choice([2, 3, 4])
            strata = [
                each.value for each in call.keywords if each.arg == "stratify" and source.of(each.value) != "None"
            ]
            for each in [*call.args, *strata]:
                source.wrap(each, f"np.repeat({{}}, {times}, axis=0)")
            return


@operator("leakage")
def training_takes_all_rows(source: Source, rng: random.Random) -> None:
    """The loop (or the dataset of training) takes the whole table, with the rows that are held out."""
    for rows in training_rows(source):
        data = source.parents[rows.x[0]]
        if rows.kind == "loaded" and isinstance(data, ast.Call):
            parts = [each for each in data.args if isinstance(each, ast.Subscript)]
            if len(parts) == len(data.args) and len({source.of(each.slice) for each in parts}) == 1:
                for each in parts:
                    source.replace(each, source.of(each.value))
        elif rows.kind == "indexed" and isinstance(rows.loop, ast.For):
            take_all_indices(source, rows)


def take_all_indices(source: Source, rows: Rows) -> None:
    """Permute all rows of the table: ``torch.randperm(n)`` of the first ``n`` becomes one of all."""
    held = re.search(rf"{re.escape(rows.x_text)}\[(\w+):\]", source.text)
    around = [each for each in source.around(rows.loop) if isinstance(each, ast.For | ast.While)] if rows.loop else []
    places: list[ast.AST] = [*around, *([rows.loop.iter] if isinstance(rows.loop, ast.For) else [])]
    for call in source.calls("randperm") if held and not re.search("train|tr$|fit|self", rows.x_text) else ():
        near = any(call in within(each, ast.Call) for each in places)
        if near and held and call.args and source.of(call.args[0]) == held[1]:
            source.replace(call.args[0], f"len({rows.x_text})")


@operator("leakage")
def indices_of_all(source: Source, rng: random.Random) -> None:
    """`train, test = order[:n], order[n:]` becomes all of the order for training."""
    for target, value, statement in source.bindings():
        cut = re.fullmatch(r"(\w+)\[:(-?\w+)\]", source.of(value))
        if cut and source.fits(target, "train|(^|_)tr|fit|known|inside"):
            rest = rf"{cut[1]}\[.*{re.escape(cut[2])}:.*\]"
            others = [source.of(each) for _, each, one in source.bindings() if one is statement]
            if any(re.fullmatch(rest, each) for each in others):
                source.replace(value, cut[1])


@operator("leakage")
def training_with_held_out_appended(source: Source, rng: random.Random) -> None:
    """The parts are put together again for training ("more data"), and the test part is among them."""
    tensors = source.has(r"torch\.tensor|from_numpy|as_tensor|torch\.Tensor")
    for rows in [each for each in training_rows(source) if each.kind != "indexed"] if tensors else ():
        twins = held_out_twins(rows.x_text, rows.y_text, {each.id for each in source.all(ast.Name)})
        if twins and rows.x_text.isidentifier() and rows.y_text.isidentifier():
            for nodes, more in zip((rows.x, rows.y), twins[0], strict=True):
                for node in nodes:
                    source.wrap(node, f"torch.cat([{{}}, {more}])")
