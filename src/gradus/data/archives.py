"""Files inside a zip or tar, read where they lie: nothing is ever unpacked onto the disk."""

import bz2
import gzip
import lzma
import posixpath
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from gradus.core.errors import InputError
from gradus.data.resources import free_memory

Names = NDArray[np.bytes_]
Numbers = NDArray[np.int64]

MOST_BYTES = 1 << 28
"""A larger file is taken for one made to fill the memory."""
SUSPICIOUS_BYTES, SUSPICIOUS_RATIO = 1 << 24, 200
"""And so is one of so many bytes that was packed to less than such a share of them."""
MEMORY_SHARE = 0.25
"""Of free memory that a compressed tar, which cannot be read from the middle, may fill."""
_CLUTTER = ("__MACOSX", "Thumbs.db", "desktop.ini")
_COMPRESSED: dict[bytes, Callable[..., Any]] = {b"\x1f\x8b": gzip.open, b"BZ": bz2.open, b"\xfd7": lzma.open}
_DAMAGED = (OSError, EOFError, zlib.error, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile, NotImplementedError)
_AGAIN = "Fetch it again."


@dataclass(frozen=True)
class ZipFiles:
    """The files of a zip, read by position: kept as numbers, for a million objects would fill the memory too.

    Attributes:
        names: paths within, in ascending order.
        folders: paths of folders that it lists.
        headers, packed, sizes, sums, deflated: where each file's header is, its bytes as packed and as they are, their
            CRC-32, and whether they are compressed.
    """

    path: Path
    names: Names
    folders: tuple[bytes, ...]
    headers: Numbers
    packed: Numbers
    sizes: Numbers
    sums: Numbers
    deflated: NDArray[np.bool_]

    def read(self, number: int) -> bytes:
        """Source: PKWARE, .ZIP file format specification, 4.3.7."""
        size = int(self.sizes[number])
        with self.path.open("rb") as stream:
            stream.seek(self.headers[number])
            header = stream.read(30)
            if len(header) < 30 or not header.startswith(b"PK\x03\x04"):
                raise OSError("it is not where the archive's table has it")
            name, extra = struct.unpack("<26xHH", header)
            stream.seek(name + extra, 1)
            content = stream.read(self.packed[number])
        if self.deflated[number]:
            content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(content, size + 1)
        if len(content) != size or zlib.crc32(content) != self.sums[number]:
            raise OSError("its bytes are not those that were packed")
        return content


@dataclass(frozen=True)
class TarFiles:
    """The files of a tar, read by position, from the disk or, of a compressed one, from memory.

    Attributes:
        names: paths within, in ascending order.
        folders: paths of folders that it lists.
        offsets, sizes: where each file's bytes begin, and how many they are.
        unpacked: what was compressed.
    """

    path: Path
    names: Names
    folders: tuple[bytes, ...]
    offsets: Numbers
    sizes: Numbers
    unpacked: bytearray | None = None

    def read(self, number: int) -> bytes:
        start, size = int(self.offsets[number]), int(self.sizes[number])
        if self.unpacked is not None:
            return bytes(memoryview(self.unpacked)[start : start + size])
        with self.path.open("rb") as stream:
            stream.seek(start)
            content = stream.read(size)
        if len(content) != size:
            raise OSError("the archive ends within it")
        return content


def open_archive(path: Path) -> ZipFiles | TarFiles:
    """The files of a zip, a tar, or a tar compressed by gzip, bzip2 or xz.

    Raises:
        InputError: for an archive that is damaged, encrypted or made to do harm, or a compressed tar that does not fit
            in memory.
    """
    try:
        return _open_zip(path) if path.suffix.lower() == ".zip" else _open_tar(path)
    except _DAMAGED as error:
        raise InputError(f"data {path}", f"is not a readable archive ({error})", repair=_AGAIN) from error


def is_clutter(name: bytes) -> bool:
    """Whether nobody put a file there on purpose: hidden ones, and what systems leave behind."""
    parts = name.decode("utf-8", "replace").split("/")
    return any(part.startswith(".") or part in _CLUTTER for part in parts)


def _open_zip(path: Path) -> ZipFiles:
    names, folders, rows = [], [], []
    with zipfile.ZipFile(path) as archive:
        for each in archive.infolist():
            name = _checked_name(path, each.filename.replace("\\", "/"))
            if is_clutter(name):
                continue
            if each.is_dir():
                folders.append(name)
                continue
            _check_zip_member(f"data {path}/{each.filename}", each)
            names.append(name)
            deflated = each.compress_type == zipfile.ZIP_DEFLATED
            rows.append((each.header_offset, each.compress_size, each.file_size, each.CRC, deflated))
    ordered, order = _in_order(path, names)
    headers, packed, sizes, sums, flags = np.array(rows, np.int64).reshape(-1, 5)[order].T
    return ZipFiles(path, ordered, tuple(folders), headers, packed, sizes, sums, flags.astype(np.bool_))


