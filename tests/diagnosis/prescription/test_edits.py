"""Changes of text: what is changed, and that all else stays as it was written."""

import ast
from collections.abc import Callable
from pathlib import Path

import pytest

from gradus.diagnosis.prescription.edits import (
    Edit,
    OverlapError,
    after,
    apply,
    around,
    before,
    delete,
    difference,
    import_line,
    imported,
    replace,
    with_argument,
    without_argument,
)
from gradus.diagnosis.prescription.program import Program, SourceFile


def read(text: str) -> SourceFile:
    return SourceFile(Path("script.py"), text)


def call(file: SourceFile, name: str) -> ast.Call:
    return next(
        each for each in ast.walk(file.tree) if isinstance(each, ast.Call) and ast.unparse(each.func).endswith(name)
    )


def statement(file: SourceFile) -> ast.stmt:
    return file.statement(call(file, "step"))


def changed(text: str, change: Callable[[SourceFile], Edit]) -> str:
    file = read(text)
    return apply([change(file)], file)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("for x in y:\n\tstep()  # said\n", "for x in y:\n\ta()\n\tb()\n\tstep()  # said\n"),
        ("if x: step()\n", "if x: a(); b(); step()\n"),
        ("z(); step()\n", "z(); a(); b(); step()\n"),
        ("word = 'größer'; step()\n", "word = 'größer'; a(); b(); step()\n"),  # columns are bytes to ast
        ("x = '\x0c'\nstep()\n", "x = '\x0c'\na()\nb()\nstep()\n"),  # a form feed ends no line
        ("@step()\ndef f(): ...\n", "a()\nb()\n@step()\ndef f(): ...\n"),
    ],
)
def test_before(text: str, expected: str) -> None:
    assert changed(text, lambda file: before(file, statement(file), "a()\nb()")) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("for x in y:\n    step()  # said\n", "for x in y:\n    step()  # said\n    a()\n    b()\n"),
        ("if x: step()\n", "if x: step(); a(); b()\n"),
        ("step(); z()\n", "step(); a(); b(); z()\n"),
        ("step(\n    1,\n)", "step(\n    1,\n)\na()\nb()"),
    ],
)
def test_after(text: str, expected: str) -> None:
    assert changed(text, lambda file: after(file, statement(file), "a()\nb()")) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a()\nstep()  # said\nb()\n", "a()\nb()\n"),
        ("if x:\n    step()\nb()\n", "if x:\n    pass\nb()\n"),
        ("step(); b()\n", "b()\n"),
        ("a(); step()\n", "a(); \n"),
        ("@step()\ndef f(): ...\nb()\n", "b()\n"),
        ("step()", ""),
    ],
)
def test_delete(text: str, expected: str) -> None:
    assert changed(text, lambda file: delete(file, statement(file))) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("f()", "f(lr=2)"), ("f(a)", "f(a, lr=2)"), ("f(a, lr=1, b=3)", "f(a, lr=2, b=3)"),
        ("f(a,\n  )", "f(a, lr=2,\n  )"),
    ],
)  # fmt: skip
def test_with_argument(text: str, expected: str) -> None:
    assert changed(text, lambda file: with_argument(file, call(file, "f"), "lr", "2")) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("f(a, b, c=1)", "f(a, c=1)"), ("f(a, b)", "f(a)"), ("f(b)", "f()"), ("f(b, a)", "f(a)")]
)
def test_without_argument(text: str, expected: str) -> None:
    def change(file: SourceFile) -> Edit:
        found = call(file, "f")
        return without_argument(file, found, next(each for each in found.args if ast.unparse(each) == "b"))

    assert changed(text, change) == expected


@pytest.mark.parametrize(
    ("text", "name", "added"),
    [
        ("import torch.nn.functional as F\n", "F.relu", ""),
        ("import torch.nn as nn\n", "nn.functional.relu", ""),
        ("from torch.nn.functional import relu\n", "relu", ""),
        ("import torch\n", "torch.nn.functional.relu", ""),
        ("import math\nx = 1\n", "torch.nn.functional.relu", "import math\nimport torch\nx = 1\n"),
        ('"""Says."""\nx = 1\n', "torch.nn.functional.relu", '"""Says."""\nimport torch\nx = 1\n'),
        ("x = 1\n", "torch.nn.functional.relu", "import torch\nx = 1\n"),
    ],
)
def test_imported(text: str, name: str, added: str) -> None:
    file = read(text)
    found, edits = imported(file, "torch.nn.functional.relu")
    assert found == name
    assert apply(edits, file) == (added or text)


def test_what_overlaps_is_refused_and_what_nests_around_is_not() -> None:
    file = read("loss = f(x)\n")
    found = call(file, "f")
    assert apply([*around(file, found, "g(", ")"), replace(file, found.args[0], "y")], file) == "loss = g(f(y))\n"
    with pytest.raises(OverlapError):
        apply([replace(file, found, "h"), replace(file, found.args[0], "y")], file)


def test_what_is_no_python_any_more_is_refused() -> None:
    file = read("x = 1\n")
    with pytest.raises(SyntaxError):
        apply([Edit(file, 0, 1, "for")], file)


def test_a_difference_names_the_files_that_change() -> None:
    one, other = read("a = 1\n"), SourceFile(Path("net.py"), "b = 1\nc = '\x0c'")
    edit = replace(other, other.tree.body[1], "c = 2")
    assert difference(Program((one, other)), [edit]) == (
        "--- net.py\n+++ net.py\n@@ -1,2 +1,2 @@\n b = 1\n-c = '\x0c'\n+c = 2\n"
    )
    assert difference(Program((one, other)), []) == ""


def test_an_import_comes_behind_the_last_one() -> None:
    file = read("import a\nif x:\n    import b\n")
    assert apply([import_line(file, "import c")], file) == "import a\nimport c\nif x:\n    import b\n"
