"""Signs and findings in TensorBoard."""

from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from typing import TYPE_CHECKING

from gradus.core.findings import Finding
from gradus.diagnosis.causes import Ranked
from gradus.diagnosis.doctor import told, told_causes
from gradus.integrations.extras import missing

try:
    from torch.utils.tensorboard import SummaryWriter
except ImportError as error:
    raise missing("tensorboard", "track") from error

if TYPE_CHECKING:
    from gradus.diagnosis.tracking import Tracker


class TensorBoard:
    """A tracker: ``gradus.watch(model, optimizer, to=[TensorBoard("runs/one")])``.

    Scalars are ``gradus/loss`` and, by layer, ``gradus-gradient/<layer>``, ``gradus-update/<layer>``,
    ``gradus-dead/<layer>`` and ``gradus-saturated/<layer>``; findings and causes are texts.

    Args:
        where: a folder for event files, or a SummaryWriter of the program's own, which stays open.
    """

    def __init__(self, where: "str | PathLike[str] | SummaryWriter") -> None:
        self._own = not isinstance(where, SummaryWriter)
        self._writer = where if isinstance(where, SummaryWriter) else SummaryWriter(fspath(where))

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def finding(self, step: int, finding: Finding) -> None:
        self._writer.add_text(f"gradus/{finding.symptom}", _in_lines(told(finding)), step)

    def causes(self, step: int, causes: Sequence[Ranked]) -> None:
        if causes:
            self._writer.add_text("gradus/cause", _in_lines(told_causes(causes)), step)

    def close(self) -> None:
        self._writer.flush()
        if self._own:
            self._writer.close()


def _in_lines(text: str) -> str:
    """TensorBoard reads Markdown, in which a line ends at an empty one."""
    return text.replace("\n", "\n\n")


if TYPE_CHECKING:
    _: type[Tracker] = TensorBoard
