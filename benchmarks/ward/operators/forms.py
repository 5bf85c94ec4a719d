"""The forms that training programs have: which loop trains, which model, by which optimizer, from which layers."""

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks.ward.edits import Source, called, keyword, method, stores, subject, within
from gradus.diagnosis.prescription.program import Loop

ADAMS = ("Adam", "AdamW", "NAdam", "RAdam", "Adamax")
OPTIMIZERS = (*ADAMS, "SGD", "RMSprop", "Adagrad", "Adadelta", "Rprop")
CONVOLUTIONS = ("Conv1d", "Conv2d")
RECURRENT = ("GRU", "LSTM", "RNN")
CELLS = ("GRUCell", "LSTMCell")
NORMS = ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "LayerNorm", "GroupNorm", "InstanceNorm1d", "InstanceNorm2d",
         "RMSNorm")  # fmt: skip
PARAMETRIC = ("Linear", "LazyLinear", "Bilinear", "Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d",
              "Embedding", "EmbeddingBag", *RECURRENT, *CELLS, "MultiheadAttention", "TransformerEncoder",
              "TransformerEncoderLayer", "Sequential", "ModuleList")  # fmt: skip
LOSS_FUNCTIONS = ("cross_entropy", "nll_loss", "binary_cross_entropy_with_logits", "binary_cross_entropy", "mse_loss",
                  "l1_loss", "smooth_l1_loss", "huber_loss")  # fmt: skip
LOSS_CLASSES = ("CrossEntropyLoss", "NLLLoss", "BCEWithLogitsLoss", "BCELoss", "MSELoss", "L1Loss", "SmoothL1Loss",
                "HuberLoss")  # fmt: skip


# loops


def without_gradients(source: Source, node: ast.AST) -> bool:
    """Whether a node is under ``no_grad`` or ``inference_mode``."""
    for each in source.around(node):
        contexts: list[ast.expr] = []
        if isinstance(each, ast.With):
            contexts = [item.context_expr for item in each.items]
        elif isinstance(each, ast.FunctionDef):
            contexts = each.decorator_list
        if any(source.fits(context, "no_grad|inference_mode") for context in contexts):
            return True
    return False


def training_loops(source: Source) -> list[Loop]:
    """Innermost loops whose body takes steps of training, also through a function."""
    found: list[Loop] = []
    helpers: set[str] = set()
    for call in source.calls("backward") or [c for c in source.calls("step") if "opt" in source.of(c.func).lower()]:
        loops, home = source.loops(call), source.function(call)
        found += loops[:1]
        helpers |= {home.name} if not loops and home is not None else set()
    for call in source.calls(*helpers):
        home = source.function(call)
        if home is None or home.name not in helpers:
            found += source.loops(call)[:1]
    found = list(dict.fromkeys(found))
    return [each for each in found if not any(each in source.around(other) for other in found)]


def backwards(source: Source) -> list[ast.Call]:
    """Statements ``loss.backward()`` in a loop."""
    return [each for each in source.lone("backward") if source.loops(each)]


def losses_assigned(source: Source) -> list[tuple[ast.Assign, ast.Call]]:
    """``loss = ...`` and the ``loss.backward()`` that follows in the same block."""
    found = []
    for call in backwards(source):
        name, block = source.owner(call), source.parents[source.statement(call)]
        made = [
            each
            for each in source.all(ast.Assign)
            if source.of(each.targets[0]) == name and len(each.targets) == 1 and isinstance(each.targets[0], ast.Name)
            if source.parents[each] is block and each.lineno < call.lineno
        ]
        found += [(made[-1], call)] if made else []
    return found


def steps(source: Source) -> list[ast.Call]:
    """Statements ``optimizer.step()``, not those of a schedule."""
    names = {source.owner(each) for each in source.calls("zero_grad")} | {source.bound(c) for c in optimizers(source)}
    found = [each for each in source.lone("step") if not each.args and not each.keywords]
    found = [each for each in found if "sched" not in source.owner(each)]
    return [each for each in found if source.owner(each) in names or "opt" in source.owner(each)]


def in_training(source: Source, calls: list[ast.Call]) -> list[ast.Call]:
    """Those in a loop, of the one thing on which the last of them is called."""
    found = [each for each in calls if source.loops(each)]
    return [each for each in found if source.owner(each) == source.owner(found[-1])]


def known_before(source: Source, name: str, node: ast.stmt | ast.expr) -> bool:
    """Whether a name has got its value before a node, in the function around it or outside."""
    home = source.function(node)
    if home is not None and name in [each.arg for each in home.args.args]:
        return True
    made = [each for each in stores(source.tree) if each.id == name]
    own = [each for each in made if source.function(each) is home]
    return any(e.lineno < node.lineno for e in own or [each for each in made if source.function(each) is None])


