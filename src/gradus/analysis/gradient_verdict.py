"""What a check of gradients found."""

from dataclasses import dataclass
from typing import Literal

import torch

from gradus.core.errors import InputError

DIRECTIONS = 2
"""Random ones, along which large tensors are varied."""
Status = Literal["right", "kink", "unused", "wrong", "missing"]


@dataclass(frozen=True, slots=True)
class TensorCheck:
    """What was found of the gradient of one input or parameter.

    Attributes:
        name: a parameter's name, or as in "input 0".
        checked: how many of its numbers were varied one by one; if not all, it was varied along random directions too.
        status: "kink" where slopes differ to both sides and the gradient lies between them, or is right a little way
            off; "unused" if the output depends on it neither by backward pass nor by differences; "missing" if only by
            differences.
        error: the largest disagreement, relative to the larger of the two.
        index: where that is; None along a random direction.
        exact, numerical: the derivatives there.
        note: what else there is to say.
    """

    name: str
    shape: tuple[int, ...]
    checked: int
    status: Status
    error: float = 0.0
    index: tuple[int, ...] | None = None
    exact: float = 0.0
    numerical: float = 0.0
    note: str = ""

    def __str__(self) -> str:
        total = torch.Size(self.shape).numel()
        checked = f"{self.checked} of {total}" + ("" if self.checked == total else f" and {DIRECTIONS} directions")
        line = f"{self.status:8}{self.name} ({' x '.join(map(str, self.shape)) or 'scalar'}): {checked}"
        if self.status not in ("missing", "unused"):
            line += f", relative error {self.error:.1e}"
        if self.status in ("wrong", "kink"):
            where = f"at {list(self.index)}" if self.index is not None else "along a random direction"
            line += f" {where}: gradient {self.exact:.6g}, numerically {self.numerical:.6g}"
        return line + (f"; {self.note}" if self.note else "")


@dataclass(frozen=True, slots=True)
class GradientVerdict:
    """Whether all gradients are right: true or false as it stands, and readable when printed.

    Attributes:
        subject: what was checked.
        checks: tensor by tensor.
        problem: why it could not be checked at all; "" if it could.
    """

    subject: str
    checks: tuple[TensorCheck, ...] = ()
    problem: str = ""

    def __bool__(self) -> bool:
        return not self.problem and all(each.status not in ("wrong", "missing") for each in self.checks)

    def __str__(self) -> str:
        if self.problem:
            return f"{self.subject}: not checked. {self.problem}"
        faulty = [each.name for each in self.checks if each.status in ("wrong", "missing")]
        kinks = [each.name for each in self.checks if each.status == "kink"]
        verdict = f"gradients are wrong: {', '.join(faulty)}." if faulty else "all gradients are right."
        if kinks:
            verdict += f" At a kink, where the derivative is a choice: {', '.join(kinks)}."
        return "\n".join([*map(str, self.checks), f"{self.subject}: {verdict}"])

    def require(self) -> None:
        """Raise InputError unless all gradients are right."""
        if not self:
            raise InputError(self.subject, "must have right gradients", repair=str(self))
