"""The same batches, bit for bit, from memory or streamed, by any number of workers, from any place on."""

import multiprocessing
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from gradus.core.batch import Batch
from gradus.core.errors import InputError
from gradus.core.randomness import permutation
from gradus.data import batching, resources
from gradus.data.arrays import from_arrays
from gradus.data.augmentation import Augmentation
from gradus.data.batching import Loader, ResidentStore, Store, StreamedStore, fits_in_memory, make_store
from gradus.data.preprocessing import Preprocessing
from gradus.data.raw import CHUNK, Examples, RawData, Windows
from gradus.data.splits import Split, split

CPU = torch.device("cpu")
COUNT = 1500
assert COUNT > CHUNK
EVERY_KIND = ["shift", "rotate", "scale", "shear", "flip", "crop", "colour", "noise", "cutout", "cutmix"]


@pytest.fixture(scope="module")
def mapped(tmp_path_factory: pytest.TempPathFactory) -> RawData:
    """Images whose channels come last, on the disk."""
    folder = tmp_path_factory.mktemp("images")
    x = np.random.default_rng(0).integers(0, 255, (COUNT, 7, 6, 3), dtype=np.uint8)
    np.save(folder / "x.npy", x)
    return from_arrays(np.load(folder / "x.npy", mmap_mode="r"), np.arange(COUNT) % 5)


def scaling(data: RawData) -> Preprocessing:
    return Preprocessing.fit(data, Split(data.train, np.arange(len(data.train))))


def loader(data: RawData, *, stream: bool, workers: int = 0, augment: bool = True, **options: Any) -> Loader:
    preprocessing = scaling(data)
    part = split(data, validation=0.1, test=0.1, seed=0).train
    augmentation = Augmentation.fit(EVERY_KIND, data, part, preprocessing) if augment else None
    store = make_store(data.train, preprocessing, stream=stream, device=CPU)
    settings = {"batch_size": 64, "seed": 11, "shuffle": True, **options}
    return Loader(part, store, augmentation=augmentation, workers=workers, **settings)


def assert_same(one: list[Batch], other: list[Batch]) -> None:
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        assert torch.equal(a.index, b.index)
        assert torch.equal(a.target, b.target)
        assert a.target.dtype == b.target.dtype
        for x, y in zip(a.inputs, b.inputs, strict=True):
            assert torch.equal(x, y)
            assert x.dtype == y.dtype == torch.float32


@pytest.fixture(scope="module")
def resident(mapped: RawData) -> Loader:
    return loader(mapped, stream=False)


@pytest.fixture(scope="module", params=[0, 2])
def streamed(mapped: RawData, request: pytest.FixtureRequest) -> Loader:
    return loader(mapped, stream=True, workers=request.param)


def test_streamed_batches_are_the_resident_ones(resident: Loader, streamed: Loader) -> None:
    for epoch in range(3):
        assert_same(list(resident.batches(epoch)), list(streamed.batches(epoch)))


def test_an_epoch_continues_where_it_is_told_to(resident: Loader, streamed: Loader) -> None:
    whole = list(resident.batches(1))
    assert len(whole) == len(resident) == 19
    for start in (1, 7, 18, 19, 30):
        assert_same(whole[start:], list(resident.batches(1, start)))
    assert_same(whole[7:], list(streamed.batches(1, 7)))


def test_an_abandoned_epoch_leaves_nothing_behind(resident: Loader, streamed: Loader) -> None:
    next(streamed.batches(4))
    assert_same(list(resident.batches(5)), list(streamed.batches(5)))


def test_plain_numpy_gives_the_same_batches(mapped: RawData) -> None:
    """Without augmentation a batch is written out in three lines."""
    part = split(mapped, validation=0.1, test=0.1, seed=0).train
    x = np.moveaxis(np.array(mapped.train.inputs[0]), 1, -1).reshape(-1, 3).astype(np.float64)
    order = permutation(11, 3, part.index)
    for number, batch in enumerate(loader(mapped, stream=False, augment=False).batches(3)):
        rows = order[number * 64 : number * 64 + 64]
        assert batch.index.tolist() == rows.tolist()
        assert batch.target.tolist() == (rows % 5).tolist()
        expected = (mapped.train.inputs[0][rows] - x.mean(0)[:, None, None]) / x.std(0)[:, None, None]
        np.testing.assert_allclose(batch.inputs[0].numpy(), expected, atol=1e-5)


def test_every_epoch_has_every_example_once_in_an_order_of_its_own(mapped: RawData, resident: Loader) -> None:
    part = split(mapped, validation=0.1, test=0.1, seed=0).train
    epochs = [torch.cat([batch.index for batch in resident.batches(epoch)]).tolist() for epoch in range(3)]
    for each in epochs:
        assert sorted(each) == part.index.tolist()
    assert epochs[0] != epochs[1] != epochs[2]


