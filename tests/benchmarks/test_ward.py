"""The ward's own machinery: twins, and digests of what programs do."""

from pathlib import Path

from benchmarks.ward.bed import run
from benchmarks.ward.programs import Program, programs

SCALAR = """
import torch
scale = torch.nn.Parameter(torch.tensor(1.0))  # no axis at all
optimizer = torch.optim.SGD([scale], lr=RATE)
for _ in range(3):
    optimizer.zero_grad()
    (scale - 2).square().backward()
    optimizer.step()
print(f"score: {scale.item():.3f}")
"""


def test_every_parameter_is_digested_whatever_its_shape() -> None:
    one, again, other = (
        run(SCALAR.replace("RATE", rate), "scalar", 0, watched=False, digest=True) for rate in ("0.1", "0.1", "0.2")
    )
    assert (one.code, one.score) == (0, 1.488)  # 2 - 0.8^3
    assert one.weights == again.weights != ""
    assert one.weights != other.weights


def test_a_watched_program_is_digested_alike() -> None:
    plain, seen = (run(SCALAR.replace("RATE", "0.1"), "scalar", 0, watched=each, digest=True) for each in (False, True))
    assert (plain.weights, plain.out) == (seen.weights, seen.out)
    assert seen.document["steps_seen"] == 3


def test_a_twin_is_the_program_with_its_fault_mended(tmp_path: Path) -> None:
    path = tmp_path / "faulty.py"
    path.write_text("a = 1\nif a:\n    rate = 9  # FAULT\n    # TWIN: rate = 0.1\nprint(rate)  # said\n")
    assert Program(path=path, group="faults").twin == "a = 1\nif a:\n    rate = 0.1\nprint(rate)  # said\n"


def test_every_mistake_still_fits_the_healthy_program_it_was_put_into() -> None:
    mistakes = [each for each in programs() if each.path.suffix == ".diff"]
    assert mistakes
    for each in mistakes:
        assert each.cause, each.name
        compile(each.source, each.name, "exec")  # `patch` fails where a healthy program has changed
        assert each.source != each.twin == (each.path.parents[1] / "healthy" / _named(each)).read_text(encoding="utf-8")


def _named(mistake: Program) -> str:
    return mistake.path.read_text(encoding="utf-8").partition("--- ")[2].partition("\n")[0]
