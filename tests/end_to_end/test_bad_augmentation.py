"""Changes that cannot be made to these data: each is told in one line before training begins."""

from pathlib import Path

import numpy as np
import pytest

from tests.end_to_end.mistakes import Make, assert_told


def digits(augment: str, *arguments: str, **files: str) -> Make:
    def make(folder: Path) -> list[str]:
        for name, content in files.items():
            (folder / f"{name}.py").write_text(content)
        return ["train", "--set", f"data.augment={augment}", *arguments]

    return make


def table(augment: str) -> Make:
    def make(folder: Path) -> list[str]:
        np.savez(folder / "set.npz", x=np.arange(40.0).reshape(20, 2), y=np.tile([0, 1], 10))
        return ["train", "--data", "set.npz", "--model", "mlp", "--set", f"data.augment={augment}"]

    return make


def series(augment: str) -> Make:
    def make(folder: Path) -> list[str]:
        rows = [f"2024-01-{1 + n // 24:02d} {n % 24:02d}:00:00,{n % 7}" for n in range(90)]
        (folder / "s.csv").write_text("\n".join(["when,a", *rows]) + "\n")
        settings = ["data.format=series", f"data.augment={augment}"]
        return ["train", "--data", "s.csv", "--model", "nlinear", "--criterion", "mse"] + [
            f"--set={s}" for s in settings
        ]

    return make


def text(augment: str, code: str = "") -> Make:
    def make(folder: Path) -> list[str]:
        (folder / "t.txt").write_text("to be or not to be, that is the question. " * 20)
        (folder / "words.py").write_text(code)
        return ["train", "--data", "t.txt", "--model", "neural_lm", "--set", f"data.augment={augment}"]

    return make


def colours(channels: int, augment: str) -> Make:
    def make(folder: Path) -> list[str]:
        x = np.random.default_rng(0).integers(0, 255, (40, channels, 8, 8)).astype(np.uint8)
        np.savez(folder / "set.npz", x=x, y=np.tile([0, 1], 20))
        return ["train", "--data", "set.npz", "--model", "mlp", "--set", f"data.augment={augment}"]

    return make


REWRITE = '[{name="rewrite", module="words.py:f"}]'
ONLY_CLASSES = "from torch.nn.functional import nll_loss\ndef f(x, y):\n    return nll_loss(x.log_softmax(1), y)"
ONLY_SHARES = "def f(x, y):\n    assert y.shape == x.shape\n    return -(y * x.log_softmax(1)).sum(1).mean()"

CASES: dict[str, tuple[Make, str]] = {
    "misspelt": (digits('["cutmx"]'), "data.augment: unknown name, got `cutmx`. Did you mean `cutmix`"),
    "misspelt option": (
        digits('[{name="colour", brightnes=0.1}]'),
        "data.augment `colour`: unknown option `brightnes`. Did you mean `brightness`?",
    ),
    "out of its range": (
        digits('[{name="colour", contrast=2.0}]'),
        "data.augment `colour`: `contrast` should be less than or equal to 1, got 2.0",
    ),
    "mixing twice": (digits('["mixup", "cutmix"]'), "data.augment: may mix examples once"),
    "no name": (digits("[{by=0.1}]"), "data.augment: every item must be a name or have one"),
    "rewriting images": (
        digits(REWRITE, words="def f(t, u):\n    return t"),
        "data.augment `rewrite`: is for text, got `images (C, H, W), (1, 8, 8)`. Leave it out of `data.augment`",
    ),
    "turning a table": (table('["rotate"]'), "data.augment `rotate`: is for images (C, H, W), got `tables and series"),
    "patching a table": (table('["cutmix"]'), "data.augment `cutmix`: is for images (C, H, W), got `tables and series"),
    "turning a series": (series('["flip"]'), "data.augment `flip`: is for images (C, H, W), got `tables and series, ("),
    "noise in text": (text('["noise"]'), "is for images (C, H, W) or tables and series, got `text, (16,)`"),
    "colours of four channels": (colours(4, '["colour"]'), "needs images of 1 or 3 channels, got 4"),
    "whitened images that move": (
        digits('["shift"]', "--set", "data.preprocess=whiten", "--model", "mlp"),
        "needs inputs that are scaled each by itself. Use `standard`.",
    ),
    "a criterion that takes no shares": (
        digits('["mixup"]', "--criterion", "loss.py:f", loss=ONLY_CLASSES),
        "leave `mixup` and `cutmix` out of data.augment",
    ),
    "a criterion that takes shares alone": (
        digits('["mixup"]', "--criterion", "loss.py:f", loss=ONLY_SHARES),
        "must take both classes (N,) and shares of them (N, C)",
    ),
    "rewriting by nothing": (text('["rewrite"]'), "data.augment `rewrite`: option `module` must be given"),
    "rewriting by a file that is missing": (
        text('[{name="rewrite", module="word.py:f"}]'),
        "data.augment `rewrite`: `module`: no such file",
    ),
    "a hook that is missing": (text(REWRITE, "def g(t, u):\n    return t"), "has no callable of this name, got `f`"),
    "a hook that loses a text": (
        text(REWRITE, "def f(t, u):\n    return t[1:]"),
        "words.py:f): must return a string for each of the 2 it is given, got 1",
    ),
    "a hook that knows other letters": (
        text(REWRITE, "def f(t, u):\n    return [each.replace('b', 'ß').replace('o', 'Ω') for each in t]"),
        "must write in the symbols of the training text, got `ßΩ`. Replace or drop them.",
    ),
    "a hook that returns one text": (
        text(REWRITE, "def f(t, u):\n    return t[0]"),
        "words.py:f): must return a list of strings",
    ),
    "a hook that raises": (text(REWRITE, "def f(t, u):\n    return 1 / 0"), "words.py:f): raises ZeroDivisionError"),
}


@pytest.mark.parametrize("name", CASES)
def test_is_told_in_one_line_and_leaves_nothing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_told(*CASES[name], tmp_path, monkeypatch, capsys)
