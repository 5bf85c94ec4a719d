"""A folder is listed in one order, without what nobody put there, and nothing is followed out of it."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gradus.core.errors import InputError
from gradus.data.files import is_archive, open_files


def put(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    return root


def test_files_are_in_the_order_of_their_paths(tmp_path: Path) -> None:
    names = ["b/2.png", "b/10.png", "a-c/x.png", "a/y.png", "a/Z.png", "top.txt"]
    files = open_files(put(tmp_path, *names))
    assert files.names.tolist() == [b"a-c/x.png", b"a/Z.png", b"a/y.png", b"b/10.png", b"b/2.png", b"top.txt"]
    assert [files.read(number) for number in range(6)] == files.names.tolist()
    assert sorted(files.folders) == [b"a", b"a-c", b"b"]


def test_hidden_files_and_what_systems_leave_are_left_out(tmp_path: Path) -> None:
    put(tmp_path, "a/1.png", "a/.DS_Store", ".git/x.png", "a/._1.png", "a/Thumbs.db", "__MACOSX/a/1.png")
    files = open_files(tmp_path)
    assert (files.names.tolist(), files.folders) == ([b"a/1.png"], (b"a",))


def test_names_that_are_not_unicode_are_files_too(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff\xfe.png")).write_bytes(b"1")
    files = open_files(tmp_path)
    assert files.names.tolist() == [b"\xff\xfe.png"]
    assert files.read(0) == b"1"


def test_links_within_the_folder_are_followed(tmp_path: Path) -> None:
    put(tmp_path / "set", "a/1.png", "store/2.png")
    (tmp_path / "set" / "a" / "2.png").symlink_to("../store/2.png")
    (tmp_path / "set" / "b").symlink_to("store")
    (tmp_path / "link").symlink_to("set")
    for root in ("set", "link"):  # the folder itself may be a link
        files = open_files(tmp_path / root)
        assert files.names.tolist() == [b"a/1.png", b"a/2.png", b"b/2.png", b"store/2.png"]
        assert files.read(1) == b"store/2.png"


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("../../outside.png", r"set/a/link.png: is a symbolic link that leads out of the folder, got `.*outside.png`"),
        ("../../set-2/1.png", "leads out of the folder"),
        ("/etc", "leads out of the folder"),
        ("gone.png", "is a symbolic link to nothing, got `.*gone.png`. Remove it"),
        ("link.png", "is a symbolic link to nothing"),
        ("..", "is a symbolic link that leads in a circle"),
        ("../b", "is a symbolic link that leads in a circle"),
    ],
)
def test_other_links_are_not(target: str, says: str, tmp_path: Path) -> None:
    put(tmp_path, "set/a/1.png", "set-2/1.png", "outside.png", "set/b/1.png")
    (tmp_path / "set" / "b" / "back").symlink_to("../a" if target == "../b" else "1.png")
    (tmp_path / "set" / "a" / "link.png").symlink_to(target)
    with pytest.raises(InputError, match=says):
        open_files(tmp_path / "set")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"a.png: is neither file nor folder"):
        open_files(tmp_path)


@contextmanager
def without_rights() -> Iterator[None]:
    """Root may read anything; so this looks with the eyes of a user who may not."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


def test_a_folder_that_may_not_be_read_is_named() -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are closed to others
        folder = put(Path(name), "a/1.png")
        folder.chmod(0o755)
        (folder / "a").chmod(0)
        with without_rights(), pytest.raises(InputError, match=r"data .*/a: cannot be read: Permission denied"):
            open_files(folder)
        (folder / "a").chmod(0o755)


@pytest.mark.parametrize("name", ["a.zip", "A.ZIP", "a.tar", "a.tar.gz", "a.tgz", "a.tar.bz2", "a.tar.xz"])
def test_archives_are_known_by_name(name: str, tmp_path: Path) -> None:
    assert is_archive(tmp_path / name)
    (tmp_path / name).mkdir()
    assert not is_archive(tmp_path / name)


@pytest.mark.parametrize("name", ["a.npz", "a.csv.gz", "zip", "a.zip.txt"])
def test_other_files_are_none(name: str, tmp_path: Path) -> None:
    assert not is_archive(tmp_path / name)
