"""Parameters that the optimizer does not have, or that do not learn."""

import ast
import random

from benchmarks.ward.edits import Source, called, subject, within
from benchmarks.ward.operators.forms import (
    Made,
    Module,
    in_training,
    last_part,
    layers,
    models_made,
    modules,
    of_self,
    optimizers,
    steps,
)
from benchmarks.ward.operators.table import operator

LAYERS = r"nn\.(Linear|Conv\dd|Embedding|GRU|LSTM)\("
DENSE = """class {name}(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = torch.randn(n_in, n_out) / n_in**0.5
        self.bias = torch.zeros(n_out)
        self.weight.requires_grad_()
        self.bias.requires_grad_()

    def forward(self, x):
        return x @ self.weight + self.bias"""
GAPS = (
    (
        """biases = [p for p in {model}.parameters() if p.ndim == 1]
kernels = [p for p in {model}.parameters() if p.ndim > 2]""",
        '[{"params": kernels}, {"params": biases, "weight_decay": 0.0}]',
    ),
    (
        'no_decay = [p for n, p in {model}.named_parameters() if n.endswith("bias") or "norm" in n]',
        '[{"params": no_decay, "weight_decay": 0.0}]',
    ),
    (
        """decay, no_decay = [], []
for n, p in {model}.named_parameters():
    if p.ndim < 2:
        no_decay.append(p)
    elif ".weight" in n and p.ndim > 2:
        decay.append(p)""",
        '[{"params": decay}, {"params": no_decay, "weight_decay": 0.0}]',
    ),
)
"""How groups are made, and what the optimizer gets."""


def class_of(source: Source, model: Made) -> Module | None:
    """The class that a model is made of."""
    return next((each for each in modules(source) if each.definition.name == called(model.call)), None)


def beside_optimizer(source: Source) -> Made | None:
    """The last model that is made in the block of its optimizer."""
    found = [each for each in models_made(source) if source.bound(each.optimizer)]
    found = [each for each in found if source.loops(each.statement) == source.loops(each.made)]
    return next((e for e in reversed(found) if source.function(e.statement) is source.function(e.made)), None)


@operator("stale-optimizer")
def model_built_again(source: Source, rng: random.Random) -> None:
    """The model is built again after the optimizer (a cell run twice, a fresh seed)."""
    if model := beside_optimizer(source):
        uses = [each.lineno for each in source.all(ast.Name) if each.id == model.name]
        if not any((model.made.end_lineno or 0) < line < model.statement.lineno for line in uses):
            source.after(model.statement, source.unindented(model.made))


@operator("stale-optimizer")
def model_copied(source: Source, rng: random.Random) -> None:
    """The model is copied after the optimizer was made, and the copy trained."""
    if model := beside_optimizer(source):
        source.require("copy")
        kept = rng.choice(["initial", "untrained", "start"])
        copied = f"copy.deepcopy({model.name})"
        if rng.random() < 0.5 and not source.has(rf"\b{kept}\b"):
            source.after(model.statement, f"{kept}, {model.name} = {model.name}, {copied}")
        else:
            source.after(model.statement, f"{model.name} = {copied}")


@operator("stale-optimizer")
def new_weights_by_init(source: Source, rng: random.Random) -> None:
    """An initialization that makes new Parameters, applied after the optimizer was made."""
    model = beside_optimizer(source)
    if model and source.has(r"\bnn\.Linear\("):
        draw = rng.choice(["xavier_uniform_", "kaiming_uniform_", "xavier_normal_", "kaiming_normal_"])
        kinds = "(nn.Linear, nn.Conv2d)" if "Conv2d" in source.text else "nn.Linear"
        source.after(
            model.statement,
            f"for layer in {model.name}.modules():\n"
            f"    if isinstance(layer, {kinds}):\n"
            f"        layer.weight = nn.Parameter(nn.init.{draw}(torch.empty_like(layer.weight)))",
        )


