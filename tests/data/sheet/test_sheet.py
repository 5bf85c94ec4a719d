"""Contact sheets: what is drawn is looked for in the picture, or in the figure before it becomes one."""

import warnings
from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from gradus.data.arrays import from_arrays
from gradus.data.raw import Column, Examples, RawData, Windows
from gradus.data.sheet import draw_sheet, images, series, tables, text
from gradus.data.splits import Splits, split

RNG = np.random.default_rng(0)
N = 120
NASTY = ("$x_{1", "\\frac{$}", "<script>alert(1)</script>", "名前\x1b[31m", "\u202ereversed", "")


def splits_of(data: RawData, validation: float = 0.0, test: float = 0.0) -> Splits:
    return split(data, validation=validation, test=test, seed=0)


def drawn(data: RawData, title: str = "set") -> NDArray[np.uint8]:
    content = draw_sheet(data, splits_of(data), title)
    assert content.startswith(b"\x89PNG")
    return np.asarray(Image.open(BytesIO(content)).convert("RGB"))


def texts(figure: Any) -> list[str]:
    """Everything written in a figure."""
    import matplotlib.text

    figure.draw_without_rendering()
    return [each.get_text() for each in figure.findobj(matplotlib.text.Text) if each.get_text()]


def table(names: tuple[str, ...] = ("a", "b"), task: str = "classification") -> RawData:
    words = ("x", "y", "z")
    numbers = RNG.normal(size=(N, len(names)))
    numbers[:7, 0] = np.nan
    codes = RNG.integers(-1, 3, (N, 1)).astype(np.int32)
    values = RNG.normal(size=(N, 1)).astype(np.float32)
    return RawData(
        kind="table",
        task="classification" if task == "classification" else "regression",
        train=Examples((numbers, codes), np.arange(N) % 2 if task == "classification" else values),
        classes=("no", "yes") if task == "classification" else (),
        columns=(*(Column(name, "number") for name in names), Column("word", "category", words)),
        target_names=("goal",),
    )


def windows(vocabulary: tuple[str, ...] = ()) -> RawData:
    base = RNG.integers(0, len(vocabulary), 500).astype(np.uint8) if vocabulary else RNG.normal(size=(500, 2))
    count = 500 - 8
    return RawData(
        kind="text" if vocabulary else "series",
        task="classification" if vocabulary else "regression",
        train=Examples(
            (Windows(base, 8, count),),
            base[8:].astype(np.int64) if vocabulary else base[8:, :1].astype(np.float32),
        ),
        classes=vocabulary,
        vocabulary=vocabulary,
        columns=() if vocabulary else (Column("load", "number"), Column("heat", "number")),
        ordered=True,
    )


def test_images_stand_in_the_row_of_their_class() -> None:
    """Each class has a colour of its own, and the picture has it in that row and in no other."""
    colours = np.array([[255, 0, 0], [0, 200, 0], [0, 0, 90]], np.uint8)
    target = np.arange(60) % 3
    x = np.broadcast_to(colours[target][:, :, None, None], (60, 3, 8, 8)).copy()
    picture = drawn(from_arrays(x, target, classes=["r", "g", "b"]))
    rows = [np.flatnonzero((picture == colour).all(axis=2).any(axis=1)) for colour in colours]
    for place, each in enumerate(rows):
        assert len(each) == images.CELL
        assert each[-1] - each[0] == images.CELL - 1, "one block of rows"
        assert place == 0 or each[0] == rows[place - 1][0] + images.CELL + images.GAP
    across = np.flatnonzero((picture == colours[0]).all(axis=2).any(axis=0))
    assert len(across) == 12 * images.CELL


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 8, 8), (4, 8, 8), (2, 8, 8), (3, 300, 200), (1, 5, 90), (1, 1, 1)])
def test_images_of_every_shape_fit(shape: tuple[int, ...]) -> None:
    data = RawData(
        kind="images",
        task="classification",
        train=Examples((RNG.integers(0, 256, (40, *shape), dtype=np.uint8),), np.arange(40) % 2),
        classes=("a", "b"),
    )
    picture = drawn(data)
    assert picture.shape[1] > 12 * images.GAP
    assert picture.std() > 5