def test_unshuffled_batches_keep_the_splits_order(mapped: RawData) -> None:
    plain = loader(mapped, stream=False, shuffle=False, augment=False)
    part = split(mapped, validation=0.1, test=0.1, seed=0).train
    for epoch in (0, 4):
        assert torch.cat([batch.index for batch in plain.batches(epoch)]).tolist() == part.index.tolist()


@pytest.mark.parametrize(
    ("size", "drop_last", "lengths"),
    [(500, False, [500, 500, 215]), (500, True, [500, 500]), (405, False, [405] * 3), (405, True, [405] * 3),
     (2000, False, [1215]), (2000, True, [])],
)  # fmt: skip
def test_the_last_batch(mapped: RawData, size: int, drop_last: bool, lengths: list[int]) -> None:
    some = loader(mapped, stream=False, augment=False, batch_size=size, drop_last=drop_last)
    assert [len(batch) for batch in some.batches(0)] == lengths
    assert len(some) == len(lengths)
    assert some.examples == 1215


def test_a_sample_is_made_here_from_the_first_examples(mapped: RawData, streamed: Loader) -> None:
    part = split(mapped, validation=0.1, test=0.1, seed=0).train
    sample = streamed.sample(5)
    assert sample.index.tolist() == part.index[:5].tolist()
    assert sample.inputs[0].shape == (5, 3, 7, 6)


def test_workers_live_on_from_epoch_to_epoch(mapped: RawData) -> None:
    def processes() -> set[int | None]:
        return {child.pid for child in multiprocessing.active_children()}

    before = processes()
    some = loader(mapped, stream=True, workers=2, batch_size=400)
    list(some.batches(0))
    first = processes() - before
    list(some.batches(1))
    assert processes() - before == first
    assert len(first) == 2


class Counting:
    """A store that remembers what was asked of it."""

    def __init__(self, store: Store) -> None:
        self.store, self.asked = store, list[int]()

    def take(self, index: Tensor) -> Any:
        self.asked.append(len(index))
        return self.store.take(index)


@pytest.mark.parametrize("kind", [ResidentStore, StreamedStore])
def test_a_batch_is_taken_at_once(mapped: RawData, kind: type) -> None:
    preprocessing = scaling(mapped)
    store = Counting(ResidentStore(mapped.train, preprocessing, CPU) if kind is ResidentStore
                     else StreamedStore(mapped.train, preprocessing))  # fmt: skip
    list(Loader(Split(mapped.train, np.arange(COUNT)), store, batch_size=400).batches(0))
    assert store.asked == [400, 400, 400, 300]


class Damaged:
    """Rows of which one cannot be read."""

    shape, dtype = (10, 3), np.dtype(np.float32)

    def __getitem__(self, index: Any) -> Any:
        if 7 in index:
            raise InputError("row 7", "cannot be read", repair="Remove it.")
        return np.zeros((len(index), 3), np.float32)


@pytest.mark.parametrize("workers", [0, 2])
def test_what_is_wrong_with_an_example_is_told_in_its_own_words(workers: int) -> None:
    examples = Examples((Damaged(),), np.zeros((10, 1), np.float32))
    store = StreamedStore(examples, Preprocessing.none())
    batches = Loader(Split(examples, np.arange(10)), store, batch_size=5, workers=workers).batches(0)
    assert len(next(batches)) == 5
    with pytest.raises(InputError, match=r"^row 7: cannot be read\. Remove it\.$") as caught:
        next(batches)
    assert caught.value.repair == "Remove it."


class CountingRows:
    """Rows on the disk that count how they are read."""

    def __init__(self, rows: Any) -> None:
        self.rows, self.shape, self.dtype, self.reads = rows, rows.shape, rows.dtype, list[int]()

    def __getitem__(self, index: Any) -> Any:
        self.reads.append(len(index))
        return self.rows[index]


def test_a_stream_reads_only_what_a_batch_wants(mapped: RawData) -> None:
    rows = CountingRows(mapped.train.inputs[0])
    examples = Examples((rows,), mapped.train.target)
    some = Loader(Split(examples, np.arange(COUNT)), StreamedStore(examples, scaling(mapped)), batch_size=700)
    batches = some.batches(0)
    next(batches)
    assert rows.reads == [700]
    list(batches)
    assert rows.reads == [700, 700, 100]


