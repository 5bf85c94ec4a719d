"""A source and changes to it by the place of its syntax, so that everything else stays as it was written."""

import ast
import re
from collections.abc import Iterator
from typing import TypeVar

Node = TypeVar("Node", bound=ast.AST)
Loop = ast.For | ast.While

SHORT = (
    ("nn", "torch.nn", r"^from torch import .*\bnn\b|^import torch\.nn as nn"),
    ("F", "torch.nn.functional", r"^import torch\.nn\.functional as F|^from torch\.nn import .*\bfunctional as F"),
)
"""A short name of a module, its long name, and how a program imports it that uses the short one."""


class Source:
    """A program's text and syntax tree, with changes gathered until `result` makes them.

    Text put in may use ``nn.`` and ``F.``: it is spelled as the program spells them.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = ast.parse(text)
        self._raw = text.encode()
        self._starts = [0]
        for line in self._raw.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._long = [(rf"(?<![\w.]){short}\.", f"{long}.") for short, long, by in SHORT if not self.has(by)]
        self._changes: list[tuple[int, int, str]] = []
        self.parents = {child: parent for parent in ast.walk(self.tree) for child in ast.iter_child_nodes(parent)}
        self._nodes = sorted(ast.walk(self.tree), key=_place)

    @property
    def changed(self) -> bool:
        return bool(self._changes)

    # what there is

    def all(self, kind: type[Node]) -> list[Node]:
        """Every node of this kind, in order of place."""
        return [each for each in self._nodes if isinstance(each, kind)]

    def calls(self, *names: str) -> list[ast.Call]:
        """Calls whose function's last name is one of these: ``Linear`` of ``nn.Linear(3, 4)``, also methods."""
        return [each for each in self.all(ast.Call) if called(each) in names]

    def lone(self, *names: str) -> list[ast.Call]:
        """Calls of methods that are statements by themselves: ``loss.backward()``."""
        found = [each for each in self.calls(*names) if isinstance(each.func, ast.Attribute)]
        return [each for each in found if isinstance(self.parents[each], ast.Expr)]

    def bindings(self) -> list[tuple[ast.expr, ast.expr, ast.Assign]]:
        """What is assigned to, what it gets, and the statement; ``a, b = 1, 2`` gives two."""
        found: list[tuple[ast.expr, ast.expr, ast.Assign]] = []
        for each in self.all(ast.Assign):
            for target in each.targets:
                aims, values = getattr(target, "elts", [target]), getattr(each.value, "elts", [each.value])
                if isinstance(target, ast.Tuple) and isinstance(each.value, ast.Tuple) and len(aims) == len(values):
                    found += [(aim, value, each) for aim, value in zip(aims, values, strict=True)]
                else:
                    found.append((target, each.value, each))
        return found

    def has(self, pattern: str) -> bool:
        """Whether a pattern is found anywhere in the program."""
        return re.search(pattern, self.text, re.MULTILINE) is not None

    def fits(self, node: ast.AST, pattern: str) -> bool:
        """Whether a pattern is found in what is written at a node."""
        return re.search(pattern, self.of(node)) is not None

    def of(self, node: ast.AST | None) -> str:
        """What is written there."""
        if node is None:
            return ""
        start, end = self._span(node)
        return self._raw[start:end].decode()

    def grouped(self, node: ast.expr) -> str:
        """As written, in brackets unless a method can be called on it."""
        plain = isinstance(node, ast.Name | ast.Subscript | ast.Call | ast.Attribute)
        return self.of(node) if plain else f"({self.of(node)})"

    def unindented(self, statement: ast.stmt) -> str:
        """A statement as it would stand at the margin, to be put elsewhere."""
        return self.of(statement).replace(f"\n{' ' * statement.col_offset}", "\n")

    def owner(self, call: ast.Call) -> str:
        """What a method is called on, as written: ``self.optimizer`` of ``self.optimizer.step()``."""
        return self.of(subject(call))

    def bound(self, call: ast.Call) -> str:
        """The name that gets what a call gives; empty where there is none."""
        parent = self.parents[call]
        if isinstance(parent, ast.Assign) and len(parent.targets) == 1 and isinstance(parent.targets[0], ast.Name):
            return parent.targets[0].id
        return ""

    # where a node is

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """What a node is in, from the inside."""
        while node in self.parents:
            node = self.parents[node]
            yield node

    def statement(self, node: ast.AST) -> ast.stmt:
        """The statement a node is part of."""
        while not isinstance(node, ast.stmt):
            node = self.parents[node]
        return node

    def function(self, node: ast.AST) -> ast.FunctionDef | None:
        """The function a node is in."""
        return next((each for each in self.around(node) if isinstance(each, ast.FunctionDef)), None)

    def loops(self, node: ast.AST) -> list[Loop]:
        """The loops around a node in its function, from the inside."""
        found: list[Loop] = []
        for each in self.around(node):
            if isinstance(each, ast.FunctionDef | ast.Lambda):
                break
            if isinstance(each, Loop):
                found.append(each)
        return found

    # changes

    def replace(self, node: ast.AST, text: str) -> None:
        self._change(*self._span(node), text)

    def wrap(self, node: ast.AST, form: str) -> None:
        """Put what is written into a form: ``wrap(node, "torch.tanh({})")``."""
        self.replace(node, form.format(self.of(node)))

    def delete(self, statement: ast.stmt) -> None:
        """Take whole lines away; a block that would be empty gets ``pass``."""
        parent = self.parents[statement]
        alone = any(getattr(parent, part, None) == [statement] for part in ("body", "orelse", "finalbody"))
        if alone:
            self.replace(statement, "pass")
            return
        assert statement.end_lineno is not None
        self._change(self._starts[statement.lineno - 1], self._starts[statement.end_lineno], "")

    def before(self, statement: ast.stmt, text: str) -> None:
        """A line (or lines) before a statement, at its indentation."""
        self._insert(self._starts[statement.lineno - 1], statement, text)

    def after(self, statement: ast.stmt, text: str) -> None:
        assert statement.end_lineno is not None
        self._insert(self._starts[statement.end_lineno], statement, text)

    def under(self, statement: ast.stmt, head: str) -> None:
        """Put a statement into a block of its own: ``under(step, "if ready:")``."""
        inner = self.of(statement).replace("\n", "\n    ")
        self.replace(statement, f"{head}\n{' ' * (statement.col_offset + 4)}{inner}")

    def argument(self, call: ast.Call, name: str, text: str) -> None:
        """Set an argument given by name, or add it."""
        given = keyword(call, name)
        if given is not None:
            self.replace(given, text)
            return
        _, end = self._span(call)
        comma = "" if self.of(call).rstrip(")").rstrip().endswith(("(", ",")) else ", "
        self._change(end - 1, end - 1, f"{comma}{name}={text}")

    def cut(self, after: ast.AST, last: ast.AST) -> None:
        """Take away what follows a node, up to the end of another."""
        self._change(self._span(after)[1], self._span(last)[1], "")

    def define(self, text: str) -> None:
        """Put a class or function after the imports."""
        imports: list[ast.stmt] = []
        for each in self.tree.body:
            if isinstance(each, ast.ClassDef | ast.FunctionDef):
                break
            imports += [each] if isinstance(each, ast.Import | ast.ImportFrom) else []
        self.after(imports[-1], f"\n\n{text}")

    def require(self, module: str) -> None:
        """Import a module where it is not."""
        if not self.has(rf"^import {module}\b"):
            first = next(each for each in self.tree.body if isinstance(each, ast.Import | ast.ImportFrom))
            self.before(first, f"import {module}")

    def result(self) -> str | None:
        """The changed program; None where nothing was changed or it is no longer Python."""
        if not self._changes:
            return None
        raw = self._raw
        for start, end, text in sorted(self._changes, key=lambda each: (each[0], each[1]), reverse=True):
            raw = raw[:start] + text.encode() + raw[end:]
        text = raw.decode()
        try:
            ast.parse(text)
        except SyntaxError:
            return None
        return text if text != self.text else None

    def _insert(self, place: int, statement: ast.stmt, text: str) -> None:
        indent = " " * statement.col_offset
        self._change(place, place, "".join(f"{indent}{line}\n" if line else "\n" for line in text.splitlines()))

    def _change(self, start: int, end: int, text: str) -> None:
        for short, long in self._long:
            text = re.sub(short, long, text)
        self._changes.append((start, end, text))

    def _span(self, node: ast.AST) -> tuple[int, int]:
        at = self._starts
        return (
            at[node.lineno - 1] + node.col_offset,  # type: ignore[attr-defined]
            at[node.end_lineno - 1] + node.end_col_offset,  # type: ignore[attr-defined]
        )


