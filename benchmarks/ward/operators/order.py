"""Rows in an order that should be none, the same random numbers over and over, and examples mixed in a batch."""

import ast
import random
import re

from benchmarks.ward.edits import Source, called, subject, within
from benchmarks.ward.operators.forms import RECURRENT, modules, opening, training_loops, without_gradients
from benchmarks.ward.operators.held_out import names_before
from benchmarks.ward.operators.rows import (
    Rows,
    classifies,
    fresh,
    indexed,
    is_target,
    loaded,
    many_classes,
    outer_forward,
    put_first,
    supervised,
)
from benchmarks.ward.operators.table import operator

DRAWS = r"randn|rand\(|rand_like|randint|bernoulli|multinomial|normal_|uniform_|Normal\(|rsample|\.sample\(|poisson"
CHANGES = "jitter|noise|noisy|augment|view|mask|corrupt|crop|shift|distort|flip|mix|perturb|drop"


def sorted_by(target: str) -> str:
    """The order of a table by its targets."""
    return f"{target}.reshape(len({target}), -1)[:, 0].argsort()"


@operator("unshuffled-data")
def loader_without_shuffle_over_sorted(source: Source, rng: random.Random) -> None:
    """Rows of training stand sorted by their target, and the loader does not shuffle."""
    for rows in loaded(source)[-1:] if supervised(source) else ():
        data = source.parents[rows.x[0]]
        if not rows.tensor_y or not re.fullmatch(r"[\w.\[\]:]+", rows.y_text) or not isinstance(data, ast.Call):
            return
        for each in [k for loader in source.calls("DataLoader") for k in loader.keywords]:
            if source.of(each) == "shuffle=True" and each.lineno >= rows.at.lineno:
                source.replace(each.value, "False")
        order = fresh(source, "rows")
        source.before(rows.at, f"{order} = {sorted_by(rows.y_text)}")
        for node in data.args:
            source.replace(node, f"{source.grouped(node)}[{order}]")


def permutations(source: Source, rows: Rows) -> list[ast.Call]:
    """``torch.randperm(n)`` in the loops of training."""
    loops = [rows.loop, *source.loops(rows.loop)] if rows.loop is not None else []
    found = [call for loop in loops for call in within(loop, ast.Call) if called(call) == "randperm"]
    return [each for each in found if not source.of(source.statement(each)).startswith("if")]


@operator("unshuffled-data")
def batches_in_order_of_target(source: Source, rng: random.Random) -> None:
    """Batches are cut from the rows sorted by target, instead of a random permutation."""
    for rows in indexed(source)[-1:] if supervised(source) else ():
        for call in permutations(source, rows)[:1] if rows.tensor_y else ():
            y, parent, size = rows.y_text, source.parents[call], source.of(call.args[0])
            if isinstance(parent, ast.Subscript) and parent.slice is call:
                table = source.of(parent.value)
                if table.isidentifier():
                    source.replace(call, f"{y}[{table}].reshape(len({table}), -1)[:, 0].argsort()")
            elif size in (f"len({y})", f"len({rows.x_text})") or re.fullmatch(r"\w+\.shape\[0\]", size):
                source.replace(call, sorted_by(y))
            elif re.fullmatch(r"\w+", size):
                source.replace(call, f"{y}[:{size}].reshape({size}, -1)[:, 0].argsort()")


def split_in_order(source: Source, call: ast.Call) -> None:
    """``train_test_split`` without a shuffle."""
    for each in call.keywords:
        if each.arg == "stratify":
            source.replace(each.value, "None")
        if each.arg == "random_state":
            source.replace(each, "shuffle=False")


@operator("unshuffled-data")
def split_without_shuffle(source: Source, rng: random.Random) -> None:
    """A table that is sorted by class is split in its order."""
    if source.has(r"load_(wine|iris)\(|repeat\("):
        for call in source.calls("train_test_split"):
            split_in_order(source, call)
        for call in source.calls("randperm", "permutation"):
            statement = source.statement(call)
            named = source.has(r"^(perm|order|idx|index\w*|rows|\w+ = \w+\[)", statement)
            if named and isinstance(statement, ast.Assign) and call.args and not source.loops(call):
                module = "torch" if called(call) == "randperm" else "np"
                source.replace(call, f"{module}.arange({source.of(call.args[0])})")


