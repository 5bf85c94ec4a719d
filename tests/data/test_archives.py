"""What is read out of an archive is what was packed into it, and one made to do harm is refused before it does any."""

import gc
import io
import struct
import tarfile
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gradus.core.errors import InputError
from gradus.data import archives
from gradus.data.archives import open_archive

RANDOM = np.random.default_rng(0)
CONTENT = {f"top/{name}": RANDOM.bytes(size) for name, size in (("b/2.bin", 3000), ("a/1.bin", 700), ("a.bin", 0))}
CONTENT["top/b/10.bin"] = bytes(5000)  # compresses well
ORDER = [b"top/a.bin", b"top/a/1.bin", b"top/b/10.bin", b"top/b/2.bin"]
Pack = Callable[[Path], Path]


def as_zip(method: int) -> Pack:
    def pack(folder: Path) -> Path:
        with zipfile.ZipFile(folder / "set.zip", "w", method) as archive:
            archive.mkdir("top/empty")
            for name, content in CONTENT.items():
                archive.writestr(name, content)
            archive.writestr("__MACOSX/top/._a.bin", b"clutter")
            archive.writestr("top/.DS_Store", b"clutter")
        return folder / "set.zip"

    return pack


def as_tar(mode: str, suffix: str, form: int = tarfile.PAX_FORMAT, prefix: str = "") -> Pack:
    def pack(folder: Path) -> Path:
        path = folder / f"set{suffix}"
        with tarfile.open(path, mode, format=form) as archive:  # type: ignore[call-overload]
            add(archive, f"{prefix}top/empty", kind=tarfile.DIRTYPE)
            for name, content in CONTENT.items():
                add(archive, prefix + name, content)
            add(archive, f"{prefix}top/.DS_Store", b"clutter")
        return path

    return pack