def conditional_results(source: Source, loop: ast.AST) -> bool:
    """Whether something is made only in some rounds of a loop and used after it."""
    end = getattr(loop, "end_lineno", 0)
    later = {each.id for each in source.all(ast.Name) if each.lineno > end}
    return any(name.id in later for each in within(loop, ast.If) for name in stores(each))


def drop_clipping(source: Source) -> None:
    """Take the clipping of gradients away."""
    for call in source.calls("clip_grad_norm_", "clip_grad_value_"):
        if isinstance(source.parents[call], ast.Expr):
            source.delete(source.statement(call))


# optimizers and what they train


def optimizers(source: Source, *names: str) -> list[ast.Call]:
    """Calls that make an optimizer of torch's."""
    own = {each.name for each in source.all(ast.ClassDef)}
    return [each for each in source.calls(*(names or OPTIMIZERS)) if each.args and called(each) not in own]


def rate(optimizer: ast.Call) -> ast.expr | None:
    """The learning rate that an optimizer is given."""
    return keyword(optimizer, "lr") or (optimizer.args[1] if len(optimizer.args) > 1 else None)


def stepped(source: Source) -> tuple[ast.Call, ast.Call] | None:
    """The last optimizer that is made in the function where it steps, and that step."""
    for step in reversed([each for each in steps(source) if source.loops(each)]):
        for made in reversed(optimizers(source)):
            if source.bound(made) == source.owner(step) and source.function(made) is source.function(step):
                return made, step
    return None


@dataclass(frozen=True)
class Trained:
    """A model whose ``parameters()`` an optimizer gets.

    Attributes:
        name: as written, ``net`` or ``self.net``.
        statement: that which makes the optimizer.
    """

    name: str
    optimizer: ast.Call
    statement: ast.stmt


def trained(source: Source) -> list[Trained]:
    """The models whose parameters the optimizers get."""
    found = []
    for each in optimizers(source):
        parameters = each.args[0]
        model = subject(parameters) if isinstance(parameters, ast.Call) and not parameters.args else None
        if called(parameters) == "parameters" and re.fullmatch(r"\w+(\.\w+)?", source.of(model)):
            found.append(Trained(source.of(model), each, source.statement(each)))
    return found


def first_trained(source: Source) -> Trained | None:
    """The model of the first optimizer that is made in a statement of its own."""
    if source.has(r"def parameters\(self"):
        return None
    found = [each for each in trained(source) if isinstance(each.statement, ast.Assign | ast.AnnAssign)]
    return next((each for each in found if not nested(source, each.optimizer)), None)


@dataclass(frozen=True)
class Made:
    """A trained model of which it is plain how it is made.

    Attributes:
        statement: that which makes the optimizer.
        made: the statement that makes the model, by a call.
    """

    name: str
    optimizer: ast.Call
    statement: ast.stmt
    made: ast.Assign
    call: ast.Call


def models_made(source: Source) -> list[Made]:
    """Trained models that are plainly made before their optimizer, in its function or outside of all."""
    found = []
    for each in trained(source):
        home = source.function(each.optimizer)
        for scope in (home, None):
            sites = [
                assign
                for assign in source.all(ast.Assign)
                if source.function(assign) is scope and assign.lineno < each.optimizer.lineno
                if [source.of(target) for target in assign.targets] == [each.name] and each.name.isidentifier()
                if isinstance(assign.value, ast.Call)
            ]
            if sites:
                assert isinstance(sites[-1].value, ast.Call)
                found.append(Made(each.name, each.optimizer, each.statement, sites[-1], sites[-1].value))
                break
    return found


def last_part(source: Source, model: Made) -> str:
    """How the last part with weights of a model is written; empty where there is only one."""
    own = next((each for each in modules(source) if each.definition.name == called(model.call)), None)
    if own is not None:
        found = [e for e in layers(own) if called(e.call) != "Sequential" or source.fits(e.call, "Linear|Conv")]
        return f"{model.name}.{found[-1].name}" if len(found) > 1 else ""
    if called(model.call) == "Sequential":
        count = len(model.call.args)
        for place, each in enumerate(reversed(model.call.args), 1):
            if isinstance(each, ast.Starred):
                break
            if called(each) in PARAMETRIC and called(each) != "Sequential":
                return f"{model.name}[-{place}]" if place < count else ""
    return ""


# modules


