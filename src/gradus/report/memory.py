"""A picture of how far back models remember: the influence of an input by the steps since."""

from collections.abc import Mapping
from pathlib import Path

from gradus.analysis.memory import Memory
from gradus.report.figures import writing


def write_memory(found: Mapping[str, Memory], output: str | Path) -> Path:
    """Draw a line for each model, its influence on a logarithmic axis against the lag; the largest of each is 1.

    Args:
        found: by the model's name.
        output: the file, of a kind that its suffix tells: png, svg or pdf.
    Raises:
        InputError: if it is of no such kind.
        ResourceError: if it cannot be written.
    """
    from matplotlib.figure import Figure

    with writing(output, "memory") as place:
        figure = Figure(figsize=(7, 4), layout="constrained")
        axes = figure.subplots()
        for name, each in found.items():
            largest = each.norms.max()
            shown = each.norms / largest if largest > 0 else each.norms
            axes.plot(shown.numpy(), label=f"{name} (x {each.rate:.3f} a step)")
        axes.set_yscale("log", nonpositive="mask")
        axes.set_xlabel("steps from input to output")
        axes.set_ylabel("influence, the largest is 1")
        axes.grid(alpha=0.3)
        axes.legend()
        figure.savefig(place, dpi=150)
        return place
