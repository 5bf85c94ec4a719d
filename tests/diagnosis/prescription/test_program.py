"""What is read off a program's source."""

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from gradus.diagnosis.prescription.prescribe import read_program
from gradus.diagnosis.prescription.program import Program, SourceFile

SOURCE = """
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.optim import SGD as Plain

criterion = nn.MSELoss()
class Net:
    def __init__(self):
        self.loss = nn.L1Loss()
    def fit(self):
        for epoch in range(2):
            while True:
                self.loss(1, 2).backward()
def other():
    criterion = nn.NLLLoss()
    return criterion(3, 4)
optimizer = Plain([], lr=0.1)
value = criterion(5, 6) + F.mse_loss(7, 8)
torch.nn.functional.mse_loss(*[9])
"""


def program(text: str = SOURCE) -> Program:
    found = read_program(Path("script.py"), text.encode())
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("pattern", "lines"),
    [("torch.nn.*Loss", [7, 10, 16]), ("torch.optim.*", [18]), ("torch.nn.functional.mse_loss", [19, 20])],
)
def test_calls_go_by_full_names(pattern: str, lines: list[int]) -> None:
    assert [each.node.lineno for each in program().calls(pattern)] == lines


def test_what_is_applied_is_seen_through_names_in_their_scope() -> None:
    found = {each.node.lineno: each.file.meaning(each.node) for each in program().applied("torch.nn.*Loss")}
    assert found[14] == "torch.nn.L1Loss"
    assert found[17] == "torch.nn.NLLLoss"
    assert 19 not in found or found[19] != "torch.nn.NLLLoss"


def test_methods_and_loops() -> None:
    (backward,) = program().methods("backward")
    loops = backward.file.loops(backward.node)
    assert [type(each) for each in loops] == [ast.While, ast.For]
    assert isinstance(backward.file.scope(backward.node), ast.FunctionDef)


def test_arguments_by_place_or_name() -> None:
    (made,) = program().calls("torch.optim.SGD")
    assert ast.unparse(made.argument(1, "lr") or ast.Constant(0)) == "0.1"
    assert made.argument(2, "momentum") is None
    starred = program().calls("torch.nn.functional.mse_loss")[1]
    assert starred.argument(0, "input") is None  # which it is cannot be told


@pytest.mark.parametrize(
    "content",
    [
        "x = 'größer'\n".encode(), "# -*- coding: latin-1 -*-\nx = 'größer'\n".encode("latin-1"),
        b"\xef\xbb\xbfx = 1\n", b"x = 1\r\ny = 2\r\n", b"x = 1\r\ny = 2\n",
    ],
)  # fmt: skip
def test_what_is_read_is_written_the_same(content: bytes) -> None:
    file = SourceFile.decoded(Path("script.py"), content)
    assert file.encoded(file.text) == content
    assert file.tree.body


def test_lines_that_are_added_end_as_the_others_do() -> None:
    file = SourceFile.decoded(Path("script.py"), b"x = 1\r\n")
    assert file.encoded(f"{file.text}y = 2\n") == b"x = 1\r\ny = 2\r\n"


@pytest.mark.parametrize("content", [b"x = (", b"\xff\xfe", b"# coding: nothing\n", b"x\x00"])
def test_what_is_no_python_is_no_program(content: bytes, tmp_path: Path) -> None:
    assert read_program(Path("script.py"), content) is None
    beside = tmp_path / "net.py"
    beside.write_bytes(content)
    found = read_program(Path("script.py"), b"x = 1\n", [beside, tmp_path / "gone.py"])
    assert found is not None
    assert len(found.files) == 1


def test_a_program_too_long_to_be_looked_through_in_time_gets_what_was_found_by_then() -> None:
    program = read_program(Path("script.py"), b"import torch\ntorch.manual_seed(0)\n")
    assert program is not None
    assert len(program.calls("torch.*")) == 1
    with pytest.raises(TimeoutError, match="too long"):
        replace(program, until=0.0).calls("torch.*")