@pytest.mark.filterwarnings("error")
def test_values_on_the_disk_can_be_targets(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.arange(20, dtype=np.float32)[:, None])
    np.save(tmp_path / "y.npy", np.arange(20, dtype=np.float32)[:, None] / 2)
    data = from_arrays(*(np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in "xy"))
    for stream in (False, True):
        store = make_store(data.train, Preprocessing.none(), stream=stream, device=CPU)
        (batch,) = Loader(Split(data.train, np.arange(20)), store, batch_size=20).batches(0)
        assert torch.equal(batch.target, batch.inputs[0] / 2)
        batch.target.zero_()
        batch.inputs[0].zero_()
        (again,) = Loader(Split(data.train, np.arange(20)), store, batch_size=20).batches(0)
        assert again.target[3] == 1.5


def test_big_endian_arrays_are_read_as_the_machines_own() -> None:
    x = np.arange(6.0).reshape(3, 2)
    data = from_arrays(x.astype(">f4"), np.arange(3).astype(">i2"))
    for stream in (False, True):
        store = make_store(data.train, scaling(from_arrays(x, [0, 1, 2])), stream=stream, device=CPU)
        inputs, target = store.take(torch.tensor([2, 0]))
        assert target.tolist() == [2, 0]
        assert inputs[0][0, 0] == pytest.approx(np.sqrt(1.5))


def test_a_worker_that_is_not_forked_can_make_the_same_batches(mapped: RawData) -> None:
    maker = loader(mapped, stream=True)._maker
    request = (2, np.array([5, 900, 17]))
    assert_same([pickle.loads(pickle.dumps(maker))[request]], [maker[request]])  # noqa: S301 - what is tested


def test_what_does_not_fit_in_memory_is_recognised(monkeypatch: pytest.MonkeyPatch) -> None:
    def free(size: int) -> None:
        monkeypatch.setattr(batching, "free_memory", lambda: size)

    examples = Examples((np.zeros((100, 25), np.uint8), np.zeros((100, 5))), np.zeros(100))
    free(30_000)  # 100 x 30 numbers of 4 bytes are 12,000, just 0.4 of it
    assert fits_in_memory(examples)
    free(29_999)
    assert not fits_in_memory(examples)


@pytest.mark.skipif(not Path("/proc/meminfo").exists(), reason="the system has no /proc/meminfo")
def test_memory_that_only_caches_files_counts_as_free() -> None:
    fields = {line.split()[0]: int(line.split()[1]) for line in Path("/proc/meminfo").read_text().splitlines()}
    assert resources.free_memory() <= fields["MemTotal:"] * 1024
    assert resources._field(Path("/proc/meminfo"), "MemTotal:") == fields["MemTotal:"]
    with pytest.raises(KeyError):
        resources._field(Path("/proc/meminfo"), "MemTot")


def test_a_containers_limit_counts_as_the_memory_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    examples = from_arrays(np.zeros((1000, 100)), np.arange(1000) % 2).train  # 400 kB as float32
    monkeypatch.setattr(resources, "_CONTAINER", tmp_path)
    assert fits_in_memory(examples)
    (tmp_path / "memory.current").write_text("600000")
    (tmp_path / "memory.stat").write_text("anon 400000\ninactive_file 100000\n")
    for limit, fits in (("max", True), ("1400000", False), ("1600000", True)):
        (tmp_path / "memory.max").write_text(limit)
        assert fits_in_memory(examples) is fits


def test_contiguous_rows_go_on_from_batch_to_batch() -> None:
    data = from_arrays(np.arange(23.0)[:, None], np.arange(23) % 2)
    part = Split(data.train, np.arange(3, 23))
    store = make_store(data.train, scaling(data), stream=False, device=CPU)
    loader = Loader(part, store, batch_size=6, contiguous=True)
    found = torch.stack([batch.index for batch in loader])
    assert len(loader) == 3
    # 20 examples make rows of 3; the last two are left out.
    assert found.tolist() == [[3, 6, 9, 12, 15, 18], [4, 7, 10, 13, 16, 19], [5, 8, 11, 14, 17, 20]]
    assert [batch.index.tolist() for batch in loader.batches(1, start=2)] == found[2:].tolist()


@pytest.mark.parametrize("stride", [1, 5])
def test_contiguous_windows_must_follow_one_another(stride: int) -> None:
    series = np.arange(60.0)[:, None]
    windows = Windows(series, 4, stride=stride)
    part = Split(Examples((windows,), np.zeros(windows.shape[0], np.int64)), np.arange(8))
    data = from_arrays(series, np.arange(60) % 2)
    store = make_store(part.examples, scaling(data), stream=True, device=CPU)
    with pytest.raises(InputError, match=f"`contiguous` is for windows that follow one another, 4 .*, got {stride}"):
        Loader(part, store, batch_size=2, contiguous=True)