def test_enlarged_pixels_stay_what_they_are() -> None:
    x = np.zeros((40, 2, 2), np.uint8)
    x[:, 0, 1], x[:, 1, 0] = 100, 200
    part = splits_of(from_arrays(x, np.arange(40) % 2)).train
    (picture, *_) = images._pictures(part.examples.inputs[0][:3])
    half = images.CELL // 2
    assert (picture[:half, half:] == 100).all()
    assert (picture[half:, :half] == 200).all()


@pytest.mark.parametrize(("levels", "white"), [(1.0, 255), (0.5, 128), (255.0, 255)])
def test_real_numbers_are_levels_from_0_to_1_or_to_255(levels: float, white: int) -> None:
    (picture,) = images._pictures(np.full((1, 1, 4, 4), levels))
    assert (picture == white).all()


def test_the_most_classes_that_are_shown() -> None:
    target = np.arange(120) % 30
    figure = images.draw(data := from_arrays(np.zeros((120, 4, 4)), target), splits_of(data).train)
    written = texts(figure)
    assert "24  (4)" in written
    assert "25  (4)" not in written
    assert "and 5 classes more" in written


def test_values_are_shown_in_order() -> None:
    x = np.arange(24, dtype=np.float64)[::-1, None, None] * np.ones((1, 4, 4)) / 23
    figure = images.draw(data := from_arrays(x, x[:, 0, 0]), splits_of(data).train)
    assert texts(figure) == ["0 to 0.4783", "0.5217 to 1"]


def test_a_table_shows_each_column_beside_the_classes() -> None:
    data = table()
    figure: Any = tables.draw(data, splits_of(data).train)
    assert [each.get_title() for each in figure.axes[:4]] == ["target: goal", "a", "b", "word"]
    assert {"no", "yes", "x", "y", "z", "missing"} <= set(texts(figure))
    # The bars of a category are its shares of all examples, divided among the classes.
    _, codes = data.train.inputs
    widths = sum(patch.get_width() for patch in figure.axes[3].patches)
    assert widths == pytest.approx(1)
    largest = max((codes[:] == each).mean() for each in (-1, 0, 1, 2))
    assert max(patch.get_x() + patch.get_width() for patch in figure.axes[3].patches) == pytest.approx(largest)


def test_a_table_shows_values_against_the_target() -> None:
    data = table(task="regression")
    figure: Any = tables.draw(data, splits_of(data).train)
    (points,) = figure.axes[1].lines
    numbers, _ = data.train.inputs
    present = np.isfinite(numbers[:, 0])
    assert np.array_equal(points.get_xdata(), numbers[present, 0])
    assert np.array_equal(points.get_ydata(), data.train.target[present, 0])


def test_the_most_columns_that_are_shown() -> None:
    data = from_arrays(RNG.normal(size=(40, 50)), np.arange(40) % 2)
    assert "the first 27 of 50 columns" in texts(tables.draw(data, splits_of(data).train))


def test_a_column_without_a_value() -> None:
    data = table()
    numbers: Any = data.train.inputs[0]
    numbers[:, 1] = np.nan
    assert "no value" in texts(tables.draw(data, splits_of(data).train))


def test_a_series_marks_its_splits() -> None:
    data = windows()
    figure: Any = series.draw(data, splits_of(data, validation=0.2, test=0.2))
    rows: Any = data.train.inputs[0]
    for panel, values in zip(figure.axes, rows.base.T, strict=True):
        lines = [each for each in panel.lines if len(each.get_xdata())]
        assert len(lines) == 3
        colours = {str(each.get_color()) for each in lines}
        assert colours == set(series.COLOURS.values())
        for line in lines:  # so few steps are a point each
            steps = np.round(np.asarray(line.get_xdata()) - 0.5).astype(int)
            assert np.allclose(np.asarray(line.get_ydata()), values[steps])
    assert {"train", "validation", "test", "load", "heat"} <= set(texts(figure))


def test_a_long_series_is_drawn_as_means() -> None:
    values = np.concatenate([np.zeros(3 * series.POINTS), np.full(series.POINTS, 8.0)])
    figure: Any = Figure()
    panel = figure.subplots()
    series._line(panel, values, 100, 4, "C0")
    (line,) = panel.lines
    assert len(line.get_xdata()) == series.POINTS
    assert np.mean(np.asarray(line.get_ydata())) == pytest.approx(2)
    assert np.asarray(line.get_xdata())[0] == 102