def _check_zip_member(owner: str, each: zipfile.ZipInfo) -> None:
    if each.flag_bits & 1:
        raise InputError(owner, "is encrypted", repair="Unpack the archive with its password first.")
    if stat.S_ISLNK(each.external_attr >> 16):
        raise InputError(owner, "is a symbolic link", repair="Pack the file that it points to.")
    if each.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise InputError(owner, "must be stored or deflated", f"method {each.compress_type}", "Unpack it first.")
    expands = each.file_size > SUSPICIOUS_BYTES and each.file_size > SUSPICIOUS_RATIO * each.compress_size
    if expands or max(each.file_size, each.compress_size) > MOST_BYTES:
        found = f"{each.compress_size:,} bytes that become {each.file_size:,}"
        raise InputError(owner, "is too large to be an image, as in a zip bomb", found, "Take it out of the archive.")


def _open_tar(path: Path) -> TarFiles:
    with path.open("rb") as stream:
        magic = stream.read(2)
    if magic not in _COMPRESSED:
        with tarfile.open(path, "r:") as archive:
            return _list_tar(path, archive, None)
    with _COMPRESSED[magic](path, "rb") as inner:
        bounded: Any = _Bounded(inner, int(MEMORY_SHARE * free_memory()), f"data {path}")
        with tarfile.open(fileobj=bounded, mode="r|") as archive:
            return _list_tar(path, archive, bytearray())


def _list_tar(path: Path, archive: tarfile.TarFile, unpacked: bytearray | None) -> TarFiles:
    names, folders, rows = [], [], []
    while (each := archive.next()) is not None:
        archive.members.clear()  # type: ignore[attr-defined]  # or it remembers all of them
        name = _checked_name(path, each.name)
        if is_clutter(name):
            continue
        if each.isdir():
            folders.append(name)
            continue
        owner = f"data {path}/{each.name}"
        if not each.isreg() or each.issparse():
            kind = "link" if each.issym() or each.islnk() else "device, pipe or sparse file"
            raise InputError(owner, f"must be a file, not a {kind}", repair="Pack files only.")
        if each.size > MOST_BYTES:
            raise InputError(owner, "is too large to be an image", f"{each.size:,} bytes", "Take it out.")
        names.append(name)
        if unpacked is None:
            rows.append((each.offset_data, each.size))
        else:
            rows.append((len(unpacked), each.size))
            member = archive.extractfile(each)
            assert member is not None
            unpacked += member.read()
    ordered, order = _in_order(path, names)
    offsets, sizes = np.array(rows, np.int64).reshape(-1, 2)[order].T
    return TarFiles(path, ordered, tuple(folders), offsets, sizes, unpacked)


def _checked_name(path: Path, name: str) -> bytes:
    if ".." in re.split(r"[/\\]", name) or re.match(r"[/\\]|[A-Za-z]:", name):
        repair = "Do not unpack it: it is made to write elsewhere."
        raise InputError(f"data {path}", "holds a file whose name leads out of the archive", name, repair)
    return posixpath.normpath(name).encode("utf-8", "surrogateescape")


def _in_order(path: Path, names: list[bytes]) -> tuple[Names, Numbers]:
    """The names in ascending order, and the order that brings them there."""
    given = np.array(names, np.bytes_)
    order = np.argsort(given, kind="stable")
    ordered = given[order]
    twice = np.flatnonzero(ordered[1:] == ordered[:-1])
    if len(twice):
        name = ordered[twice[0]].decode("utf-8", "replace")
        raise InputError(f"data {path}", "holds two files of one name", name, "Pack it again.")
    return ordered, order


class _Bounded:
    """A stream that gives no more than `most` bytes, whatever it could expand to."""

    def __init__(self, stream: IO[bytes], most: int, owner: str) -> None:
        self._stream, self._left, self._owner = stream, most, owner

    def read(self, size: int) -> bytes:
        piece = self._stream.read(min(size, self._left + 1))
        self._left -= len(piece)
        if self._left < 0:
            rule = f"a compressed tar is read into memory, and this one fills more than {MEMORY_SHARE:.0%} of it"
            raise InputError(self._owner, rule, repair="Unpack it first, or pack it as a zip.")
        return piece
