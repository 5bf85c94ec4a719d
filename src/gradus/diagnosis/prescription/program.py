"""A program as it was written: its syntax, what names in it mean, and where things are."""

import ast
import io
import math
import re
import tokenize
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from time import perf_counter
from typing import Self

Scope = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda
Loop = ast.For | ast.While
Naming = Callable[["SourceFile", ast.Call], str]
"""How a call is named; "" for none."""


@dataclass(frozen=True, eq=False)
class SourceFile:
    """One file. Nodes are those of `tree`.

    Raises:
        SyntaxError: when its syntax is first asked for, if it has none.
    """

    path: Path
    text: str
    encoding: str = "utf-8"
    newline: str = "\n"

    @classmethod
    def decoded(cls, path: Path, content: bytes) -> Self:
        """A file as it is on disk, in the encoding that it declares; its lines are read as ending in a line feed.

        Raises:
            SyntaxError: for an encoding there is not.
            UnicodeDecodeError: for content that is not in it.
        """
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        text = content.decode(encoding)
        if "\r\n" not in text or text.count("\n") != text.count("\r\n"):
            return cls(path, text, encoding)
        return cls(path, text.replace("\r\n", "\n"), encoding, "\r\n")

    def encoded(self, text: str) -> bytes:
        """What is to be on disk for `text`."""
        return text.replace("\n", self.newline).encode(self.encoding)

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def nodes_in_text(self) -> list[ast.AST]:
        """All nodes, also those in f-strings."""
        return list(ast.walk(self.tree))

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """All nodes but those in f-strings, whose places Python 3.11 does not tell."""
        within = {
            part
            for each in self.nodes_in_text
            if isinstance(each, ast.JoinedStr)
            for part in ast.walk(each)
            if part is not each
        }
        return [each for each in self.nodes_in_text if each not in within]

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        return {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    @cached_property
    def imports(self) -> dict[str, str]:
        """What each imported name stands for: `nn` for `torch.nn`, `Adam` for `torch.optim.Adam`."""
        names: dict[str, str] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for each in node.names:
                    # `import torch.nn` binds `torch`
                    bound = each.asname or each.name.partition(".")[0]
                    names[bound] = each.name if each.asname else bound
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                for each in node.names:
                    names[each.asname or each.name] = f"{node.module}.{each.name}"
        return names

    @cached_property
    def line_starts(self) -> list[int]:
        """Characters before each line, and in all; lines are those of Python's tokenizer, which knows three ends."""
        starts = [0, *(end.end() for end in re.finditer(r"\r\n|\r|\n", self.text))]
        return starts if starts[-1] == len(self.text) else [*starts, len(self.text)]

    def line_start(self, place: int) -> int:
        """Where the line begins that a character is in."""
        return self.line_starts[bisect_right(self.line_starts, place) - 1]

    def offset(self, line: int, column: int) -> int:
        """Characters before a place; `ast` counts lines from 1, and columns in bytes."""
        start = self.line_starts[line - 1]
        rest = self.text[start : self.line_starts[line]]
        return start + len(rest.encode()[:column].decode(errors="ignore"))

    def span(self, node: ast.AST) -> tuple[int, int]:
        """Where a statement or expression lies in the text; of what is decorated, without decorators.

        Raises:
            ValueError: within an f-string, where Python 3.11 does not tell.
        """
        if self._in_text(node):
            raise ValueError(f"the place of {ast.unparse(node)} in an f-string is not known")
        assert isinstance(node, ast.stmt | ast.expr | ast.keyword | ast.arg | ast.alias)
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self.offset(node.lineno, node.col_offset), self.offset(node.end_lineno, node.end_col_offset)

    def code(self, node: ast.AST) -> str:
        """The source of a node."""
        if self._in_text(node):
            return ast.unparse(node)
        start, end = self.span(node)
        return self.text[start:end]

    def _in_text(self, node: ast.AST) -> bool:
        return any(isinstance(each, ast.JoinedStr) for each in self.above(node))

    # ---- around a node ----------------------------------------------------------------------------------------------

    def above(self, node: ast.AST) -> Iterator[ast.AST]:
        """What a node lies in, from the inside out."""
        while node in self.parents:
            node = self.parents[node]
            yield node

    def statement(self, node: ast.AST) -> ast.stmt:
        """The innermost statement that a node is part of: itself if it is one."""
        for each in (node, *self.above(node)):
            if isinstance(each, ast.stmt):
                return each
        raise ValueError("a node outside of any statement")

    def scope(self, node: ast.AST) -> Scope:
        """The function, class or module that a node lies in."""
        for each in self.above(node):
            if isinstance(each, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
                return each
        return self.tree

    def loops(self, node: ast.AST) -> list[Loop]:
        """The loops around a node within its function, from the inside out."""
        found: list[Loop] = []
        for each in self.above(node):
            if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
                break
            if isinstance(each, Loop):
                found.append(each)
        return found

    # ---- what names mean --------------------------------------------------------------------------------------------

    def qualified(self, node: ast.AST) -> str:
        """The full name of a name or attribute that leads to an import: `torch.nn.Linear` for `nn.Linear`; else ""."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or node.id not in self.imports:
            return ""
        return ".".join([self.imports[node.id], *reversed(parts)])

    def assigned(self, target: str, within: Scope | None = None) -> list[ast.Assign | ast.AnnAssign]:
        """The statements that give a name or attribute, written as `target` (`x`, `self.fc`), a value, in order."""
        found: list[ast.Assign | ast.AnnAssign] = []
        for node in ast.walk(within or self.tree):
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            if isinstance(node, ast.Assign | ast.AnnAssign) and any(
                each is not None and ast.unparse(each) == target for each in targets
            ):
                found.append(node)
        return sorted(found, key=lambda each: each.lineno)

    def value(self, node: ast.AST) -> ast.expr | None:
        """What a name or attribute was given, if that happens once in its scope or else once in the file."""
        if not isinstance(node, ast.Name | ast.Attribute):
            return None
        target = ast.unparse(node)
        for within in (self.scope(node), None):
            found = self.assigned(target, within)
            if len(found) == 1:
                return found[0].value
            if found:
                return None
        return None

    def meaning(self, call: ast.Call) -> str:
        """What is called, in full, also through a name: `torch.nn.MSELoss` for `criterion(...)`; else ""."""
        name = self.qualified(call.func)
        if name:
            return name
        made = self.value(call.func)
        return self.qualified(made.func) if isinstance(made, ast.Call) else ""


@dataclass(frozen=True)
class Found:
    """A call, and the file it is in."""

    file: SourceFile
    node: ast.Call

    @property
    def statement(self) -> ast.stmt:
        return self.file.statement(self.node)

    @property
    def receiver(self) -> ast.expr:
        """What a method is called on: `optimizer` of `optimizer.step()`."""
        assert isinstance(self.node.func, ast.Attribute)
        return self.node.func.value

    def argument(self, position: int, name: str) -> ast.expr | None:
        """An argument by its place or its name, a place of -1 for one that has none; None where it is left out."""
        for each in self.node.keywords:
            if each.arg == name:
                return each.value
        if any(isinstance(each, ast.Starred) for each in self.node.args[: position + 1]):
            return None
        return self.node.args[position] if 0 <= position < len(self.node.args) else None


@dataclass(frozen=True)
class Program:
    """The script first, then modules of its own that it has loaded.

    Attributes:
        until: the time, by `perf_counter`, from which on it is looked through no more.
    """

    files: tuple[SourceFile, ...]
    until: float = field(default=math.inf, compare=False)

    @property
    def script(self) -> SourceFile:
        return self.files[0]

    def nodes(self, *, in_text: bool = False) -> Iterator[tuple[SourceFile, ast.AST]]:
        """All but those in f-strings, whose places Python 3.11 does not tell; with `in_text` those as well.

        Raises:
            TimeoutError: when the time is over.
        """
        if perf_counter() > self.until:
            raise TimeoutError("the program is too long to be looked through in time")
        for file in self.files:
            for node in file.nodes_in_text if in_text else file.nodes:
                yield file, node

    def calls(self, *patterns: str) -> list[Found]:
        """Calls of what is imported under one of these names, such as `torch.optim.*`, in the order of the text."""
        return self._calls(lambda file, node: file.qualified(node.func), patterns)

    def applied(self, *patterns: str) -> list[Found]:
        """The same, also of what was made under these names: `criterion(...)` of `criterion = nn.MSELoss()`."""
        return self._calls(lambda file, node: file.meaning(node), patterns)

    def methods(self, *names: str) -> list[Found]:
        """Calls of methods of these names on anything that is not imported: `loss.backward()`."""

        def name(file: SourceFile, node: ast.Call) -> str:
            called = node.func
            return called.attr if isinstance(called, ast.Attribute) and not file.qualified(called) else ""

        return self._calls(name, names)

    def _calls(self, name: Naming, patterns: Sequence[str]) -> list[Found]:
        found = [
            Found(file, node)
            for file, node in self.nodes()
            if isinstance(node, ast.Call) and _fits(name(file, node), patterns)
        ]
        order = {id(file): number for number, file in enumerate(self.files)}
        return sorted(found, key=lambda each: (order[id(each.file)], each.node.lineno, each.node.col_offset))


def _fits(name: str, patterns: Iterable[str]) -> bool:
    return bool(name) and any(fnmatchcase(name, each) for each in patterns)
