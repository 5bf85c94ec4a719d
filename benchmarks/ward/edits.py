"""A source and changes to it by the place of its syntax, so that everything else stays as it was written."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from gradus.diagnosis.prescription import edits
from gradus.diagnosis.prescription.edits import Edit
from gradus.diagnosis.prescription.program import Loop, SourceFile

Node = TypeVar("Node", bound=ast.AST)

SHORT = {"nn": "torch.nn", "F": "torch.nn.functional"}
"""Modules by the names that text put into a program may use for them."""


class Source:
    """A program's text and syntax tree, with changes gathered until `result` makes them.

    Text put in may use ``nn.`` and ``F.``: it is spelled as the program spells them.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._file = SourceFile(Path("program.py"), text)
        self.tree, self.parents = self._file.tree, self._file.parents
        known = {full: name for name, full in self._file.imports.items()}
        self._spelled = {short: known.get(full, full) for short, full in SHORT.items()}
        self._edits: list[Edit] = []
        self._nodes = sorted(self._file.nodes, key=_place)

    @property
    def changed(self) -> bool:
        return bool(self._edits)

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
        return "" if node is None else self._file.code(node)

    def grouped(self, node: ast.expr) -> str:
        """As written, in brackets unless a method can be called on it."""
        return edits.atom(self._file, node)

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
        return self._file.above(node)

    def statement(self, node: ast.AST) -> ast.stmt:
        """The statement a node is part of."""
        return self._file.statement(node)

    def function(self, node: ast.AST) -> ast.FunctionDef | None:
        """The function a node is in."""
        return next((each for each in self.around(node) if isinstance(each, ast.FunctionDef)), None)

    def loops(self, node: ast.AST) -> list[Loop]:
        """The loops around a node in its function, from the inside."""
        return self._file.loops(node)

    # changes

    def replace(self, node: ast.AST, text: str) -> None:
        self._edits.append(edits.replace(self._file, node, self._as_here(text)))

    def wrap(self, node: ast.AST, form: str) -> None:
        """Put what is written into a form: ``wrap(node, "torch.tanh({})")``."""
        self.replace(node, form.format(self.of(node)))

    def delete(self, statement: ast.stmt) -> None:
        """Take whole lines away; a block that would be empty gets ``pass``."""
        self._edits.append(edits.delete(self._file, statement))

    def before(self, statement: ast.stmt, text: str) -> None:
        """A line (or lines) before a statement, at its indentation."""
        self._edits.append(edits.before(self._file, statement, self._as_here(text)))

    def after(self, statement: ast.stmt, text: str) -> None:
        self._edits.append(edits.after(self._file, statement, self._as_here(text)))

    def under(self, statement: ast.stmt, head: str) -> None:
        """Put a statement into a block of its own: ``under(step, "if ready:")``."""
        inner = self.of(statement).replace("\n", "\n    ")
        self.replace(statement, f"{head}\n{' ' * (statement.col_offset + 4)}{inner}")

    def behind(self, loop: Loop, statement: ast.stmt) -> None:
        """Take a statement out of a loop's body, to stand behind the loop."""
        if loop.body[-1] is statement:  # its indentation is all there is to it
            start = self._file.span(statement)[0]
            margin = " " * loop.col_offset
            self._edits.append(Edit(self._file, start - statement.col_offset, start, margin))
        else:
            self.after(loop, self.of(statement))
            self.delete(statement)

    def argument(self, call: ast.Call, name: str, text: str) -> None:
        """Set an argument given by name, or add it."""
        self._edits.append(edits.with_argument(self._file, call, name, self._as_here(text)))

    def cut(self, after: ast.AST, last: ast.AST) -> None:
        """Take away what follows a node, up to the end of another."""
        self._edits.append(Edit(self._file, self._file.span(after)[1], self._file.span(last)[1], ""))

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
            self._edits.append(edits.import_line(self._file, f"import {module}"))

    def result(self) -> str | None:
        """The changed program; None where nothing was changed, or it is no longer Python."""
        try:
            text = edits.apply(self._edits, self._file)
        except (SyntaxError, edits.OverlapError):
            return None
        return text if text != self.text else None

    def _as_here(self, text: str) -> str:
        for short, spelled in self._spelled.items():
            text = re.sub(rf"(?<![\w.]){short}\.", f"{spelled}.", text)
        return text


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
