"""The picture of a chain of blocks."""

from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from gradus.analysis.diagram import OTHERS, Block
from gradus.core.errors import InputError, ResourceError
from gradus.report.diagram import render, write_diagram

SVG = "{http://www.w3.org/2000/svg}"
CHAIN = [
    Block("stem", 0, 1, "conv 3 x 3, ReLU", (8, 32, 32), 224, 221_184),
    Block("stage1", 0, 1, "3 blocks", (8, 16, 16), 3000, 768_000),
    Block("0 .. 2", 1, 3, "Unit (" + " | ".join(["conv 3 x 3"] * 12) + ")", (8, 16, 16), 3000, 768_000),
    Block("pool", 0, 1, "<global> & mean", (8,), 0, 0),
]


def words(text: str) -> list[str]:
    return ["".join(each.itertext()).strip() for each in ElementTree.fromstring(text).iter(f"{SVG}text")]


def test_all_of_a_block_is_written() -> None:
    written = words(render(CHAIN, "net", "3 x 32 x 32"))
    assert written[:2] == ["net", "3 x 32 x 32"]
    assert {"stem", "stage1", "0 .. 2 x3", "8 x 16 x 16", "224 parameters, 221 K multiply-adds"} <= set(written)
    assert CHAIN[2].what in " ".join(written)  # though it takes several lines
    assert words(render(CHAIN, "net", "word " * 40))[1:3] == [("word " * 22).strip(), ("word " * 18).strip()]
    assert all("x" not in (line[:1], line[-1:]) for line in written if "conv" in line)


def test_what_is_written_is_text() -> None:
    said = render(CHAIN, "<script>alert(1)</script>", "a & b")
    assert "<script" not in said
    assert {"<script>alert(1)</script>", "a & b", "<global> & mean"} <= set(words(said))


def test_boxes_do_not_overlap_and_several_stand_behind_each_other() -> None:
    root = ElementTree.fromstring(render(CHAIN, "net", ""))
    boxes = [[float(each.get(side, 0)) for side in ("x", "y", "width", "height")] for each in root.iter(f"{SVG}rect")][
        1:
    ]
    assert len(boxes) == 5  # one more for the three that are alike
    behind = boxes.pop(2)
    assert behind == [boxes[2][0] + 4, boxes[2][1] + 4, *boxes[2][2:]]
    for (_, y, _, height), (_, below, _, _) in pairwise(boxes):
        assert y + height < below
    assert boxes[2][0] > boxes[1][0]  # within its stage
    assert len(list(root.iter(f"{SVG}path"))) == 2  # from block to block of the chain
    others = render([*CHAIN, Block(OTHERS, 0, 1, "", (8,), 5, 0)], "net", "")
    assert len(list(ElementTree.fromstring(others).iter(f"{SVG}path"))) == 2  # to which nothing flows


def test_what_is_written_of_a_block_is_within_its_box_and_arrows_are_between_boxes() -> None:
    root = ElementTree.fromstring(render(CHAIN, "net", "word " * 40))
    bottom = max(float(each.get("y", 0)) for each in root.findall(f"{SVG}text"))
    gaps = []
    for group in root.iter(f"{SVG}g"):
        box = group.findall(f"{SVG}rect")[-1]
        top, height = (float(box.get(side, 0)) for side in ("y", "height"))
        lines = [float(each.get("y", 0)) for each in group.findall(f"{SVG}text")]
        assert min(lines) - 13 - top == top + height - max(lines) - 4 > 0  # letters of 13 above a line and 4 below
        for arrow in group.findall(f"{SVG}path"):
            start, length = (float(each.split()[-1]) for each in arrow.get("d", "").split("m")[0][1:].split("v"))
            assert bottom < start < start + length < top
        gaps.append(top - bottom)
        bottom = top + height
    assert gaps[2] < gaps[1] == gaps[3]  # stage1, what is within it, pool
    assert 4 < gaps[0] < 24
    assert bottom < float(root.get("height", 0))


def test_the_file(tmp_path: Path) -> None:
    place = write_diagram(CHAIN, "net", "", tmp_path / "net.svg")
    assert place.read_text() == render(CHAIN, "net", "")
    with pytest.raises(InputError, match=r"--svg: must be a file that ends in \.svg"):
        write_diagram(CHAIN, "net", "", tmp_path / "net.pdf")
    with pytest.raises(ResourceError, match=r"cannot be written \(No such file"):
        write_diagram(CHAIN, "net", "", tmp_path / "nowhere" / "net.svg")
