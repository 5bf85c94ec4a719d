"""A source and changes to it by the place of its syntax, so that everything else stays as it was written."""

import ast
from typing import TypeVar

Node = TypeVar("Node", bound=ast.AST)


class Source:
    """A program's text and syntax tree, with changes gathered until `result` makes them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = ast.parse(text)
        self._lines = text.encode().splitlines(keepends=True)
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line))
        self._changes: list[tuple[int, int, str]] = []
        self.parents = {child: parent for parent in ast.walk(self.tree) for child in ast.iter_child_nodes(parent)}

    def all(self, kind: type[Node]) -> list[Node]:
        """Every node of this kind, in order of place."""
        found = [each for each in ast.walk(self.tree) if isinstance(each, kind)]
        return sorted(found, key=lambda each: (getattr(each, "lineno", 0), getattr(each, "col_offset", 0)))

    def calls(self, *names: str) -> list[ast.Call]:
        """Calls whose function's last name is one of these: ``calls("Linear")`` finds ``nn.Linear(3, 4)``; also methods,
        ``calls("backward")``.
        """
        return [each for each in self.all(ast.Call) if called(each) in names]

    def of(self, node: ast.AST) -> str:
        """What is written there."""
        start, end = self._span(node)
        return self.text.encode()[start:end].decode()

    def statement(self, node: ast.AST) -> ast.stmt:
        """The statement a node is part of."""
        while not isinstance(node, ast.stmt):
            node = self.parents[node]
        return node

    def function(self, node: ast.AST) -> ast.FunctionDef | None:
        """The function a node is in."""
        while node in self.parents:
            node = self.parents[node]
            if isinstance(node, ast.FunctionDef):
                return node
        return None

    def replace(self, node: ast.AST, text: str) -> None:
        start, end = self._span(node)
        self._changes.append((start, end, text))

    def delete(self, statement: ast.stmt) -> None:
        """Take whole lines away; a block that would be empty gets ``pass``."""
        parent = self.parents[statement]
        alone = any(getattr(parent, part, None) == [statement] for part in ("body", "orelse", "finalbody"))
        if alone:
            self.replace(statement, "pass")
            return
        assert statement.end_lineno is not None
        self._changes.append((self._starts[statement.lineno - 1], self._starts[statement.end_lineno], ""))

    def before(self, statement: ast.stmt, text: str) -> None:
        """A line (or lines) before a statement, at its indentation."""
        self._insert(self._starts[statement.lineno - 1], statement, text)

    def after(self, statement: ast.stmt, text: str) -> None:
        assert statement.end_lineno is not None
        self._insert(self._starts[statement.end_lineno], statement, text)

    def argument(self, call: ast.Call, name: str, text: str) -> None:
        """Set an argument given by name, or add it."""
        for each in call.keywords:
            if each.arg == name:
                self.replace(each.value, text)
                return
        _, end = self._span(call)
        inner = self.of(call)
        comma = "" if inner.rstrip(")").rstrip().endswith(("(", ",")) else ", "
        self._changes.append((end - 1, end - 1, f"{comma}{name}={text}"))

    def result(self) -> str | None:
        """The changed program; None where nothing was changed or it is no longer Python."""
        raw = self.text.encode()
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
        self._changes.append((place, place, "".join(f"{indent}{line}\n" for line in text.splitlines())))

    def _span(self, node: ast.AST) -> tuple[int, int]:
        at = self._starts
        return (
            at[node.lineno - 1] + node.col_offset,  # type: ignore[attr-defined]
            at[node.end_lineno - 1] + node.end_col_offset,  # type: ignore[attr-defined]
        )


def called(call: ast.Call) -> str:
    """The last name of what is called: ``cross_entropy`` of ``F.cross_entropy(...)``."""
    name = call.func
    return name.attr if isinstance(name, ast.Attribute) else name.id if isinstance(name, ast.Name) else ""
