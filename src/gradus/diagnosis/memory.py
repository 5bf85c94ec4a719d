"""What examinations pass on to later ones."""

from torch import Tensor

from gradus.diagnosis.players import Anchor
from gradus.diagnosis.signs import InputSigns


class Memory:
    """Small masks and samples."""

    def __init__(self) -> None:
        self.silent: dict[str, list[Tensor]] = {}
        self.following: dict[str, str] = {}
        self.gradient: tuple[int, list[Tensor]] | None = None
        self.rows: set[int] = set()
        self.train_inputs: list[InputSigns] = []
        self.many_calls: set[str] = set()
        self.learning_norms: set[str] = set()
        self.anchors: dict[int, Anchor] = {}
