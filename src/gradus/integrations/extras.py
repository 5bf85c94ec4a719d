"""Libraries that come with an extra."""

from gradus.core.errors import InputError


def missing(library: str, extra: str) -> InputError:
    """The error to raise where a library is not installed."""
    return InputError(
        f"gradus.integrations.{library}",
        f"needs {library}, which is not installed",
        repair=f"pip install 'torchgradus[{extra}]'",
    )
