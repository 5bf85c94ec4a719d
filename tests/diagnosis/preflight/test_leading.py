"""A process that writes through the overlay sees what it wrote, and nothing of it is there afterwards."""

import os
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest

from gradus.diagnosis.preflight.leading import lead
from gradus.diagnosis.preflight.overlay import Overlay

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes do not fork here")


def run_within(place: Path, root: Path, program: str) -> str:
    """What ended a program that ran in `place`, in a child whose writing is led into `root`; "" if nothing did."""
    (root / "overlay").mkdir(parents=True)
    child = os.fork()
    if not child:
        words = ""
        try:
            os.chdir(place)
            lead(Overlay(root / "overlay"))
            exec(compile(textwrap.dedent(program), "program", "exec"), {})
        except BaseException as error:
            words = repr(error)
        ending = os.open(root / "overlay" / "words", os.O_WRONLY | os.O_CREAT)
        os.write(ending, words.encode())
        os._exit(0)
    os.waitpid(child, 0)
    return (root / "overlay" / "words").read_text()


def contents(place: Path) -> dict[str, tuple[bytes, float]]:
    return {
        str(each.relative_to(place)): (each.read_bytes(), each.stat().st_mtime)
        for each in place.rglob("*")
        if each.is_file()
    }


def scratch() -> set[str]:
    """What others, too, have among the machine's temporary files, by names that only our program gives."""
    return {str(each) for each in Path(tempfile.gettempdir()).glob("preflight-*")}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "place"
    (folder / "data").mkdir(parents=True)
    (folder / "notes.txt").write_text("hello")
    (folder / "data" / "one").write_text("1")
    (folder / "data" / "two").write_text("2")
    return folder


PROGRAMS = {
    "append": 'open("notes.txt", "a").write(" more"); assert open("notes.txt").read() == "hello more"',
    "low": """
        import os
        handle = os.open("notes.txt", os.O_WRONLY | os.O_TRUNC); os.write(handle, b"x"); os.close(handle)
        assert open("notes.txt").read() == "x"
        """,
    "folders": """
        import os
        from pathlib import Path
        os.makedirs("runs/1"); Path("runs/1/log").write_text("l")
        assert os.path.exists("runs/1/log") and sorted(os.listdir(".")) == ["data", "notes.txt", "runs"]
        try: os.mkdir("runs"); raise AssertionError
        except FileExistsError: pass
        """,
    "removed": """
        import glob, os
        from pathlib import Path
        os.remove("data/one")
        assert not Path("data/one").exists() and os.listdir("data") == glob.glob("*", root_dir="data") == ["two"]
        assert [each.name for each in Path("data").iterdir()] == ["two"]
        try: open("data/one"); raise AssertionError
        except FileNotFoundError: pass
        open("data/one", "w").write("new"); assert open("data/one").read() == "new"
        """,
    "trees": """
        import os, shutil
        shutil.rmtree("data"); assert not os.path.exists("data")
        os.mkdir("data"); assert os.listdir("data") == []
        """,
    "renamed": """
        import os
        os.rename("data/one", "data/three"); os.replace("notes.txt", "data/two")
        assert sorted(os.listdir("data")) == ["three", "two"] and open("data/two").read() == "hello"
        assert not os.path.exists("notes.txt")
        """,
    "exclusive": """
        try: open("notes.txt", "x"); raise AssertionError
        except FileExistsError: pass
        """,
    "nowhere": """
        try: open("nowhere/file", "w"); raise AssertionError
        except FileNotFoundError: pass
        """,
    "elsewhere": """
        import os
        os.mkdir("out"); os.chdir("out")
        assert os.getcwd().endswith("place/out") and open("../notes.txt").read() == "hello"
        open("here", "w").write("x"); assert os.listdir(".") == ["here"]
        """,
    "databases": """
        import sqlite3
        data = sqlite3.connect("results.db"); data.execute("create table t (a)"); data.commit()
        """,
    "arrays": """
        import numpy as np
        np.save("array.npy", np.ones(3)); np.savez("more.npz", a=np.ones(2)); np.ones(3).tofile("raw.bin")
        assert np.load("array.npy").sum() == 3 and len(np.fromfile("raw.bin")) == 3
        """,
    "temporary": """
        import os, tempfile
        with tempfile.TemporaryDirectory(prefix='preflight-') as place:
            open(os.path.join(place, "x"), "w").write("x")
        tempfile.mkstemp(prefix='preflight-')
        """,
    "past": """
        import _io
        try: _io.FileIO("notes.txt", "w"); raise AssertionError
        except PermissionError: pass
        """,
    "children": """
        import subprocess
        try: done = subprocess.run("rm -rf data; touch made; echo out", shell=True, capture_output=True, text=True)
        except PermissionError: pass  # refused where the kernel does not seal
        else: assert done.stdout == "out\\n"
        """,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_sees_what_it_did_and_leaves_no_trace(name: str, place: Path, tmp_path: Path) -> None:
    before, temporary = contents(place), scratch() if name == "temporary" else set()
    assert run_within(place, tmp_path / "root", PROGRAMS[name]) == ""
    assert contents(place) == before
    assert sorted(each.name for each in place.iterdir()) == ["data", "notes.txt"]
    assert not temporary or scratch() == temporary


def test_handles_that_are_open_and_devices_are_not_led_anywhere(place: Path, tmp_path: Path) -> None:
    program = """
        import os
        with open(os.devnull, "w") as nothing: print("x", file=nothing)
        read, write = os.pipe(); os.fdopen(write, "w").write("x")
        assert os.fdopen(read).read() == "x"
        """
    assert run_within(place, tmp_path / "root", program) == ""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel seals on Linux")
def test_the_kernel_refuses_what_python_does_not_see(place: Path, tmp_path: Path) -> None:
    program = """
        import ctypes
        from gradus.diagnosis.preflight.seal import seal
        libc = ctypes.CDLL(None)
        handle = libc.open(b"notes.txt", 1)
        raise SystemExit(handle)
        """
    sealed = run_within(place, tmp_path / "root", program)
    if "SystemExit(-1)" not in sealed:
        pytest.skip("this kernel has no Landlock")
    assert (place / "notes.txt").read_text() == "hello"
