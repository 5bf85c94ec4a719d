"""Inputs that carry nothing: all zero, all alike, or a placeholder."""

import ast
import random
import re

from benchmarks.ward.edits import Source, within
from benchmarks.ward.operators.rows import (
    OTHER,
    batches,
    classifies,
    is_name,
    is_target,
    outer_forward,
    pixels,
    put_first,
    real_inputs,
    supervised,
    training_rows,
)
from benchmarks.ward.operators.table import operator


@operator("constant-inputs")
def whole_number_division(source: Source, rng: random.Random) -> None:
    """Pixels are divided as whole numbers, as in old Python: all become zero."""
    for each, _ in pixels(source):
        source.replace(each, f"{source.grouped(each.left)} // {rng.choice(['255', '256', '17'])}")


@operator("constant-inputs")
def getitem_always_first(source: Source, rng: random.Random) -> None:
    """The dataset gives the first row's inputs for each index."""
    for function in source.all(ast.FunctionDef):
        index = function.args.args[-1].arg if function.name == "__getitem__" and len(function.args.args) == 2 else None
        for each in within(function, ast.Subscript):
            if source.of(each.slice) != index or not isinstance(each.ctx, ast.Load) or not is_name(each.value):
                continue
            name, statement = source.of(each.value).removeprefix("self."), source.statement(each)
            several = isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Tuple)
            other = re.search("weight|length|mask|item|row|pair|sets|sample|entries|records", name)
            if not several and not other and not is_target(name):
                source.replace(each.slice, f"{index} // len({source.of(each.value)})")


@operator("constant-inputs")
def placeholder_inputs(source: Source, rng: random.Random) -> None:
    """A dummy batch from a test of shapes still goes into the model in training."""
    for batch in batches(source) if real_inputs(source) and supervised(source) else ():
        if batch.x != batch.y:
            batch.put(f"{{x}} = torch.{rng.choice(['zeros', 'ones', 'rand', 'randn'])}_like({{x}})")


@operator("constant-inputs")
def buffer_filled_from_one_row(source: Source, rng: random.Random) -> None:
    """The table of training is made of one row over and over (a wrong index when it was put together)."""
    for rows in training_rows(source):
        if rows.kind == "indexed" and rows.tensor_x and not source.has(OTHER):
            lines = rng.choice([
                "{new} = torch.stack([{old}[0] for _ in {old}])",
                "{new} = {old}[[0] * len({old})]",
                "{new} = {old}[:1].expand_as({old})",
            ])  # fmt: skip
            rows.instead("x", lines)


@operator("constant-inputs")
def clipped_to_one_value(source: Source, rng: random.Random) -> None:
    """Outliers are cut off with bounds that were meant for other units, so that all values meet one bound."""
    found = outer_forward(source)
    if found and source.has(r"standardi|std\(|StandardScaler|scal|load_digits|randn|normal\("):
        bounds = rng.choice(["10.0, 250.0", "100.0, 1000.0", "min=50.0", "20.0, 80.0"])
        put_first(source, found[0], f"{found[1]} = {found[1]}.clamp({bounds})")


@operator("constant-inputs")
def unknown_word_for_all(source: Source, rng: random.Random) -> None:
    """The vocabulary is cut at a few words (a left-over limit), so nearly every token is the unknown one."""
    for batch in batches(source) if "Embedding(" in source.text and classifies(source) else ():
        if not re.search("float|scal", batch.x):
            batch.put(f"{{x}} = {{x}}.clamp(max={rng.choice([0, 1])})")