@operator("unshuffled-data")
def one_class_a_batch(source: Source, rng: random.Random) -> None:
    """Rows are sorted by class ("for locality") and batches keep to neighbours, only their order is random."""
    for rows in indexed(source)[-1:] if classifies(source) else ():
        split = rows.loop.iter if isinstance(rows.loop, ast.For) else None
        permutation = subject(split) if isinstance(split, ast.Call) and called(split) == "split" else None
        if isinstance(split, ast.Call) and isinstance(permutation, ast.Call) and called(permutation) == "randperm":
            y, size = rows.y_text, source.of(permutation.args[0])
            table = y if size in (f"len({y})", f"len({rows.x_text})") else f"{y}[:{size}]"
            pieces = f"{sorted_by(table)}.split({source.of(split.args[0])})"
            if rows.tensor_y:
                source.replace(split, f"sorted({pieces}, key=lambda _: torch.rand(1).item())")


@operator("unshuffled-data")
def folder_by_folder_before_split(source: Source, rng: random.Random) -> None:
    """Rows are read class by class (folder by folder) and split by position: some classes are only in the held-out part."""
    if not many_classes(source):
        return
    for call in source.calls("train_test_split"):
        plain = all(source.has(r"^[\w.]+( / [\d.]+)?$", each) for each in call.args)
        if len(call.args) == 2 and plain and "shuffle" not in [each.arg for each in call.keywords]:
            x, y = call.args
            order = f"{source.of(y)}.argsort()"
            source.replace(x, f"{source.grouped(x)}[{order}]")
            source.replace(y, f"{source.of(y)}[{order}]")
            split_in_order(source, call)
            return
    for call in source.calls("randperm", "permutation"):
        size = re.fullmatch(r"len\(([\w.]+)\)", source.of(call.args[0]) if call.args else "")
        if size and source.bound(call) and not source.loops(call):
            target = target_of_order(source, call, size[1])
            if target:
                numpy, torch = f"np.argsort({target})", f"torch.as_tensor({target}).argsort()"
                source.replace(call, torch if called(call) == "randperm" else numpy)
                return


def target_of_order(source: Source, permutation: ast.Call, table: str) -> str:
    """The targets of a table that is put in a random order; empty where they are not known."""
    known = names_before(source, source.statement(permutation))
    if is_target(table.rpartition(".")[2]):
        return table
    taken = [source.of(e.value) for e in source.all(ast.Subscript) if source.of(e.slice) == source.bound(permutation)]
    found = [each for each in taken if is_target(each) and each in known]
    found += [f"{name}.target" for name in sorted(known) if source.has(rf"\b{name} = load_\w+\(\)")]
    return found[0] if found else ""


def lines_of(source: Source, loop: ast.For | ast.While) -> str:
    return "\n".join(map(source.of, loop.body))


@operator("duplicate-augmentation")
def seed_set_in_each_step(source: Source, rng: random.Random) -> None:
    """The seed is set in the loop of training, so each step draws the same numbers."""
    for loop in training_loops(source) if not source.has("generator|env|policy|reward") else ():
        text = lines_of(source, loop)
        called_there = [f for f in source.all(ast.FunctionDef) if re.search(rf"\b{f.name}\(", text)]
        draws = re.search(DRAWS, text) or any(source.has(DRAWS, each) for each in called_there)
        if draws and isinstance(loop, ast.For) and source.has(r"range\(", loop.iter) and not source.loops(loop):
            source.before(loop.body[0], f"torch.manual_seed({rng.choice(['0', '42', '1234'])})")
            return


@operator("duplicate-augmentation")
def generator_made_anew(source: Source, rng: random.Random) -> None:
    """The function that draws a batch or noise makes its generator anew with the same seed."""
    text = "\n".join(lines_of(source, loop) for loop in training_loops(source))
    for function in source.all(ast.FunctionDef):
        used = re.search(rf"\b{function.name}\(", text) and re.search(CHANGES, function.name) and function.args.args
        free = not isinstance(source.parents[function], ast.ClassDef) and not source.has("generator|backward", function)
        if used and free and source.has(DRAWS, function):
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
    return [
        each for each in found if len(each.args) == 1 and not each.keywords and source.has(r"^[\w.]+$", each.args[0])
    ]


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
    for module in modules(source):
        for call in noise(source, module.definition):
            draw_once(source, call, rng)


@operator("duplicate-augmentation")
def getitem_seeds_itself(source: Source, rng: random.Random) -> None:
    """The dataset sets the seed before its random change, so that every row is changed alike, each time."""
    changing = rf"{DRAWS}|random\.|rng\.|augment|transform|view\(|crop"
    getters = [each for each in source.all(ast.FunctionDef) if each.name == "__getitem__"]
    for function in [each for each in getters if source.has(changing, each)]:
        own, seed = source.parents[function], rng.choice(["0", "42", "1234"])
        if source.has(r"torch\.(rand|bern|mult)|randperm", own):
            source.before(opening(function), f"torch.manual_seed({seed})")
        elif source.has(r"np\.random\.(?!default)", own):
            source.before(opening(function), f"np.random.seed({seed})")
        elif source.has(r"\brandom\.(random|uniform|choice|randint|randrange|gauss|sample)\(", own):
            source.before(opening(function), f"random.seed({seed})")
        elif source.has(r"self\.rng", function) and "default_rng" in source.text:
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


