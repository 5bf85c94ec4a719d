"""Inputs, targets and columns of the wrong scale."""

import ast
import random
import re

from benchmarks.ward.edits import Source, called, subject
from benchmarks.ward.operators.rows import (
    CLASSES,
    NUMBERS,
    is_target,
    made_rows,
    outer_forward,
    pixels,
    put_first,
    real_inputs,
    regresses,
    standardized,
    standardized_names,
    statistics,
    supervised,
    table_of_columns,
    training_rows,
)
from benchmarks.ward.operators.table import operator


def raw_units(source: Source) -> bool:
    """Whether columns come with units of their own, some of them large."""
    draws = r"(uniform|normal|integers|gamma|lognormal|exponential|poisson)\([^)\n]*\b[1-9]\d{1,}(\.\d*)?\b[^)\n]*\)"
    scaled = r"\b\d{2,}(\.\d+)? ?[+*] ?[\d.]* ?\*? ?(rng|torch|np)\."
    return source.has(rf"load_(wine|breast_cancer)\(|{draws}|{scaled}")


def is_scaled(source: Source) -> bool:
    """Whether the inputs are standardized."""
    return bool(standardized(source)) or source.has("(?i)scaler")


def about_targets(source: Source, text: str) -> bool:
    """Whether this is about the targets, by its name or since they are trained on."""
    root = re.split(r"[\[.( ]", text)[0]
    rows = training_rows(source)
    return is_target(text) or any(root in re.findall(r"\w+", e.y_text) and root not in e.x_text for e in rows)


def input_scalers(source: Source) -> list[ast.Call]:
    """Calls of ``transform`` on inputs."""
    found = []
    for call in source.calls("transform", "fit_transform"):
        scaler = source.owner(call).replace("Standard", "")
        own = re.search(r"[sS]cal|\bsc\b|^sx$", scaler) and not re.search("y|target|out", scaler)
        if own and call.args and not call.keywords and not is_target(source.of(call.args[0])):
            found.append(call)
    return found


@operator("unscaled-inputs")
def pixels_as_bytes(source: Source, rng: random.Random) -> None:
    """Pixels stay at 0 to 255 instead of being divided by their greatest value."""
    for each, top in pixels(source) if "load_digits" in source.text else ():
        if top.value in (8, 16):
            source.replace(each, f"{source.grouped(each.left)} * {rng.choice(['(255 / 16)', '16', '15.9375'])}")
        else:
            source.replace(each, source.of(each.left))


@operator("unscaled-inputs")
def bytes_in_forward(source: Source, rng: random.Random) -> None:
    """The model turns its inputs into the units of another framework's layer first."""
    if found := outer_forward(source):
        forward, x = found
        other = rf"\b{x}\.long\(|F\.normalize\({x}|{x} / |MultiheadAttention|GRU\(1,|LSTM\(1,"
        if not source.fits(forward, other) and not source.fits(
            source.parents[forward], "BatchNorm|LayerNorm|GroupNorm"
        ):
            put_first(source, forward, f"{x} = {x} * {rng.choice(['255.0', '100.0', '128.0', '1000.0', '300.0'])}")


@operator("unscaled-inputs")
def generated_in_small_units(source: Source, rng: random.Random) -> None:
    """The function that makes the data gives inputs in small units (millimetres, cents): large numbers."""
    factor = rng.choice([300, 1000, 250, 500, 3600])
    if supervised(source) and real_inputs(source) and not is_scaled(source) and "BatchNorm" not in source.text:
        for _, x, _ in made_rows(source):
            if not is_target(source.of(x)) and not source.fits(x, "long|index|ids|token|word|adj|edge|embed"):
                source.replace(x, f"{factor} * {source.grouped(x)}")


@operator("unscaled-inputs", "feature-scale")
def scaler_fitted_but_not_used(source: Source, rng: random.Random) -> None:
    """The scaler is fitted, and then the raw features go on."""
    for call in input_scalers(source) if raw_units(source) else ():
        if isinstance(subject(call), ast.Name) or called(call) == "transform":
            source.replace(call, source.of(call.args[0]))


@operator("unscaled-inputs", "feature-scale")
def statistics_of_template(source: Source, rng: random.Random) -> None:
    """Mean and deviation are constants of a template (for pixels in another unit), so that inputs are far from 1."""
    for value, mean in statistics(source) if "BatchNorm" not in source.text else ():
        if not about_targets(source, mean) and not re.search("adv|draw|pred|out|return|score|sample|loss|log_", mean):
            source.replace(value, rng.choice(["0.0, 1 / 255", "0.0, 0.01", "0.5, 1 / 128", "0.0, 0.003"]))


@operator("unscaled-inputs", "feature-scale")
def standardization_dropped(source: Source, rng: random.Random) -> None:
    """`x = (x - mean) / std` is left out, or a change of units (percent, milli) stands in its place."""
    factor, changed = rng.choice(["100", "255", "1000", "300"]), rng.random() < 0.6 or not raw_units(source)
    for each, what in standardized(source) if "BatchNorm" not in source.text else ():
        other = source.fits(what, r"adv|return|reward|loss|out|pred|score|log_|h$|noise|series|z$")
        if other or about_targets(source, source.of(what)):
            continue
        parent = source.parents[each]
        if isinstance(parent, ast.Assign) and not changed and source.of(parent.targets[0]) == source.of(what):
            source.delete(parent)
        else:
            source.replace(each, f"{factor} * {source.of(what)}" if changed else source.of(what))


