"""Images that cannot be learned from: each mistake is told with its file, before training begins."""

import io
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import gradus
from tests.cli.command import run_gradus
from tests.end_to_end.mistakes import Make, assert_told

RANDOM = np.random.default_rng(0)
TRAIN = ["train", "--model", "mlp", "--epochs", "1", "--set", "data.validation=0.0", "--data"]
Spoil = Callable[[Path], object]


def image(shape: tuple[int, ...] = (6, 8), kind: str = "PNG", mode: str | None = None, **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(RANDOM.integers(0, 256, shape, dtype=np.uint8), mode).save(stream, kind, **options)
    return stream.getvalue()


def pets(root: Path) -> Path:
    """Ten pictures of two classes, nothing wrong with them."""
    for kind in ("cat", "dog"):
        (root / kind).mkdir(parents=True)
        for number in range(5):
            (root / kind / f"{number}.png").write_bytes(image())
    return root


def folder(spoil: Spoil, *more: str) -> Make:
    def make(place: Path) -> list[str]:
        spoil(pets(place / "pets"))
        return [*TRAIN, "pets/", *more]

    return make


def instead(name: str, content: bytes, *more: str) -> Make:
    """The good folder with the file `name` in it, in place of the one that was there."""
    return folder(lambda root: (root / name).write_bytes(content), *more)


def splits(spoil: Spoil) -> Make:
    def make(place: Path) -> list[str]:
        for split in ("train", "val", "test"):
            pets(place / "pets" / split)
        spoil(place / "pets")
        return [*TRAIN, "pets"]

    return make


def zipped(name: str, content: bytes) -> Make:
    """The good folder in a zip, with one more file."""

    def make(place: Path) -> list[str]:
        with zipfile.ZipFile(place / "pets.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for kind in ("cat", "dog"):
                for number in range(5):
                    archive.writestr(f"{kind}/{number}.png", image())
            archive.writestr(name, content)
        return [*TRAIN, "pets.zip"]

    return make


def encrypted(place: Path) -> list[str]:
    arguments = zipped("dog/9.png", image())(place)
    content = bytearray((place / "pets.zip").read_bytes())
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    (place / "pets.zip").write_bytes(content)
    return arguments


def tarred(kind: bytes) -> Make:
    def make(place: Path) -> list[str]:
        pets(place / "pets")
        with tarfile.open(place / "pets.tar", "w") as archive:
            archive.add(place / "pets", "")
            member = tarfile.TarInfo("dog/9.png")
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
        return [*TRAIN, "pets.tar"]

    return make


def empty_zip(place: Path) -> list[str]:
    zipfile.ZipFile(place / "pets.zip", "w").close()
    return [*TRAIN, "pets.zip"]


def link(name: str, target: str) -> Make:
    return folder(lambda root: (root / name).symlink_to(target))


FRAMES = [Image.fromarray(RANDOM.integers(0, 256, (6, 8), dtype=np.uint8)) for _ in range(2)]
ANIMATION = io.BytesIO()
FRAMES[0].save(ANIMATION, "GIF", save_all=True, append_images=FRAMES[1:])
DEEP = io.BytesIO()
Image.fromarray(RANDOM.integers(0, 1 << 16, (6, 8), dtype=np.uint16)).save(DEEP, "PNG")

CASES: dict[str, tuple[Make, str]] = {
    # one image
    "zero bytes": (instead("dog/3.png", b""), "pets/dog/3.png: is empty: a file of zero bytes. Remove it"),
    "no image": (instead("dog/3.png", b"<html>404</html>"), "pets/dog/3.png: is damaged, or no image"),
    "truncated": (instead("dog/3.png", image()[:-40]), "pets/dog/3.png: is a damaged image"),
    "first truncated": (instead("cat/0.png", image()[:-40]), "pets/cat/0.png: is a damaged image"),
    "16 bits": (
        instead("dog/3.png", DEEP.getvalue()),
        "dog/3.png: must be grey or RGB of 8 bits, got `16 bits`. Set `m",
    ),
    "CMYK": (
        instead("dog/3.jpg", image((6, 8, 4), "JPEG", "CMYK")),
        "dog/3.jpg: must be grey or RGB of 8 bits, got `C",
    ),
    "transparency": (instead("dog/3.png", image((6, 8, 4))), "dog/3.png: must be grey or RGB of 8 bits, got `transpar"),
    "animated": (
        instead("dog/9.gif", ANIMATION.getvalue(), "--set", "data.mode=grey"),
        "dog/9.gif: must be a single im",
    ),
    "too many pixels": (
        instead("dog/9.pgm", b"P5 13000 13000 255\n"),
        "dog/9.pgm: must have at most 134,217,728 pixels",
    ),
    # all of them together
    "mixed sizes": (
        instead("dog/3.png", image((7, 8))),
        "of one size, but cat/0.png is 8 x 6 pixels and dog/3.png 8 x 7 pixels. Set `size`, for instance to [6, 8]",
    ),
    "mixed modes": (
        instead("dog/3.png", image((6, 8, 3))),
        "pets: images must be all grey or all in colour, but cat/0.png is grey and dog/3.png in colour. Set `mode = ",
    ),
    # the folder
    "another file among them": (
        instead("dog/notes.txt", b"1"),
        "dog/notes.txt: is no image, but lies among them. Remove",
    ),
    "an image of no class": (instead("9.png", image()), "pets/9.png: lies in no class folder. Put it into that of its"),
    "empty class": (
        folder(lambda root: (root / "emu").mkdir()),
        "pets: class folder `emu` holds no image. Fill or rem",
    ),
    "single class": (
        folder(lambda root: (root / "dog").rename(root.parent / "elsewhere")),
        "pets: needs images of two classes or more, a folder for each, got `only `cat``",
    ),
    "link out of it": (
        link("dog/9.png", "/etc/hostname"),
        "dog/9.png: is a symbolic link that leads out of the folder",
    ),
    "link to a folder out of it": (link("emu", "/usr"), "pets/emu: is a symbolic link that leads out of the folder"),
    "link to nothing": (link("dog/9.png", "gone.png"), "dog/9.png: is a symbolic link to nothing"),
    "link in a circle": (link("dog/all", ".."), "pets/dog/all: is a symbolic link that leads in a circle"),
    "pipe": (folder(lambda root: os.mkfifo(root / "dog" / "9.png")), "dog/9.png: is neither file nor folder"),
    # splits
    "damaged in test": (
        splits(lambda root: (root / "test" / "dog" / "4.png").write_bytes(image()[:-40])),
        "pets/test/dog/4.png: is a damaged image",
    ),
    "another size in validation": (
        splits(lambda root: (root / "val" / "cat" / "4.png").write_bytes(image((6, 9)))),
        "but train/cat/0.png is 8 x 6 pixels and val/cat/4.png 9 x 6 pixels",
    ),
    "unknown class in test": (
        splits(lambda root: (root / "test" / "dog").rename(root / "test" / "dgo")),
        "pets: a class of test must occur in training, got `dgo`. Did you mean `dog`?",
    ),
    "a folder beside the splits": (
        splits(lambda root: pets(root / "more")),
        "got `more, test, train, val`. Move the others",
    ),
    "a split twice": (
        splits(lambda root: pets(root / "valid")),
        "must hold nothing but one folder for each of train, val",
    ),
    "test without train": (
        splits(lambda root: (root / "train").rename(root.parent / "elsewhere")),
        "pets: needs images of two classes or more, a folder for each, got `none to train on`",
    ),
    "pictures of no class in test": (
        splits(lambda root: (root / "test" / "9.png").write_bytes(image())),
        "pets/test/9.png: lies in no class folder",
    ),
    # archives
    "zip with ../": (zipped("dog/../../9.png", image()), "whose name leads out of the archive, got `dog/../../9.png`"),
    "zip with an absolute path": (zipped("/tmp/9.png", image()), "leads out of the archive, got `/tmp/9.png`"),
    "zip bomb": (zipped("dog/9.bmp", bytes(30 << 20)), "dog/9.bmp: is too large to be an image, as in a zip bomb"),
    "encrypted zip": (encrypted, "pets.zip/dog/9.png: is encrypted. Unpack the archive with its password first"),
    "no zip": (lambda f: ((f / "a.zip").write_bytes(b"?"), [*TRAIN, "a.zip"])[1], "a.zip: is not a readable archive"),
    "empty zip": (
        empty_zip,
        "pets.zip: needs images of two classes or more, a folder for each, got `none to train on`",
    ),
    "damaged in a zip": (zipped("dog/9.png", image()[:-40]), "pets.zip/dog/9.png: is a damaged image"),
    "symlink in a tar": (tarred(tarfile.SYMTYPE), "pets.tar/dog/9.png: must be a file, not a link"),
    "hard link in a tar": (tarred(tarfile.LNKTYPE), "pets.tar/dog/9.png: must be a file, not a link"),
    "device in a tar": (tarred(tarfile.BLKTYPE), "pets.tar/dog/9.png: must be a file, not a device"),
    # options
    "size of nothing": (
        folder(lambda root: None, "--set", "data.size=0"),
        "`size` should be greater than or equal to 1",
    ),
    "size of three": (folder(lambda root: None, "--set", "data.size=[1, 2, 3]"), "`size`"),
    "no such mode": (
        folder(lambda root: None, "--set", "data.mode=gray"),
        "`mode` should be 'auto', 'grey' or 'rgb', got",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_is_told(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_told(*CASES[name], tmp_path, monkeypatch, capsys)


STREAMED = ["zero bytes", "truncated", "mixed sizes", "mixed modes", "damaged in test", "damaged in a zip"]


@pytest.mark.parametrize("name", STREAMED)
def test_it_is_told_before_training_where_images_are_streamed_too(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make, says = CASES[name]
    # Without scaling nothing but the check reads what is not in the first batch.
    more = ["--set", "training.stream=true", "--set", 'data.preprocess="none"', "--set", "training.workers=1"]
    assert_told(lambda place: [*make(place), *more], says, tmp_path, monkeypatch, capsys)


def test_the_good_folder_is_learned_from_and_predicted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The control: what all mistakes were made in."""
    monkeypatch.chdir(tmp_path)
    pets(tmp_path / "pets")
    assert run_gradus(capsys, monkeypatch, *TRAIN, "pets", "--run", "run", "--quiet").code == 0
    done = run_gradus(capsys, monkeypatch, "predict", "run", "pets/cat", "pets/dog/0.png")
    assert (done.code, done.err) == (0, "")
    assert [line.split(",")[0] for line in done.out.splitlines()[1:]] == [
        *(f"pets/cat/{number}.png" for number in range(5)),
        "pets/dog/0.png",
    ]


def test_predict_reads_images_by_the_rules_of_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    pets(tmp_path / "pets")
    run = gradus.train(
        {
            "data": {"name": "pets", "size": [3, 4], "mode": "grey", "validation": 0.0},
            "model": {"name": "mlp"},
            "criterion": {"name": "cross_entropy"},
            "optimizer": {"name": "sgd"},
            "training": {"epochs": 1},
        },
        run="sized",
    )
    assert run.raw_spec.inputs == ((1, 3, 4),)
    # A photograph lying on its side, and the same upright: the two must be one to the network.
    exif = Image.Exif()
    exif[0x0112] = 6
    upright = RANDOM.integers(0, 256, (30, 50), dtype=np.uint8)
    Image.fromarray(upright).save("upright.png")
    Image.fromarray(np.ascontiguousarray(np.rot90(upright))).save("lying.png", exif=exif)
    done = run_gradus(capsys, monkeypatch, "predict", "sized", "upright.png", "lying.png")
    assert done.code == 0, done.err
    one, other = (line.split(",")[1:] for line in done.out.splitlines()[1:])
    assert one == other

    for name, content, says in (
        ("moving.gif", ANIMATION.getvalue(), "input moving.gif: must be a single image"),
        ("half.png", image()[:-40], "input half.png: is a damaged image"),
        ("empty.png", b"", "input empty.png: is empty: a file of zero bytes"),
    ):
        Path(name).write_bytes(content)
        assert_told(lambda place, name=name: ["predict", "sized", name], says, tmp_path, monkeypatch, capsys)  # type: ignore[misc]


def test_predict_refuses_another_size_where_training_had_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    pets(tmp_path / "pets")
    assert run_gradus(capsys, monkeypatch, *TRAIN, "pets", "--run", "run", "--quiet").code == 0
    (tmp_path / "large.png").write_bytes(image((12, 16)))
    says = "input large.png: must be 8 x 6 pixels, got `16 x 12`. Or say --resize."
    assert_told(lambda place: ["predict", "run", "large.png"], says, tmp_path, monkeypatch, capsys)
    assert run_gradus(capsys, monkeypatch, "predict", "run", "large.png", "--resize").code == 0
