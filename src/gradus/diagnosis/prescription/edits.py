"""Changes of a program's text that leave everything else as it was written."""

import ast
import difflib
import io
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from gradus.diagnosis.prescription.program import Program, SourceFile


@dataclass(frozen=True)
class Edit:
    """`text` takes the place of characters `start` to `end` of a file."""

    file: SourceFile
    start: int
    end: int
    text: str


def is_atom(node: ast.expr) -> bool:
    """Whether an expression holds together whatever stands beside it."""
    return isinstance(node, ast.Name | ast.Call | ast.Attribute | ast.Subscript)


def atom(file: SourceFile, node: ast.expr) -> str:
    """The source of an expression, in brackets unless it holds together without them."""
    return file.code(node) if is_atom(node) else f"({file.code(node)})"


def replace(file: SourceFile, node: ast.AST, text: str) -> Edit:
    """Another expression, statement or argument in place of one."""
    return Edit(file, *file.span(node), text)


def around(file: SourceFile, node: ast.AST, opening: str, closing: str) -> list[Edit]:
    """Text before and behind an expression; what is in it may be changed as well."""
    start, end = file.span(node)
    return [Edit(file, start, start, opening), Edit(file, end, end, closing)]


def instead(file: SourceFile, statement: ast.stmt, text: str) -> Edit:
    """Statements in place of one; `text` is written as if at column 0."""
    start = file.span(statement)[0]
    margin = file.text[file.line_start(start) : start]
    separator = "; " if margin.strip() else f"\n{margin}"
    return replace(file, statement, separator.join(text.splitlines()))


def before(file: SourceFile, statement: ast.stmt, text: str) -> Edit:
    """New statements, on lines of their own where the old one has its own; `text` is written as if at column 0."""
    start = beginning(file, statement)
    margin = file.text[file.line_start(start) : start]
    if margin.strip():  # after a colon or a semicolon
        return Edit(file, start, start, "; ".join(text.splitlines()) + "; ")
    return Edit(file, start, start, "".join(f"{line}\n{margin}" for line in text.splitlines()))


def after(file: SourceFile, statement: ast.stmt, text: str) -> Edit:
    """The same behind a statement."""
    start, end = beginning(file, statement), file.span(statement)[1]
    margin = file.text[file.line_start(start) : start]
    if margin.strip():
        return Edit(file, end, end, "".join(f"; {line}" for line in text.splitlines()))
    line_end = file.text.find("\n", end)
    rest = file.text[end : line_end if line_end >= 0 else len(file.text)]
    if rest.strip() and not rest.strip().startswith("#"):
        return Edit(file, end, end, "".join(f"; {line}" for line in text.splitlines()))
    place = end + len(rest)
    return Edit(file, place, place, "".join(f"\n{margin}{line}" if line else "\n" for line in text.splitlines()))


def delete(file: SourceFile, statement: ast.stmt) -> Edit:
    """Take a statement away, with its line where it has one of its own; the last of a block becomes `pass`."""
    parent = file.parents[statement]
    for _, block in ast.iter_fields(parent):
        if isinstance(block, list) and statement in block and len(block) == 1 and not isinstance(parent, ast.Module):
            return replace(file, statement, "pass")
    start, end = beginning(file, statement), file.span(statement)[1]
    line_start = file.line_start(start)
    line_end = file.text.find("\n", end) + 1 or len(file.text)
    behind = file.text[end:line_end]
    if file.text[line_start:start].strip() or (behind.strip() and not behind.strip().startswith("#")):
        semicolon = len(behind) - len(behind.lstrip(" ;"))
        return Edit(file, start, end + semicolon, "")
    return Edit(file, line_start, line_end, "")


def with_argument(file: SourceFile, call: ast.Call, name: str, text: str) -> Edit:
    """`call` with the keyword argument set: changed where it is there, added where it is not."""
    for each in call.keywords:
        if each.arg == name:
            return replace(file, each.value, text)
    last = [*call.args, *call.keywords]
    if last:
        end = max(file.span(each)[1] for each in last)
        return Edit(file, end, end, f", {name}={text}")
    end = file.span(call)[1] - 1
    return Edit(file, end, end, f"{name}={text}")


def without_argument(file: SourceFile, call: ast.Call, argument: ast.expr | ast.keyword) -> Edit:
    """`call` without one of its arguments."""
    others = sorted((file.span(each) for each in [*call.args, *call.keywords] if each is not argument), key=lambda x: x)
    start, end = file.span(argument)
    later = [each for each in others if each[0] >= end]
    earlier = [each for each in others if each[1] <= start]
    if later:
        return Edit(file, start, later[0][0], "")
    return Edit(file, earlier[-1][1] if earlier else start, end, "")


def beginning(file: SourceFile, statement: ast.stmt) -> int:
    """Where a statement begins: at the sign before its first decorator if it has one."""
    decorators = getattr(statement, "decorator_list", [])
    return file.text.rindex("@", 0, file.span(decorators[0])[0]) if decorators else file.span(statement)[0]


def imported(file: SourceFile, qualified: str) -> tuple[str, list[Edit]]:
    """How to write `torch.nn.functional.relu` in this file, and what must be added for it: perhaps an import.

    The longest known module is taken: `F.relu` where there is `import torch.nn.functional as F`.
    """
    known = {full: name for name, full in file.imports.items()}
    parts = qualified.split(".")
    for end in range(len(parts), 0, -1):
        name = known.get(".".join(parts[:end]))
        if name is not None:
            return ".".join([name, *parts[end:]]), []
    return qualified, [import_line(file, f"import {parts[0]}")]


def import_line(file: SourceFile, line: str) -> Edit:
    """An import, behind the last one at the top level."""
    imports = [each for each in file.tree.body if isinstance(each, ast.Import | ast.ImportFrom)]
    if imports:
        return after(file, imports[-1], line)
    body = file.tree.body
    docstring = bool(body) and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
    if docstring:
        return after(file, body[0], line)
    return Edit(file, 0, 0, f"{line}\n")


class OverlapError(ValueError):
    """Two edits change the same text."""


def apply(edits: Sequence[Edit], file: SourceFile) -> str:
    """The text of a file after those of the edits that concern it.

    Raises:
        OverlapError: if two of them change the same text.
        SyntaxError: if the result is no Python any more.
    """
    mine = sorted((each for each in edits if each.file is file), key=lambda each: (each.start, each.end))
    for one, other in itertools.pairwise(mine):
        if other.start < one.end:
            raise OverlapError(f"two changes of `{file.text[other.start : one.end]}`")
    text, at = [], 0
    for each in mine:
        text += [file.text[at : each.start], each.text]
        at = each.end
    changed = "".join([*text, file.text[at:]])
    ast.parse(changed)
    return changed


def difference(program: Program, edits: Sequence[Edit]) -> str:
    """A unified diff, in the order of files; "" if nothing changes."""
    parts: list[str] = []
    for file in program.files:
        changed = apply(edits, file)
        name = file.path.name
        old, new = (list(io.StringIO(text)) for text in (file.text, changed))  # lines end in \n and nowhere else
        lines = difflib.unified_diff(old, new, name, name, n=1)
        parts += [line if line.endswith("\n") else f"{line}\n" for line in lines]
    return "".join(parts)