@dataclass(frozen=True)
class Module:
    """A class of layers."""

    definition: ast.ClassDef
    init: ast.FunctionDef
    forward: ast.FunctionDef


@dataclass(frozen=True)
class Layer:
    """``self.name = nn.Linear(...)`` in an ``__init__``."""

    name: str
    statement: ast.Assign
    call: ast.Call


def module_classes(source: Source) -> list[ast.ClassDef]:
    """Classes that are modules of torch."""
    return [each for each in source.all(ast.ClassDef) if any(source.fits(base, "Module") for base in each.bases)]


def modules(source: Source) -> list[Module]:
    """Classes of layers that make them in ``__init__`` and use them in ``forward``."""
    found = [(each, method(each, "__init__"), method(each, "forward")) for each in module_classes(source)]
    return [Module(each, init, forward) for each, init, forward in found if init and forward]


def layers(module: Module, kinds: Iterable[str] = PARAMETRIC) -> list[Layer]:
    """Layers of some kinds that a module makes for itself."""
    found = []
    for each in module.init.body:
        if isinstance(each, ast.Assign) and len(each.targets) == 1 and isinstance(each.value, ast.Call):
            target = each.targets[0]
            if isinstance(target, ast.Attribute) and of_self(target) and called(each.value) in kinds:
                found.append(Layer(target.attr, each, each.value))
    return found


def of_self(node: ast.AST) -> bool:
    """``self.x``."""
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"


def self_calls(node: ast.AST) -> dict[ast.Call, str]:
    """Calls ``self.layer(...)`` with the names."""
    return {each: each.func.attr for each in within(node, ast.Call)
            if isinstance(each.func, ast.Attribute) and of_self(each.func)}  # fmt: skip


def by_name(source: Source, call: ast.Call) -> bool:
    """Whether a function of torch is called with what it works on: ``F.relu(x)``, not ``x.relu()``."""
    return source.owner(call) in ("torch", "F", "nn.functional", "torch.nn.functional")


def operand(source: Source, call: ast.Call) -> ast.expr | None:
    """What a function or a method of tensors works on: ``x`` of ``F.relu(x)`` and of ``x.relu()``."""
    return next(iter(call.args), None) if by_name(source, call) else subject(call)


def in_module(source: Source, node: ast.AST) -> bool:
    """Whether a node is within a class of layers."""
    owner = next((each for each in source.around(node) if isinstance(each, ast.ClassDef)), None)
    return owner is not None and any(source.fits(base, r"Module|nn\.") for base in owner.bases)


def nested(source: Source, node: ast.AST) -> bool:
    """Whether a place is in a lambda or comprehension, with names of its own."""
    for each in source.around(node):
        if isinstance(each, ast.Lambda | ast.ListComp | ast.GeneratorExp | ast.DictComp | ast.SetComp):
            return True
        if isinstance(each, ast.stmt):
            break
    return False


def opening(function: ast.FunctionDef) -> ast.stmt:
    """The first statement after the docstring."""
    head = function.body[0]
    documented = isinstance(head, ast.Expr) and isinstance(head.value, ast.Constant) and len(function.body) > 1
    return function.body[1] if documented else head


def hidden_results(source: Source) -> list[ast.Assign]:
    """The last ``h = ...self.layer(...)...`` of each forward that has layers after it too."""
    found = []
    for module in modules(source):
        known = {each.name for each in layers(module)}
        uses = [set(self_calls(each).values()) & known for each in module.forward.body]
        own = [
            each
            for place, each in enumerate(module.forward.body)
            if isinstance(each, ast.Assign) and len(each.targets) == 1 and isinstance(each.targets[0], ast.Name)
            if set(self_calls(each.value).values()) & known and any(uses[place + 1 :])
        ]
        found += own[-1:]
    return found


def recurrences(source: Source, *kinds: str) -> list[Layer]:
    """``self.rnn = nn.GRU(...)``, anywhere; the name is as written."""
    return [
        Layer(source.of(each.targets[0]), each, each.value)
        for each in source.all(ast.Assign)
        if isinstance(each.targets[0], ast.Attribute) and isinstance(each.value, ast.Call)
        if called(each.value) in kinds and isinstance(each.value.func, ast.Attribute)
    ]


def has_modes(source: Source) -> bool:
    """Whether anything acts otherwise in evaluation than in training."""
    return source.has(r"BatchNorm|Dropout|dropout")


def mode_calls(source: Source, name: str) -> list[ast.Call]:
    """Statements ``x.train()`` or ``x.eval()``."""
    return [
        each
        for each in source.lone(name)
        if not each.args and not each.keywords and isinstance(subject(each), ast.Name | ast.Attribute)
    ]