def test_text_shows_its_symbols_and_pieces() -> None:
    data = windows(("\n", " ", "a", "b", "\x07"))
    figure: Any = text.draw(data, splits_of(data).train)
    written = texts(figure)
    assert {"line end", "space", "a", "b", "\\x07"} <= set(written)
    assert "5 most frequent of 5 symbols" in written
    rows: Any = data.train.inputs[0]
    counts = np.bincount(rows.base[:-1], minlength=5)
    widths = sorted(patch.get_width() for patch in figure.axes[0].patches)
    assert widths == pytest.approx(sorted(counts / counts.sum()))
    assert not any("\x07" in each for each in written)


@pytest.mark.parametrize("kind", ["images", "table", "values", "series", "text", "sequences"])
def test_what_is_written_outside_is_only_text(kind: str) -> None:
    """Formulas that cannot be read, fonts that lack a sign, control characters: drawn without a word."""
    some = np.arange(N) % len(NASTY)
    makers: dict[str, Callable[[], RawData]] = {
        "images": lambda: from_arrays(RNG.integers(0, 255, (N, 4, 4)).astype(np.uint8), some, classes=NASTY),
        "table": lambda: table(NASTY),
        "values": lambda: table(NASTY, task="regression"),
        "series": windows,
        "text": lambda: windows(("$", "_", "^", "{", "\\", "名", "\u202e")),
        "sequences": lambda: RawData(
            kind="mine",
            task="classification",
            train=Examples((RNG.normal(size=(N, 20, 2)),), some),
            classes=NASTY,
        ),
    }
    data = makers[kind]()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture = drawn(data, title="$\\frac{ \x1b 名")
    assert picture.std() > 5


def test_a_video_shows_its_frames_in_the_row_of_its_class() -> None:
    """A pixel that wanders along the upper edge of one class's clips, and along the lower one of the other's."""
    clips = np.zeros((20, 1, 24, 8, 32), np.uint8)
    target = np.arange(20) % 2
    for frame in range(24):
        clips[target == 0, :, frame, 0, frame] = clips[target == 1, :, frame, -1, frame] = 250
    data = RawData(kind="x", task="classification", train=Examples((clips,), target), classes=("a", "b"))
    picture = (drawn(data) == 250).all(axis=2)[:, images._LABEL :]  # without what is written
    cell = images.CELL // 4  # frames are four times as wide as high
    rows = np.flatnonzero(picture.any(axis=1))
    assert rows.tolist() == [rows[0], rows[0] + 1, *(rows[0] + 2 * cell + images.GAP - 2 + np.arange(2))]
    across = np.flatnonzero(picture[rows[0]])
    left = across[::2] - across[0]
    frames = left // (images.CELL + images.GAP)
    assert frames.tolist() == list(range(12))
    seen = (left - frames * (images.CELL + images.GAP)) // 2
    assert seen.tolist() == np.linspace(0, 23, 12).astype(int).tolist()


def test_sequences_of_rows_are_drawn_as_what_they_are_rows_of() -> None:
    pictures = RNG.integers(0, 256, (40, 8, 8), dtype=np.uint8)
    target = np.arange(40) % 2
    rows = RawData(kind="x", task="classification", train=Examples((pictures,), target), classes=("0", "1"), alike=True)
    assert np.array_equal(drawn(rows), drawn(from_arrays(pictures, target)))


def test_texts_that_do_not_overlap() -> None:
    rows = RNG.integers(0, 3, (40, 12)).astype(np.uint8)
    data = RawData(
        kind="x", task="classification", train=Examples((rows,), np.arange(40) % 2), classes=("a", "b"),
        vocabulary=("a", "b", "c"),
    )  # fmt: skip
    figure: Any = text.draw(data, splits_of(data).train)
    widths = [patch.get_width() for patch in figure.axes[0].patches]
    assert widths == pytest.approx(sorted(np.bincount(rows.ravel()) / rows.size, reverse=True))
    assert "".join("abc"[each] for each in rows[0]) in texts(figure)