def add(archive: tarfile.TarFile, name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.type, member.linkname = len(content), kind, "top/a.bin"
    archive.addfile(member, io.BytesIO(content))


PACKS = {
    "stored zip": as_zip(zipfile.ZIP_STORED),
    "deflated zip": as_zip(zipfile.ZIP_DEFLATED),
    "tar": as_tar("w", ".tar"),
    "tar of GNU": as_tar("w", ".tar", tarfile.GNU_FORMAT),
    "tar of a folder": as_tar("w", ".tar", prefix="./"),
    "gzip": as_tar("w:gz", ".tar.gz"),
    "bzip2": as_tar("w:bz2", ".tar.bz2"),
    "xz": as_tar("w:xz", ".txz"),
    "gzip by another name": as_tar("w:gz", ".tar"),
}


@pytest.mark.parametrize("name", PACKS)
def test_files_come_out_as_they_went_in(name: str, tmp_path: Path) -> None:
    files = open_archive(PACKS[name](tmp_path))
    assert files.names.tolist() == ORDER
    assert files.folders == (b"top/empty",)
    for number in (3, 0, 2, 1):  # in any order
        assert files.read(number) == CONTENT[ORDER[number].decode()]


def test_a_zip_with_something_before_it_is_read_too(tmp_path: Path) -> None:
    packed = as_zip(zipfile.ZIP_DEFLATED)(tmp_path)
    packed.write_bytes(b"#!/bin/sh\n" + packed.read_bytes())
    assert open_archive(packed).read(3) == CONTENT["top/b/2.bin"]


def test_names_are_kept_whatever_they_are_written_in(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("Kätzchen/猫.png", b"1")
        archive.writestr("dos\\folder\\a.png", b"2")
    assert [each.decode() for each in open_archive(tmp_path / "a.zip").names] == ["Kätzchen/猫.png", "dos/folder/a.png"]


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> Pack:
    def pack(folder: Path) -> Path:
        with zipfile.ZipFile(folder / "set.zip", "w", method) as archive:
            for name, content in members:
                archive.writestr(name, content, compress_type=method)
        return folder / "set.zip"

    return pack


def tarred(*members: tuple[str, bytes], mode: str = "w") -> Pack:
    def pack(folder: Path) -> Path:
        with tarfile.open(folder / "set.tar", mode) as archive:  # type: ignore[call-overload]
            for name, kind in members:
                add(archive, name, kind=kind)
        return folder / "set.tar"

    return pack


def zip_link() -> zipfile.ZipInfo:
    link = zipfile.ZipInfo("a/link.png")
    link.external_attr = 0o120777 << 16
    return link


def patched(pack: Pack, at: bytes, offset: int, value: bytes) -> Pack:
    """The archive with bytes overwritten that lie `offset` after the last occurrence of `at`."""

    def make(folder: Path) -> Path:
        path = pack(folder)
        content = bytearray(path.read_bytes())
        place = content.rindex(at) + offset
        content[place : place + len(value)] = value
        path.write_bytes(content)
        return path

    return make


def cut(pack: Pack, size: int) -> Pack:
    def make(folder: Path) -> Path:
        path = pack(folder)
        path.write_bytes(path.read_bytes()[:-size])
        return path

    return make


ONE = zipped(("a/1.png", RANDOM.bytes(100)), method=zipfile.ZIP_STORED)
CENTRAL = b"PK\x01\x02"  # PKWARE 4.3.12: flags at 8, sizes at 20 and 24
REFUSED: dict[str, tuple[Pack, str]] = {
    "../": (zipped(("a/../../x.png", b"1")), r"holds a file whose name leads out of the archive, got `a/../../x.png`"),
    "absolute": (zipped(("/etc/x.png", b"1")), "leads out of the archive, got `/etc/x.png`"),
    "another drive": (zipped(("C:\\x.png", b"1")), "leads out of the archive"),
    "backslashes": (zipped(("a\\..\\..\\x.png", b"1")), "leads out of the archive"),
    "../ in a tar": (tarred(("../x.png", tarfile.REGTYPE)), "leads out of the archive, got `../x.png`"),
    "absolute in a tar": (tarred(("/x.png", tarfile.REGTYPE)), "leads out of the archive"),
    "symlink": (tarred(("a/x.png", tarfile.SYMTYPE)), "set.tar/a/x.png: must be a file, not a link"),
    "hard link": (tarred(("a/x.png", tarfile.LNKTYPE)), "must be a file, not a link"),
    "device": (tarred(("a/x.png", tarfile.CHRTYPE)), "must be a file, not a device"),
    "pipe": (tarred(("a/x.png", tarfile.FIFOTYPE)), "must be a file, not a device"),
    "symlink in a zip": (zipped((zip_link(), b"/etc/passwd")), "set.zip/a/link.png: is a symbolic link"),
    "bomb": (zipped(("a/1.png", bytes(20 << 20))), "too large to be an image, as in a zip bomb, got `20,3"),
    "declared size": (patched(ONE, CENTRAL, 24, struct.pack("<I", 0xF0000000)), "that become 4,026,531,840`"),
    "encrypted": (patched(ONE, CENTRAL, 8, b"\1\0"), "set.zip/a/1.png: is encrypted. Unpack the archive with its"),
    "another method": (zipped(("a/1.png", b"1"), method=zipfile.ZIP_LZMA), "must be stored or deflated"),
    "two of one name": (tarred(("a/1.png", tarfile.REGTYPE), ("a/1.png", tarfile.REGTYPE)), "two files of one name"),
    "cut zip": (cut(ONE, 30), "is not a readable archive"),
    "cut tar": (cut(as_tar("w", ".tar"), 9000), "is not a readable archive"),
    "cut gzip": (cut(as_tar("w:gz", ".tgz"), 500), "is not a readable archive"),
    "no gzip": (patched(as_tar("w:gz", ".tgz"), b"\x1f\x8b", 20, b"\0\1\2\3\4"), "is not a readable archive"),
    "no tar": (lambda folder: write(folder / "a.tar", b"no tar" * 200), "is not a readable archive"),
    "no zip": (lambda folder: write(folder / "a.zip", b""), "is not a readable archive"),
}


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_used_is_named(name: str, tmp_path: Path) -> None:
    pack, says = REFUSED[name]
    path = pack(tmp_path)
    with pytest.raises(InputError) as told:
        open_archive(path)
    assert str(told.value).startswith(f"data {path}")
    assert says in str(told.value)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "damage",
    [
        patched(zipped(("a/1.png", RANDOM.bytes(9))), CENTRAL, -4, b"\0\0\0\0"),
        patched(zipped(("a/1.png", RANDOM.bytes(99))), CENTRAL, 16, b"\0\0\0\0"),
        patched(ONE, CENTRAL, 24, struct.pack("<I", 99)),
        patched(ONE, CENTRAL, 42, struct.pack("<I", 9)),
        patched(zipped(("a/1.png", bytes(9999))), CENTRAL, 24, struct.pack("<I", 100)),
    ],
    ids=["content", "checksum", "size of stored", "place", "size of deflated"],
)
def test_a_damaged_member_is_not_read(damage: Pack, tmp_path: Path) -> None:
    files = open_archive(damage(tmp_path))
    with pytest.raises((OSError, zlib.error)):
        files.read(0)


def test_a_tar_that_was_cut_since_is_noticed(tmp_path: Path) -> None:
    path = as_tar("w", ".tar")(tmp_path)
    files = open_archive(path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(OSError, match="the archive ends within it"):
        files.read(3)


def test_a_compressed_tar_larger_than_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = as_tar("w:gz", ".tgz")(tmp_path)
    monkeypatch.setattr(archives, "free_memory", lambda: 4 * 9000)
    with pytest.raises(
        InputError, match=r"is read into memory, and this one fills more than 25% of it. Unpack it first"
    ):
        open_archive(path)
    monkeypatch.setattr(archives, "free_memory", lambda: 4 * 90_000)
    assert len(open_archive(path).names) == len(CONTENT)


def test_what_a_tar_could_expand_to_is_never_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A header of PAX that is 64 MiB of zeros, in a file of some KiB."""
    member = tarfile.TarInfo("a/1.png")
    member.pax_headers = {"comment": "0" * (64 << 20)}
    with tarfile.open(tmp_path / "a.tgz", "w:gz", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(member)
    monkeypatch.setattr(archives, "free_memory", lambda: 4 << 20)
    tracemalloc.start()
    with pytest.raises(InputError, match="Unpack it first"):
        open_archive(tmp_path / "a.tgz")
    assert tracemalloc.get_traced_memory()[1] < 16 << 20
    tracemalloc.stop()


def test_a_listing_keeps_no_object_for_each_file(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for number in range(3000):
            add(archive, f"class/{number:08}.png", b"1")
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    files = open_archive(tmp_path / "a.tar")
    gc.collect()
    held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert len(files.names) == 3000
    assert held < 3000 * 60  # 18 bytes of name and two numbers of 8; a TarInfo takes ten times as many