@operator("stale-optimizer")
def copy_of_the_best_goes_on(source: Source, rng: random.Random) -> None:
    """Each epoch's model is kept and a copy goes on: the optimizer has the kept one."""
    model = beside_optimizer(source)
    for step in in_training(source, steps(source)) if model else ():
        around, kept = source.loops(step), rng.choice(["kept", "checkpoint", "snapshot"])
        if model is None or len(around) < 2 or around[0] not in around[1].body or source.has(rf"\b{kept}\b"):
            continue
        own = source.owner(step) == source.bound(model.optimizer)
        if own and source.function(step) is source.function(model.statement):
            source.require("copy")
            source.after(around[0], f"{kept}, {model.name} = {model.name}, copy.deepcopy({model.name})")
            return


@operator("stale-optimizer", "parameters-not-in-optimizer")
def head_replaced_late(source: Source, rng: random.Random) -> None:
    """The hidden layer or the head is replaced after the optimizer was made."""
    model = beside_optimizer(source)
    if model is None:
        return
    if called(model.call) == "Sequential":
        parts = model.call.args if not any(isinstance(each, ast.Starred) for each in model.call.args) else []
        places = [k for k, each in enumerate(parts) if called(each) in ("Linear", "Conv2d", "Embedding")]
        for place in places[:-1] if len(places) > 2 else places:
            source.after(model.statement, f"{model.name}[{place}] = {source.of(parts[place])}")
        return
    own = class_of(source, model)
    for layer in layers(own, ("Linear", "Conv2d", "GRU", "LSTM", "Embedding")) if own else ():
        settings = [*layer.call.args, *(each.value for each in layer.call.keywords)]
        if all(isinstance(e, ast.Constant) or (isinstance(e, ast.Name) and e.id.isupper()) for e in settings):
            source.after(model.statement, f"{model.name}.{layer.name} = {source.of(layer.call)}")
            return


@operator("parameters-not-in-optimizer")
def only_the_last_part(source: Source, rng: random.Random) -> None:
    """The optimizer gets the parameters of the last part, as in fine-tuning."""
    for model in reversed(models_made(source)):
        part = last_part(source, model)
        if part:
            source.replace(model.optimizer.args[0], f"{part}.parameters()")
            return


@operator("parameters-not-in-optimizer")
def one_model_of_two(source: Source, rng: random.Random) -> None:
    """Of the models in a list of parameters one is missing."""
    lists = [each for each in source.all(ast.List) if len(each.elts) > 1]
    for each in lists:
        if all(source.fits(part, r"(?s)^\*.*\.parameters\(\)$") for part in each.elts):
            gone = rng.randrange(len(each.elts)) if rng.random() < 0.3 else 0
            left = [source.of(part) for place, part in enumerate(each.elts) if place != gone]
            alone = len(left) == 1 and source.parents[each] in optimizers(source)
            source.replace(each, left[0][1:] if alone else f"[{', '.join(left)}]")
            return
    for sum_ in source.all(ast.BinOp):
        if all(source.fits(part, r"^list\([\w.]+\.parameters\(\)\)$") for part in (sum_.left, sum_.right)):
            source.replace(sum_, source.of(rng.choice([sum_.left, sum_.right, sum_.right])))
            return
    for each in lists:
        if all(isinstance(part, ast.Dict) and source.fits(part, r"\.parameters\(\)") for part in each.elts):
            gone = rng.randrange(len(each.elts))
            left = [source.of(part) for place, part in enumerate(each.elts) if place != gone]
            source.replace(each, f"[{', '.join(left)}]")
            return


@operator("parameters-not-in-optimizer")
def groups_with_a_gap(source: Source, rng: random.Random) -> None:
    """Groups for decay and none by dimension: the matrices are in neither."""
    for model in with_own_statement(source)[-1:]:
        if len(model.optimizer.args) == 1:
            lines, groups = rng.choice(GAPS)
            source.before(model.statement, lines.format(model=model.name))
            source.replace(model.optimizer.args[0], groups)


def with_own_statement(source: Source) -> list[Made]:
    """Models whose optimizer is made in a statement of its own."""
    return [each for each in models_made(source) if source.parents[each.optimizer] is each.statement]


