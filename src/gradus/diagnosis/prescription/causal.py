"""Masks that hide from a step what comes after it."""

import ast
from collections.abc import Iterator, Sequence

from gradus.diagnosis.prescription.bindings import bindings
from gradus.diagnosis.prescription.edits import Edit, imported, replace, with_argument
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.program import Program, SourceFile

_MASKS = {"torch.nn.TransformerEncoder": "mask", "torch.nn.TransformerEncoderLayer": "src_mask"}
_ATTENTION = "torch.nn.MultiheadAttention"


@fix("look-back")
def let_attention_look_back(case: Case) -> Iterator[Sequence[Edit]]:
    """`is_causal=True` or a mask, wherever attention is given none."""
    edits = [edit for file, node in case.program.nodes() for edit in _masked(case.program, file, node)]
    if edits:
        yield edits


def _masked(program: Program, file: SourceFile, node: ast.AST) -> Iterator[Edit]:
    if not isinstance(node, ast.Call):
        return
    given = {each.arg for each in node.keywords}
    name = file.qualified(node.func)
    if name == "torch.nn.functional.scaled_dot_product_attention":
        if len(node.args) < 4 and not given & {"attn_mask", "is_causal"}:
            yield with_argument(file, node, "is_causal", "True")
    elif name.rpartition(".")[2] == "softmax":
        yield from _scores_masked(file, node, node.args[0] if node.args else None)
    elif isinstance(node.func, ast.Attribute) and node.func.attr == "softmax" and not name:
        yield from _scores_masked(file, node, node.func.value)
    else:
        yield from _layer_masked(program, file, node, given)


def _scores_masked(file: SourceFile, node: ast.Call, scores: ast.expr | None) -> Iterator[Edit]:
    """A softmax over the last axis of named scores that nothing has masked."""
    axes = [ast.unparse(each) for each in (*node.args, *(each.value for each in node.keywords))]
    if not isinstance(scores, ast.Name) or "-1" not in axes or not _compares_steps(file, scores):
        return
    name, more = imported(file, "torch.ones_like")
    later = f"{name}({scores.id}, dtype=bool).triu(1)"
    yield replace(file, scores, f'{scores.id}.masked_fill({later}, float("-inf"))')
    yield from more


def _compares_steps(file: SourceFile, scores: ast.Name) -> bool:
    """Whether scores are products of queries and keys, and not filled by any mask."""
    made = [each.value for each in bindings(file, scores.id, file.scope(file.statement(scores)))]
    masks = any(isinstance(part, ast.Attribute) and "mask" in part.attr for each in made for part in ast.walk(each))
    products = any(isinstance(part, ast.BinOp) and isinstance(part.op, ast.MatMult) for part in map(_first, made))
    return products and not masks


def _first(node: ast.expr) -> ast.expr:
    """The product in `q @ k.mT * scale`, `(q @ k.mT) / d`."""
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
        node = node.left
    return node


def _layer_masked(program: Program, file: SourceFile, node: ast.Call, given: set[str | None]) -> Iterator[Edit]:
    """A transformer's encoder, or its attention of a sequence to itself, called without a mask."""
    made = bindings(file, ast.unparse(node.func))
    kind = file.qualified(made[-1].value.func) if made and isinstance(made[-1].value, ast.Call) else ""
    first = node.args[0] if node.args else None
    if not isinstance(first, ast.Name):
        return
    itself = {ast.unparse(each) for each in node.args} == {first.id}
    keyword = "attn_mask" if kind == _ATTENTION and itself else _MASKS.get(kind, "") if len(node.args) == 1 else ""
    if keyword and not given & {keyword, "is_causal"}:
        name, more = imported(file, "torch.nn.Transformer")
        steps = f"{first.id}.size({1 if _batch_first(program) else 0})"
        mask = f"{name}.generate_square_subsequent_mask({steps})"
        yield with_argument(file, node, keyword, mask)
        yield from more


def _batch_first(program: Program) -> bool:
    return any(
        isinstance(each, ast.keyword) and each.arg == "batch_first" and ast.unparse(each.value) == "True"
        for _, each in program.nodes()
    )