def within(tree: ast.AST, kind: type[Node]) -> list[Node]:
    """Every node of this kind in a part of a program, itself too."""
    return [each for each in ast.walk(tree) if isinstance(each, kind)]


def stores(tree: ast.AST) -> list[ast.Name]:
    """Names that are given something in a part of a program."""
    return [each for each in within(tree, ast.Name) if isinstance(each.ctx, ast.Store)]


def called(call: ast.AST | None) -> str:
    """The last name of what is called: ``cross_entropy`` of ``F.cross_entropy(...)``; empty of what is no call."""
    name = call.func if isinstance(call, ast.Call) else None
    return name.attr if isinstance(name, ast.Attribute) else name.id if isinstance(name, ast.Name) else ""


def subject(call: ast.Call) -> ast.expr | None:
    """What a method is called on: ``x`` of ``x.mean()``."""
    return call.func.value if isinstance(call.func, ast.Attribute) else None


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    """An argument given by name."""
    return next((each.value for each in call.keywords if each.arg == name), None)


def given(call: ast.Call, name: str, place: int) -> ast.expr | None:
    """An argument given by name or by place."""
    return keyword(call, name) or (call.args[place] if place < len(call.args) else None)


def method(owner: ast.ClassDef, name: str) -> ast.FunctionDef | None:
    """A function of a class."""
    return next((each for each in owner.body if isinstance(each, ast.FunctionDef) and each.name == name), None)


def body(block: ast.AST) -> list[ast.stmt]:
    """The statements of a block; none of what is no block."""
    return getattr(block, "body", []) if isinstance(block, ast.stmt | ast.Module) else []


def _place(node: ast.AST) -> tuple[int, int]:
    return getattr(node, "lineno", 0), getattr(node, "col_offset", 0)
