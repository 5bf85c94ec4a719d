"""Checkpoints that are either whole or not there.

A checkpoint is a folder: ``tensors.safetensors``, ``state.json`` (everything else, with places for the tensors) and
``manifest.json`` (format, step, sha256 of the other two, versions). It is written beside the current one, synced to the
disk, and renamed into place; the one before stays as ``previous`` until the next is written. So whenever the process
or the machine stops, ``last`` or ``previous`` is whole, or there never was one.
"""

import errno
import hashlib
import json
import math
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

import gradus
from gradus.core.errors import InputError, ResourceError
from gradus.core.faults import reach

FORMAT = 1
_TENSORS, _STATE, _MANIFEST = "tensors.safetensors", "state.json", "manifest.json"
_NO_PLACE = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EACCES, errno.EPERM, errno.EROFS}
"""Errors of files that no room would help."""
INCOMING = ".incoming"
"""The folder in which a file is made before it takes its place."""


def write_checkpoint(folder: Path, state: Mapping[str, Any], step: int) -> None:
    """Make `state` the checkpoint ``last`` in `folder`; the former ``last`` becomes ``previous``.

    `state` may nest dicts, lists and tuples of tensors, numbers, strings and None.

    Raises:
        ResourceError: if the disk is full or not writable; the checkpoints there were are then untouched.
        InputError: if `state` holds something else.
    """
    incoming = folder / "incoming"
    try:
        reach("checkpoint.begin")
        shutil.rmtree(incoming, ignore_errors=True)
        incoming.mkdir(parents=True)
        sync(folder.parent)
        _write_files(incoming, state, step)
        reach("checkpoint.written")
        last, previous = folder / "last", folder / "previous"
        if last.exists():
            shutil.rmtree(previous, ignore_errors=True)
            reach("checkpoint.previous-removed")
            last.rename(previous)
        reach("checkpoint.between-renames")
        incoming.rename(last)
        sync(folder)
        reach("checkpoint.end")
    except (OSError, SafetensorError) as error:
        shutil.rmtree(incoming, ignore_errors=True)
        raise ResourceError(
            f"checkpoint {folder}",
            f"cannot be written ({_reason(error)})",
            repair="What was saved before is intact. Make room there, then resume.",
        ) from error


def read_checkpoint(folder: Path, warn: Callable[[str], None]) -> tuple[dict[str, Any], int] | None:
    """The newest whole checkpoint in `folder`, and its step; None if none was ever finished.

    A broken ``last`` is told to `warn` and set aside as ``damaged``: the next write would else remove the whole
    ``previous`` to make room for it.

    Raises:
        InputError: if all are broken, or one was written by a newer gradus.
    """
    broken = []
    for name in ("last", "previous"):
        if not (folder / name).exists():
            continue
        try:
            found = _read_files(folder / name)
        except _BrokenError as error:
            broken.append(f"`{name}` is damaged: {error}")
            continue
        if broken:
            warn(f"checkpoint {folder}: {broken[0]}; going on from the one before it, of step {found[1]}")
            shutil.rmtree(folder / "damaged", ignore_errors=True)
            (folder / "last").rename(folder / "damaged")
        return found
    if broken:
        raise InputError(f"checkpoint {folder}", f"none is whole ({'; '.join(broken)})", repair="Start the run anew.")
    return None


def refuse_newer(owner: str, found: object, known: int) -> None:
    """Raise an InputError if `owner` is of a format that only a later gradus knows."""
    if not isinstance(found, int):
        raise TypeError(f"a format must be a number, got {found!r}")
    if found > known:
        raise InputError(owner, f"is of format {found}, newer than the {known} known here", repair="Update gradus.")


def sync(path: Path) -> None:
    """Have the disk hold what was written to a file, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Have `write` make a file beside `path`, sync it and rename it into place: `path` is the old one or the new."""
    # In a folder of its own: safetensors, too, writes beside the file it is asked for, and leaves that when killed.
    folder = path.parent / INCOMING
    incoming = folder / path.name
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        write(incoming)
        sync(incoming)
        reach(f"file.{path.name}")
        incoming.rename(path)
        folder.rmdir()
        sync(path.parent)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        elsewhere = isinstance(error, OSError) and error.errno in _NO_PLACE
        repair = "Name another place." if elsewhere else "Make room there, then try again."
        raise ResourceError(f"{path}", f"cannot be written ({_reason(error)})", repair=repair) from error