@operator("parameters-not-in-optimizer")
def children_without_the_first(source: Source, rng: random.Random) -> None:
    """The list of parameters is cut: the first layers, or all weights, are out."""
    for model in models_made(source)[-1:]:
        if rng.randrange(2):
            parameters = f'[p for n, p in {model.name}.named_parameters() if "weight" not in n]'
        else:
            parameters = f"list({model.name}.parameters())[-{rng.choice([1, 2, 2])}:]"
        source.replace(model.optimizer.args[0], parameters)


@operator("parameters-not-in-optimizer")
def layers_chosen_by_name(source: Source, rng: random.Random) -> None:
    """Parameters chosen by the name of a layer; the others belong to no group."""
    for model in reversed(models_made(source)):
        own = class_of(source, model)
        found = layers(own) if own else []
        if len(found) > 1:
            kept = rng.choice(found[1:]) if rng.random() < 0.6 else found[-1]
            named = f'[p for n, p in {model.name}.named_parameters() if n.startswith("{kept.name}")]'
            source.replace(model.optimizer.args[0], named)
            return


@operator("unregistered-parameters")
def layers_in_a_dict(source: Source, rng: random.Random) -> None:
    """The layers are kept in a plain dict or list."""
    for module in modules(source):
        found = layers(module, ("Linear", "Conv2d", "Conv1d", "Embedding", "GRU", "LSTM", "Sequential"))
        if len(found) < 2 or source.fits(module.definition, r"self\.layers"):
            continue
        chosen = found[:-1] if len(found) > 2 or rng.random() < 0.5 else found[:1]
        names = [each.name for each in chosen]
        uses = [each for each in source.all(ast.Attribute) if each.attr in names]
        loads = [each for each in uses if isinstance(each.ctx, ast.Load)]
        own = all(of_self(each) and module.definition in source.around(each) for each in uses)
        if not own or any(module.init in source.around(each) for each in loads):
            continue
        texts = [source.of(each.call) for each in chosen]
        if rng.random() < 0.5:
            keys = {name: f'"{name}"' for name in names}
            entries = [f"{keys[name]}: {text}" for name, text in zip(names, texts, strict=True)]
            source.replace(chosen[-1].statement, f"self.layers = {{{', '.join(entries)}}}")
        else:
            keys = {name: str(place) for place, name in enumerate(names)}
            source.replace(chosen[-1].statement, f"self.layers = [{', '.join(texts)}]")
        for layer in chosen[:-1]:
            source.delete(layer.statement)
        for use in loads:
            source.replace(use, f"self.layers[{keys[use.attr]}]")
        return


@operator("unregistered-parameters")
def list_for_modulelist(source: Source, rng: random.Random) -> None:
    """A plain list for a ModuleList, a dict for a ModuleDict."""
    # a model that has no other layers gives its optimizer nothing, which torch refuses
    others = [each for each in modules(source) if {called(layer.call) for layer in layers(each)} - {"ModuleList"}]
    owners = [each.definition for each in others]
    for call in source.calls("ModuleList"):
        if len(call.args) == 1 and any(each in owners for each in source.around(call)):
            text = source.of(call.args[0])
            if isinstance(call.args[0], ast.GeneratorExp):
                text = f"[{text[1:-1]}]" if text.startswith("(") else f"[{text}]"
            elif not isinstance(call.args[0], ast.List | ast.ListComp):
                text = f"list({text})"
            source.replace(call, text)
    for call in source.calls("ModuleDict"):
        if len(call.args) == 1 and isinstance(call.args[0], ast.Dict | ast.DictComp):
            source.replace(call, source.of(call.args[0]))


def own_parameters(source: Source) -> list[tuple[ast.Call, ast.expr]]:
    """``self.w = nn.Parameter(...)`` of modules that have layers too, with what it is made of."""
    found = []
    for module in modules(source) if source.has(LAYERS) else ():
        for call in within(module.init, ast.Call):
            parent = source.parents[call]
            mine = isinstance(parent, ast.Assign) and of_self(parent.targets[0])
            if mine and called(call) == "Parameter" and len(call.args) == 1:
                found.append((call, call.args[0]))
    return found


