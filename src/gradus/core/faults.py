"""Named points at which tests interrupt a run, to prove that nothing is lost there.

`reach` does nothing until `listener` is set; only tests set it.
"""

from collections.abc import Callable

listener: Callable[[str], None] | None = None


def reach(point: str) -> None:
    """Tell the listener, if there is one, that execution is at `point`."""
    if listener is not None:
        listener(point)
