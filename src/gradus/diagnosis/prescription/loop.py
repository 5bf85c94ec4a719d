"""Fixes of the training loop: what is called, on what, and when."""

from collections.abc import Iterator, Sequence

from gradus.diagnosis.prescription.edits import Edit, before
from gradus.diagnosis.prescription.fixes import Case, fix


@fix("zero-grad")
def clear_gradients(case: Case) -> Iterator[Sequence[Edit]]:
    """`optimizer.zero_grad()` before the backward pass."""
    steps = case.program.methods("step")
    for backward in case.program.methods("backward"):
        file, statement = backward.file, backward.statement
        loop = file.loops(backward.node)
        near = [each for each in steps if each.file is file and file.loops(each.node)[:1] == loop[:1]]
        if not near:
            continue
        optimizer = file.code(near[0].node.func).removesuffix(".step")
        yield [before(file, statement, f"{optimizer}.zero_grad()")]