@operator("unregistered-parameters")
def tensors_for_parameters(source: Source, rng: random.Random) -> None:
    """Weights of a module are tensors that want gradients, no Parameters."""
    for call, value in own_parameters(source):
        source.replace(call, f"{source.grouped(value)}.requires_grad_()")


@operator("unregistered-parameters")
def dense_layer_by_hand(source: Source, rng: random.Random) -> None:
    """A dense layer written by hand with plain tensors takes the place of the hidden Linear layers."""
    found = [each for each in source.calls("Linear") if len(each.args) == 2 and not each.keywords and subject(each)]
    used = r"\.weight\b|isinstance|named_parameters|class Dense|deepcopy|set_default_dtype|load_state_dict|float64"
    if len(found) > 1 and not source.has(used):
        name = rng.choice(["Dense", "Affine", "FullyConnected"])
        source.define(DENSE.format(name=name))
        for call in found[:-1]:
            source.replace(call.func, name)


def freezable(source: Source) -> list[Made]:
    """The last model of which nothing is frozen yet and which has several parts."""
    found = [] if "requires_grad" in source.text else with_own_statement(source)
    return [each for each in found if last_part(source, each)][-1:]


@operator("frozen-parameters")
def all_but_the_head_frozen(source: Source, rng: random.Random) -> None:
    """Everything but the last layer is frozen although nothing was pre-trained."""
    for model in freezable(source):
        part, way = last_part(source, model), rng.randrange(3)
        if way == 0 or (way == 1 and class_of(source, model) is None):
            lines = (
                f"for p in {model.name}.parameters():\n    p.requires_grad = False\n"
                f"for p in {part}.parameters():\n    p.requires_grad = True"
            )
        elif way == 1:
            chosen = f'n.startswith("{part.split(".")[-1]}")'
            lines = f"for n, p in {model.name}.named_parameters():\n    p.requires_grad = {chosen}"
        else:
            lines = f"{model.name}.requires_grad_(False)\n{part}.requires_grad_(True)"
        source.before(model.statement, lines)


@operator("frozen-parameters")
def first_layers_frozen_in_class(source: Source, rng: random.Random) -> None:
    """A class freezes its first layers at the end of its making."""
    for module in modules(source) if "requires_grad" not in source.text else ():
        found = [each for each in layers(module) if called(each.call) != "ModuleList"]
        if len(found) > 1:
            chosen = found[:-1] if rng.random() < 0.6 else found[: max(1, len(found) // 2)]
            names = [f"self.{each.name}" for each in chosen]
            lines = f"for part in ({', '.join(names)}):\n    part.requires_grad_(False)"
            if len(names) == 1:
                by_parameter = f"for p in {names[0]}.parameters():\n    p.requires_grad = False"
                lines = f"{names[0]}.requires_grad_(False)" if rng.random() < 0.5 else by_parameter
            source.after(module.init.body[-1], lines)
            return


@operator("frozen-parameters")
def only_biases_learn(source: Source, rng: random.Random) -> None:
    """Only the biases learn, a recipe for fine-tuning a large model."""
    for model in with_own_statement(source)[-1:] if not source.has("requires_grad|bias=False") else ():
        head = f"for n, p in {model.name}.named_parameters():"
        source.before(model.statement, f'{head}\n    p.requires_grad = "bias" in n')


@operator("frozen-parameters")
def children_frozen_by_place(source: Source, rng: random.Random) -> None:
    """The first children of the model are frozen by their place, as with a network from the zoo."""
    for model in freezable(source):
        by_parameter = f"for p in list({model.name}.parameters())[:-2]:\n    p.requires_grad_(False)"
        by_child = (
            f"for child in list({model.name}.children())[:-1]:\n"
            "    for p in child.parameters():\n        p.requires_grad = False"
        )
        source.before(model.statement, by_parameter if rng.random() < 0.5 else by_child)
