"""The user's file is found, run once, and its mistakes are the user's to read."""

import hashlib
import pickle
import re
import sys
from pathlib import Path

import pytest

from gradus.core.errors import InputError
from gradus.core.usercode import UserCode


def write(folder: Path, text: str, name: str = "mine.py") -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize("reference", ["mine.py", "mine:make", "mine.py:", "mine.py:a-b", "mine.txt:make", ":make", ""])
def test_a_reference_must_be_file_and_callable(reference: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^model: must look like `file.py:callable`, got "):
        UserCode.parse(reference, tmp_path, "model")


def test_the_file_is_relative_to_the_recipe(tmp_path: Path) -> None:
    path = write(tmp_path, "def make(): return 7\n")
    code = UserCode.parse("mine.py:make", tmp_path, "model")
    assert (code.path, code.name) == (path, "make")
    assert code.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert code.load()() == 7
    assert UserCode.parse(f"{path}:make", Path("elsewhere"), "model") == code


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    folder = re.escape(str(tmp_path))
    with pytest.raises(InputError, match=rf"^model: no such file, got `{folder}/nobody\.py`.* relative to {folder}\.$"):
        UserCode.parse("nobody.py:make", tmp_path, "model")
    (tmp_path / "folder.py").mkdir()
    with pytest.raises(InputError, match="no such file"):
        UserCode.parse("folder.py:make", tmp_path, "model")


def test_a_file_that_vanished_is_the_users_to_know(tmp_path: Path) -> None:
    path = write(tmp_path, "def make(): pass\n")
    code = UserCode.parse("mine.py:make", tmp_path, "model")
    path.unlink()
    with pytest.raises(InputError, match="cannot be read: No such file"):
        code.load()


def test_a_missing_callable_lists_the_nearest(tmp_path: Path) -> None:
    write(tmp_path, "def make_model(): pass\nnumber = 3\n")
    with pytest.raises(
        InputError, match=r"has no callable of this name, got `make_modle`. Did you mean `make_model`\?"
    ):
        UserCode.parse("mine.py:make_modle", tmp_path, "model").load()
    with pytest.raises(InputError, match="has no callable of this name, got `number`"):
        UserCode.parse("mine.py:number", tmp_path, "model").load()


@pytest.mark.parametrize(
    ("text", "reason", "cause"),
    [
        ("import module_that_is_nowhere\n", "raises ModuleNotFoundError on import", ModuleNotFoundError),
        ("def make(:\n", "raises SyntaxError on import", SyntaxError),
        ("raise RuntimeError('two\\nlines')\n", "raises RuntimeError on import: two lines", RuntimeError),
        ("import sys\nsys.exit(0)\n", "raises SystemExit on import", SystemExit),
    ],
)
def test_an_error_on_import_keeps_its_cause(text: str, reason: str, cause: type, tmp_path: Path) -> None:
    path = write(tmp_path, text)
    modules, places = set(sys.modules), list(sys.path)
    with pytest.raises(InputError, match=reason) as caught:
        UserCode.parse("mine.py:make", tmp_path, "model").load()
    assert isinstance(caught.value.__cause__, cause)
    assert getattr(caught.value.__cause__, "__notes__", None) == [f"while importing {path}"]
    assert "\n" not in str(caught.value)
    assert sys.path == places
    assert not {each for each in set(sys.modules) - modules if each.startswith("gradus_user")}


def test_interruption_is_not_taken_for_a_mistake(tmp_path: Path) -> None:
    write(tmp_path, "raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        UserCode.parse("mine.py:make", tmp_path, "model").load()


def test_the_file_may_import_its_neighbours(tmp_path: Path) -> None:
    write(tmp_path, "WIDTH = 5\n", "neighbour_of_mine.py")
    write(tmp_path, "from neighbour_of_mine import WIDTH\ndef make(): return WIDTH\n")
    assert UserCode.parse("mine.py:make", tmp_path, "model").load()() == 5
    assert str(tmp_path) not in sys.path


def test_two_parts_of_one_file_share_its_classes(tmp_path: Path) -> None:
    write(tmp_path, "class Net: pass\ndef make(): return Net()\ndef check(net): return isinstance(net, Net)\n")
    net = UserCode.parse("mine.py:make", tmp_path, "model").load()()
    assert UserCode.parse("mine.py:check", tmp_path, "criterion").load()(net)
    assert type(pickle.loads(pickle.dumps(net))) is type(net)  # noqa: S301 - what is tested


def test_an_edited_file_is_run_anew(tmp_path: Path) -> None:
    write(tmp_path, "def make(): return 1\n")
    assert UserCode.parse("mine.py:make", tmp_path, "model").load()() == 1
    write(tmp_path, "def make(): return 22\n")
    assert UserCode.parse("mine.py:make", tmp_path, "model").load()() == 22