def free_of_units(source: Source) -> bool:
    """Regression whose score does not depend on the unit of the targets."""
    return regresses(source) and source.has(r"r2|R2|R²|\.var\(|explained")


@operator("unscaled-targets")
def targets_in_small_units(source: Source, rng: random.Random) -> None:
    """The function that makes the data gives targets in their raw unit, far from zero and large."""
    if free_of_units(source) and not source.has(CLASSES) and not source.has("standardi|y_std|y_mean|sd_y"):
        units = [("1000", " + 5000"), ("2000", ""), ("500", " + 10000"), ("5000", " + 20000"), ("3600", "")]
        for _, _, y in made_rows(source):
            factor, offset = rng.choice(units)
            source.replace(y, f"{factor} * {source.grouped(y)}{offset}")


@operator("unscaled-targets")
def target_standardization_dropped(source: Source, rng: random.Random) -> None:
    """`y = (y - mean) / std` is left out, or the mean alone is taken off, the targets stay in dollars or grams."""
    if not source.has(CLASSES) or free_of_units(source):
        for statement, name, what in standardized_names(source):
            if is_target(source.of(what)) and not source.has(r"\* ?(y_)?(std|sd|sigma|scale)"):
                scale = rng.choice(["1000", "250", "400"])
                raw = f"{scale} * {source.of(what)} + {rng.choice(['500', '2000', '0'])}"
                same = name == source.of(what)
                source.replace(statement.value, raw if same or rng.random() < 0.8 else source.of(what))


@operator("unscaled-targets")
def target_statistics_of_template(source: Source, rng: random.Random) -> None:
    """The targets' mean and deviation are replaced by a fixed unit (grams for kilograms), far from what suits them."""
    for value, mean in statistics(source) if source.has(NUMBERS) else ():
        if is_target(mean):
            source.replace(value, rng.choice(["0.0, 0.001", "0.0, 0.01", "0.0, 1 / 365", "-5.0, 0.005"]))


@operator("feature-scale")
def one_mean_for_all_columns(source: Source, rng: random.Random) -> None:
    """One mean and one deviation over the whole table instead of one for each column."""
    for call in source.calls("mean", "std") if table_of_columns(source) and raw_units(source) else ():
        arguments = ", ".join(map(source.of, [*call.args, *call.keywords]))
        statement, table = source.statement(call), source.owner(call)
        if not re.fullmatch(r"(0|axis=0|dim=0)(, keepdims?=True)?", arguments) or not isinstance(statement, ast.Assign):
            continue
        both = source.fits(statement, r"\.std\(") and source.fits(statement, "/|[mM]ean")
        if both and not is_target(table) and not re.search("propert|output|^Y", table):
            if not source.fits(statement, "score"):
                source.replace(call, f"{table}.{called(call)}()")


@operator("feature-scale")
def some_columns_in_other_units(source: Source, rng: random.Random) -> None:
    """In the function that makes the data a column or two are left in their units (dollars, seconds)."""
    factor = rng.choice(["1000", "5000", "20000", "3600", "1500"])
    for each, x, _ in made_rows(source) if table_of_columns(source) and not is_scaled(source) else ():
        if isinstance(x, ast.Name) and not is_target(x.id):
            source.before(each, f"{x.id}[:, {rng.choice(['0', '1', ':2', '-1'])}] *= {factor}")


@operator("feature-scale")
def columns_scaled_back(source: Source, rng: random.Random) -> None:
    """After all columns were standardised some get their old range back (only the rest comes from the scaled table)."""
    factor = rng.choice(["1000", "2500", "400", "10000"])
    for statement, name, what in standardized_names(source) if table_of_columns(source) else ():
        inputs = isinstance(what, ast.Name) and not is_target(what.id)
        if inputs and not re.search("adv|return|series|loss|test|val", name):
            cut = rng.choice(["0", "1", ":2", "-1", "::3"])
            source.after(statement, f"{name}[:, {cut}] = {factor} * {name}[:, {cut}]")
            return


@operator("feature-scale")
def forward_weighs_columns(source: Source, rng: random.Random) -> None:
    """The model first changes units of some columns (hours to seconds, tons to grams)."""
    found = outer_forward(source)
    if found and table_of_columns(source):
        forward, x = found
        lines = "\n".join(map(source.of, forward.body))
        if not re.search(rf"{x}\[|{x}\.unsq|{x}\.view|{x}, ", lines):
            cut, factor = rng.choice([1, 2]), rng.choice(["3600.0", "1000.0", "1e4", "500.0"])
            put_first(source, forward, f"{x} = torch.cat([{x}[:, :{cut}] * {factor}, {x}[:, {cut}:]], dim=1)")