def save_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """A safetensors file of `tensors`, whatever their device, layout or sharing."""
    ready: dict[str, Tensor] = {}
    taken: set[int] = set()
    for name, each in tensors.items():
        own = each.detach().cpu().contiguous()
        # safetensors wants every tensor alone in its memory; tied weights and views are not.
        if own.data_ptr() in taken or own.untyped_storage().nbytes() != own.numel() * own.element_size():
            own = own.clone()
        taken.add(own.data_ptr())
        ready[name] = own
    path.touch()
    mode = path.stat().st_mode
    safetensors.torch.save_file(ready, path)
    path.chmod(mode)  # safetensors lets nobody else read its files, whatever the umask says


def pack(value: Any, tensors: dict[str, Tensor], place: str = "") -> Any:
    """`value` as JSON holds it, its tensors moved into `tensors` under their place; `unpack` is the inverse."""
    if isinstance(value, Tensor):
        while place in tensors:  # keys with a slash in them, or 1 beside "1"
            place += "'"
        tensors[place] = value
        # Files hold tensors row by row. Others are laid out again when they are read: kernels round by layout, too.
        dense = not value.is_contiguous() and torch.empty_like(value).stride() == value.stride()
        return {"$tensor": place, "stride": value.stride()} if dense else {"$tensor": place}
    if isinstance(value, dict):
        if all(isinstance(key, str) and not key.startswith("$") for key in value):
            return {key: pack(each, tensors, f"{place}/{key}" if place else key) for key, each in value.items()}
        items = [[pack(key, tensors, place), pack(each, tensors, f"{place}/{key}")] for key, each in value.items()]
        return {"$items": items}
    if isinstance(value, list | tuple):
        packed = [pack(each, tensors, f"{place}/{number}") for number, each in enumerate(value)]
        return packed if isinstance(value, list) else {"$tuple": packed}
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": repr(value)}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise InputError("checkpoint", f"`{place}` must be tensors, numbers or text to be saved", type(value).__name__)


def unpack(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    """What `pack` was given."""
    if isinstance(value, list):
        return [unpack(each, tensors) for each in value]
    if not isinstance(value, dict):
        return value
    if "$tensor" in value:
        tensor = tensors[value["$tensor"]]
        if "stride" not in value:
            return tensor
        return torch.empty_strided(tensor.shape, value["stride"], dtype=tensor.dtype, device=tensor.device).copy_(
            tensor
        )
    if "$tuple" in value:
        return tuple(unpack(each, tensors) for each in value["$tuple"])
    if "$float" in value:
        return float(value["$float"])
    if "$items" in value:
        return {unpack(key, tensors): unpack(each, tensors) for key, each in value["$items"]}
    return {key: unpack(each, tensors) for key, each in value.items()}


class _BrokenError(Exception):
    """Why a checkpoint cannot be used."""


def _write_files(folder: Path, state: Mapping[str, Any], step: int) -> None:
    tensors: dict[str, Tensor] = {}
    document = pack(dict(state), tensors)
    save_tensors(folder / _TENSORS, tensors)
    reach("checkpoint.tensors")
    (folder / _STATE).write_text(json.dumps(document), encoding="utf-8")
    reach("checkpoint.state")
    manifest = {
        "format": FORMAT,
        "step": step,
        "files": {name: _sha256(folder / name) for name in (_TENSORS, _STATE)},
        "versions": {"gradus": gradus.__version__, "torch": torch.__version__},
    }
    (folder / _MANIFEST).write_text(json.dumps(manifest, indent=2), encoding="utf-8")
    for name in (_TENSORS, _STATE, _MANIFEST):
        sync(folder / name)
    sync(folder)


def _read_files(folder: Path) -> tuple[dict[str, Any], int]:
    try:
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        refuse_newer(f"checkpoint {folder}", manifest["format"], FORMAT)
        for name in (_TENSORS, _STATE):
            if _sha256(folder / name) != manifest["files"][name]:
                raise _BrokenError(f"{name} is not what {_MANIFEST} says")
        document = json.loads((folder / _STATE).read_text(encoding="utf-8"))
        # Copied: the loaded ones lie in the file's memory map, at places where some kernels round differently.
        tensors = {name: each.clone() for name, each in safetensors.torch.load_file(folder / _TENSORS).items()}
        state: dict[str, Any] = unpack(document, tensors)
        return state, int(manifest["step"])
    except FileNotFoundError as error:
        raise _BrokenError(f"{Path(error.filename).name} is missing") from error
    except InputError:
        raise
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise _BrokenError(f"{type(error).__name__} {error}") from error


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _reason(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