@operator("batch-mixing")
def batch_first_forgotten(source: Source, rng: random.Random) -> None:
    """`batch_first` is not given, so that the layer takes the examples for steps of time."""
    attention = ("TransformerEncoderLayer", "TransformerDecoderLayer", "Transformer", "MultiheadAttention")
    states = r"pack_padded|_, ?\(?(h|hidden|state|last|final|h_n|hn)\b|\)\[1\]"
    for call in source.calls(*RECURRENT, *attention):
        if not source.has(states if called(call) in RECURRENT else "mask|causal"):
            for each in call.keywords:
                if source.of(each) == "batch_first=True":
                    source.replace(each.value, "False")


@operator("batch-mixing")
def flattened_across_examples(source: Source, rng: random.Random) -> None:
    """Features are flattened after an exchange of axes, so rows hold pieces of several examples."""
    rows = r"(len\(\w+\)|\w+\.shape\[0\]|\w+\.size\(0\)|B|b|n|-1), (-1|\w+)"
    for forward in [each for each in source.all(ast.FunctionDef) if each.name == "forward" and len(each.args.args) > 1]:
        for call in within(forward, ast.Call):
            arguments, owner = ", ".join(map(source.of, call.args)), source.owner(call)
            flat = called(call) == "flatten" and arguments == "1"
            shaped = called(call) in ("view", "reshape") and re.fullmatch(rows, arguments)
            if (flat or shaped) and owner not in ("", "torch", "F", "nn"):
                way = rng.choice(["flatten().view", "reshape"])
                size = f"{forward.args.args[1].arg}.shape[0], -1"
                source.replace(call, f"{owner}.transpose(0, 1).{way}({size})")
                return


@operator("batch-mixing")
def columns_read_first(source: Source, rng: random.Random) -> None:
    """The batch comes in column-major order (a port from MATLAB) and is put back in shape without an exchange of axes."""
    found = outer_forward(source)
    if found and not source.has("LSTM|GRU|RNN", found[0]):
        put_first(source, found[0], "{0} = {0}.transpose(0, 1).reshape({0}.shape)".format(found[1]))


@operator("batch-mixing")
def pictures_reshaped_from_columns(source: Source, rng: random.Random) -> None:
    """The table of pictures is turned before it is cut into pictures, as in a course that keeps examples in columns."""
    for call in source.calls("view", "reshape"):
        arguments, home = ", ".join(map(source.of, call.args)), source.function(call)
        if re.fullmatch(r"(-1|len\(\w+\)), 1, 8, 8", arguments) and (home is None or home.name != "forward"):
            if source.owner(call):
                source.replace(call, f"{source.owner(call)}.T.reshape({arguments})")


@operator("batch-mixing")
def scores_of_steps_turned(source: Source, rng: random.Random) -> None:
    """Outputs of all steps are made rows with time first, targets with the examples first."""
    criteria = [source.bound(each) for each in source.calls("CrossEntropyLoss")]
    for call in source.calls("cross_entropy", *[each for each in criteria if each]):
        scores = call.args[0] if len(call.args) > 1 and not without_gradients(source, call) else None
        if isinstance(scores, ast.Call) and source.owner(scores):
            arguments, turned = ", ".join(map(source.of, scores.args)), f"{source.owner(scores)}.transpose(0, 1)"
            if called(scores) == "flatten" and arguments == "0, 1":
                source.replace(scores, f"{turned}.flatten(0, 1)")
            elif called(scores) in ("view", "reshape") and re.fullmatch("-1, .+", arguments):
                source.replace(scores, f"{turned}.reshape({arguments})")


@operator("batch-mixing")
def outputs_turned_back_wrongly(source: Source, rng: random.Random) -> None:
    """The outputs are computed with examples in columns and reshaped, not transposed, back."""
    found = outer_forward(source)
    returns = [each for each in within(found[0], ast.Return) if each.value is not None] if found else []
    heads = r"self\.\w*(fc|out|head|net|layers|classifier|linear|last|readout|final)\w*"
    for each in returns if len(returns) == 1 else ():
        if isinstance(each.value, ast.Call) and re.fullmatch(heads, source.of(each.value.func)):
            source.before(each, f"scores = {source.of(each.value)}")
            source.replace(each.value, "scores.t().reshape(scores.shape)")
