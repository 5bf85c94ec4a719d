"""A network as a picture: its blocks from input to output, with shapes and costs, in an SVG file that loads nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap

from gradus.analysis.diagram import OTHERS, Block
from gradus.analysis.units import count
from gradus.report.figures import writing
from gradus.report.template import fill, resource

_WIDTH, _MARGIN, _INDENT = 760, 24, 24
_TOP = 59
_LINE, _PAD, _GAP, _ARROW = 17, 10, 8, 22
_CHARACTERS, _BROAD = 58, 110
"""So many fit into a line of what a block is, and of what is said above."""


@dataclass(frozen=True, slots=True)
class _Box:
    """Where a block is drawn, and what is written in it; one that stands for several has another behind it."""

    x: int
    y: int
    width: int
    height: int
    name: str
    times: int
    lines: list[str]
    output: str
    costs: str
    inner: bool
    arrow: bool


def write_diagram(blocks: Sequence[Block], title: str, subtitle: str, output: str | Path) -> Path:
    """Draw a diagram.

    Args:
        title, subtitle: above it.
        output: the file; ends in .svg.
    Raises:
        InputError: its name does not end in .svg.
        ResourceError: the file cannot be written.
    """
    with writing(output, "--svg", (".svg",)) as place:
        place.write_text(render(blocks, title, subtitle), encoding="utf-8")
        return place


def render(blocks: Sequence[Block], title: str, subtitle: str) -> str:
    """The picture as SVG."""
    boxes: list[_Box] = []
    said = _wrapped(subtitle, _BROAD)
    bottom = _TOP + _LINE * len(said)
    for number, each in enumerate(blocks):
        lines = _wrapped(each.what, _CHARACTERS)
        height = 2 * _PAD + _LINE * (1 + len(lines))
        inner = each.depth > 0
        gap = (_GAP if inner else _ARROW) if number else 0
        left = _MARGIN + _INDENT * each.depth
        boxes.append(
            _Box(
                x=left,
                y=bottom + gap,
                width=_WIDTH - 2 * left,
                height=height,
                name=each.name,
                times=each.times,
                lines=lines,
                output=" x ".join(map(str, each.output)),
                costs=_costs(each),
                inner=inner,
                arrow=number > 0 and not inner and each.name != OTHERS,
            )
        )
        bottom += gap + height
    return fill(
        "diagram.svg.jinja",
        style=resource("diagram.css"),
        script="",
        title=title,
        subtitle=said,
        width=_WIDTH,
        height=bottom + _MARGIN,
        arrow=_ARROW,
        line=_LINE,
        pad=_PAD,
        boxes=boxes,
    )


def _wrapped(text: str, width: int) -> list[str]:
    """In lines, none of which ends within what is said of sizes."""
    held = text.replace(" x ", "\xa0x\xa0").replace(" / ", "\xa0/\xa0")
    return [line.replace("\xa0", " ") for line in wrap(held, width)] or [""]


def _costs(block: Block) -> str:
    """Parameters and multiply-adds of a block, as far as it has any."""
    said = [f"{count(block.parameters)} parameters"] if block.parameters else []
    said += [f"{count(block.macs)} multiply-adds"] if block.macs else []
    return ", ".join(said)
