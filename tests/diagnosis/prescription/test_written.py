"""Numbers are found where they are written."""

import ast
import textwrap
from pathlib import Path

import pytest

from gradus.diagnosis.prescription.program import Program, SourceFile
from gradus.diagnosis.prescription.written import number, text_of, written


def literal(source: str, *others: tuple[str, str]) -> str | None:
    """The literal behind the only argument of `use(...)`, with its line."""
    files = [SourceFile(Path("script.py"), textwrap.dedent(source))]
    files += [SourceFile(Path(name), textwrap.dedent(text)) for name, text in others]
    program = Program(tuple(files))
    call = next(
        node
        for node in ast.walk(program.script.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "use"
    )
    found = written(program, program.script, call.args[0])
    return None if found is None else f"{found.file.path}:{found.node.lineno} {found.file.code(found.node)}"


TRAINER = """
class Trainer:
    def __init__(self, lr):
        self.lr = lr
    def fit(self):
        use(self.lr)

Trainer(0.7)
"""
OPTION = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--learning-rate", "-l", default=0.1)
args = parser.parse_args()
use(args.learning_rate)
"""
RENAMED = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--rate", dest="lr", default=0.1)
def main(args):
    use(args.lr)
main(parser.parse_args())
"""
PARSED_ELSEWHERE = """
import argparse
def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", default=0.1)
    return parser.parse_args()
args = parse()
use(args.lr)
"""


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("use(-3e-4)", "script.py:1 -3e-4"),
        ("def f(lr):\n    use(lr)\nLR = 0.1\nprint(f'{f(LR)}')", "script.py:3 0.1"),
        ("def f(lr):\n    use(lr)\nprint(f'{f(0.1)}')", None),  # whose place in the text is not known
        ("use(10**-3)", "script.py:1 10**-3"),
        ("LR = 0.1\nuse(LR)", "script.py:1 0.1"),
        ("EPOCHS, LR = 5, 0.1\nuse(LR)", "script.py:1 0.1"),
        ("use(float(0.5))", "script.py:1 0.5"),
        ("c = {'lr': 0.1, 'epochs': 3}\nuse(c['lr'])", "script.py:1 0.1"),
        ("c = dict(lr=0.1)\nuse(c['lr'])", "script.py:1 0.1"),
        ("c = {'lr': 0.1}\nc['lr'] = 0.2\nuse(c['lr'])", "script.py:2 0.2"),
        ("c = {}\nuse(c.get('lr', 0.3))", "script.py:2 0.3"),
        ("c = {'lr': 0.1}\nuse(c.get('lr', 0.3))", "script.py:1 0.1"),
        ("def f(lr=0.1):\n    use(lr)\nf()", "script.py:1 0.1"),
        ("def f(lr=0.1):\n    use(lr)\nf(lr=0.2)", "script.py:3 0.2"),
        ("def f(x, lr):\n    use(lr)\nLR = 0.2\nf(1, LR)", "script.py:3 0.2"),
        ("def f(*, lr=0.1):\n    use(lr)", "script.py:1 0.1"),
        ("class C:\n    lr: float = 0.1\nc = C()\nuse(c.lr)", "script.py:2 0.1"),
        ("class C:\n    lr: float = 0.1\nc = C(lr=0.4)\nuse(c.lr)", "script.py:3 0.4"),
        ("class C:\n    lr = 0.1\nuse(C.lr)", "script.py:2 0.1"),
        (TRAINER, "script.py:8 0.7"),
        (OPTION, "script.py:4 0.1"),
        (RENAMED, "script.py:4 0.1"),
        (PARSED_ELSEWHERE, "script.py:5 0.1"),
        ("c = {'optim': {'lr': 0.1}}\nuse(c['optim']['lr'])", "script.py:1 0.1"),
        ("base = {'lr': 0.1}\nc = {**base, 'epochs': 3}\nuse(c['lr'])", "script.py:1 0.1"),
        ("base = {'lr': 0.4}\nc = {**base, 'lr': 0.1}\nuse(c['lr'])", "script.py:2 0.1"),
        ("class C:\n    lr = 0.1\nclass A:\n    c = C()\na = A()\nuse(a.c.lr)", "script.py:2 0.1"),
        ("def config():\n    return {'lr': 0.1}\nuse(config()['lr'])", "script.py:2 0.1"),
        ("class C:\n    seed: int = 0\n    lr: float = 0.1\nc = C(1, 0.4)\nuse(c.lr)", "script.py:4 0.4"),
        ("class C:\n    def __init__(self):\n        self.o = {'lr': 0.1}\nc = C()\nuse(c.o['lr'])", "script.py:3 0.1"),
        ("c = [0.1, 64]\nuse(c[0])", "script.py:1 0.1"),
        ("def f(**options):\n    use(options.get('lr', 0.3))\nf(lr=0.1)", "script.py:3 0.1"),
        ("import click\n@click.option('--lr', default=0.1)\ndef f(lr):\n    use(lr)\nf()", "script.py:2 0.1"),
        ("def rate():\n    return 0.1\nuse(rate())", "script.py:2 0.1"),
        ("from dataclasses import field\nclass C:\n    lr: float = field(default=0.1)\nuse(C().lr)", "script.py:3 0.1"),
        ("import sys\nuse(float(sys.argv[1]) if len(sys.argv) > 1 else 0.1)", "script.py:2 0.1"),
        ("use(chosen or 0.1)", "script.py:1 0.1"),
        (OPTION.replace("args.learning_rate", "vars(args)['learning_rate']"), "script.py:4 0.1"),
        (OPTION.replace("args.learning_rate", "getattr(args, 'learning_rate')"), "script.py:4 0.1"),
    ],
)
def test_is_found(source: str, expected: str) -> None:
    assert literal(source) == expected


@pytest.mark.parametrize(
    "source",
    [
        "use(rate())",
        "LR = 0.1\nLR = unknown\nuse(LR)",
        "def f(lr):\n    use(lr)\nf(0.1)\nf(0.2)",  # two places
        "def rate():\n    if x:\n        return 0.1\n    return 0.2\nuse(rate())",
        "def rate():\n    if x:\n        return 0.1\n    return other\nuse(rate())",
        "use(0.1 if fast else 0.2)",
        "use(True)",
        "a, b = pair()\nuse(a)",
        "for lr in (0.1, 0.2):\n    use(lr)",
        "x = x\nuse(x)",
        "use(9 ** 9 ** 9)",
        "use(1 / 0)",
    ],
)
def test_is_not_guessed(source: str) -> None:
    assert literal(source) is None


def test_another_module_of_the_program() -> None:
    assert literal("from config import LR\nuse(LR)", ("config.py", "LR = 0.1")) == "config.py:1 0.1"


def test_number_and_text() -> None:
    assert number(ast.parse("2 * 3 - 10 // 4", mode="eval").body) == 4
    assert [text_of(each) for each in (1.0, 0.0, 1e-5, 0.003, 64, 20.0)] == [
        "1.0",
        "0.0",
        "1e-05",
        "0.003",
        "64",
        "20.0",
    ]
