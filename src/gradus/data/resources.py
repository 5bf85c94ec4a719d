"""How much memory there is."""

from pathlib import Path

_CONTAINER = Path("/sys/fs/cgroup")


def free_memory() -> int:
    """Bytes that this process may still take, those of files that are only cached among them."""
    try:
        free = _field(Path("/proc/meminfo"), "MemAvailable:") * 1024
    except (OSError, KeyError):  # not Linux
        free = 8 << 30
    try:
        limit, used = (int((_CONTAINER / f"memory.{name}").read_text()) for name in ("max", "current"))
        cached = _field(_CONTAINER / "memory.stat", "inactive_file")
    except (ValueError, OSError, KeyError):  # no container, or one without a limit
        return free
    return min(free, limit - used + cached)


def _field(path: Path, name: str) -> int:
    """The number that follows `name` in a file of lines of a name and a number."""
    for line in path.read_text().splitlines():
        if line.startswith(f"{name} "):
            return int(line.split()[1])
    raise KeyError(name)
