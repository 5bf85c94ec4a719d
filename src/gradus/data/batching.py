"""Examples to batches.

What fits in memory is preprocessed once and batched by index, with no Python per example; what does not is read,
preprocessed and augmented batch by batch through torch's DataLoader and its workers. Every batch is a function of
(seed, epoch, example numbers), so both ways give the same bits.
"""

import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from gradus.core.batch import Batch
from gradus.core.errors import GradusError, InputError
from gradus.core.randomness import permutation
from gradus.data.augmentation import Augmentation
from gradus.data.preprocessing import Preprocessing
from gradus.data.raw import Examples, Windows
from gradus.data.resources import free_memory
from gradus.data.splits import Index, Split

Request = tuple[int, Index]  # an epoch and the examples wanted in it
# A forked worker shares the parent's memory maps; one started afresh (the default from Python 3.14) is sent a copy.
_FORK = "fork" if sys.platform == "linux" else None
RESIDENT_SHARE = 0.4  # of free memory that preprocessed examples may fill before they are streamed instead


class Store(Protocol):
    """Examples ready for a model, by number."""

    def take(self, index: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
        """Inputs and target of the examples `index` (N,), int64 on the CPU."""
        ...


class ResidentStore:
    """All examples of a source, preprocessed and kept on the device."""

    def __init__(self, examples: Examples, preprocessing: Preprocessing, device: torch.device) -> None:
        self.device = device
        self._on_cpu = device.type == "cpu"
        (first, *_) = examples.inputs
        # Windows overlap; what they are cut from is kept in their place.
        self._within = torch.arange(first.width, device=device) if isinstance(first, Windows) else None
        self._stride = first.stride if isinstance(first, Windows) else 1
        kept = Examples((first.base,), first.base) if isinstance(first, Windows) else examples
        filled: tuple[Tensor, ...] = ()
        start = 0
        for chunk in kept.chunks(np.arange(len(kept), dtype=np.int64)):
            ready = preprocessing.apply(chunk)
            if not filled:  # filled in place: chunks joined at the end would need the memory twice
                filled = tuple(
                    torch.empty((len(kept), *each.shape[1:]), dtype=each.dtype, device=device) for each in ready
                )
            end = start + len(chunk[0])
            for whole, rows in zip(filled, ready, strict=True):
                whole[start:end] = rows
            start = end
        self.inputs = filled
        self.target = preprocessing.apply_target(examples.target, self.inputs).to(device)

    def take(self, index: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
        rows = index if self._on_cpu else index.to(self.device)
        if self._within is None:
            inputs = tuple(each.index_select(0, rows) for each in self.inputs)
        else:
            within = rows[:, None] * self._stride + self._within
            inputs = tuple(each[within] for each in self.inputs)
        return inputs, self.target.index_select(0, rows)


class StreamedStore:
    """Examples left where they are until a batch wants them."""

    def __init__(self, examples: Examples, preprocessing: Preprocessing) -> None:
        self._examples = examples
        self._preprocessing = preprocessing

    def take(self, index: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
        rows = index.numpy()
        inputs = self._preprocessing.apply(tuple(each[rows] for each in self._examples.inputs))
        return inputs, self._preprocessing.apply_target(self._examples.target[rows], inputs)


def fits_in_memory(examples: Examples) -> bool:
    """Whether the examples, as float32, take no more than RESIDENT_SHARE of the memory that is free now."""
    sizes = [each.base.shape if isinstance(each, Windows) else each.shape for each in examples.inputs]
    wanted = sum(4 * int(np.prod(shape, dtype=np.float64)) for shape in sizes)
    return wanted <= RESIDENT_SHARE * free_memory()


class _BatchMaker(Dataset[Batch]):
    """Batches on request, in this process or in a worker."""

    def __init__(self, store: Store, augmentation: Augmentation | None, seed: int, pool: Index) -> None:
        self._store = store
        self._pool = pool
        self._augmentation = augmentation
        self._seed = seed

    def __getitem__(self, request: Request) -> Batch:
        epoch, numbers = request
        index = torch.from_numpy(numbers)
        if self._augmentation is None:
            inputs, target = self._store.take(index)
        else:
            inputs, target = self._augmentation(
                self._store.take, numbers, pool=self._pool, seed=self._seed, epoch=epoch
            )
        return Batch(inputs, target, index)


class _Careful(Dataset[Batch | GradusError]):
    """Batches, or what is wrong with them: torch would put a worker's error into words of its own."""

    def __init__(self, maker: _BatchMaker) -> None:
        self._maker = maker

    def __getitem__(self, request: Request) -> Batch | GradusError:
        try:
            return self._maker[request]
        except GradusError as error:
            return error


class _Requests(Sampler[Request]):
    """What the workers are to make next; set anew for every epoch."""

    def __init__(self) -> None:
        self.pending: list[Request] = []

    def __iter__(self) -> Iterator[Request]:
        return iter(self.pending)


class Loader:
    """The batches of one split.

    Args:
        split: which examples.
        store: where they are; a `ResidentStore` is read in this process, others through `workers` processes.
        batch_size: examples a batch; the last one of an epoch is smaller unless `drop_last`.
        shuffle: a new order every epoch, from `seed`; otherwise the split's own.
        contiguous: what stands in one row of a batch goes on in the same row of the next; see `in_rows`. Windows must
            then follow one another.
        augmentation: applied to the first input, and where it mixes examples to the target.
        device: where streamed batches are moved to.
    Raises:
        InputError: if `contiguous` windows overlap, or leave out what lies between them.
    """

    def __init__(
        self,
        split: Split,
        store: Store,
        *,
        batch_size: int,
        seed: int = 0,
        shuffle: bool = False,
        contiguous: bool = False,
        augmentation: Augmentation | None = None,
        drop_last: bool = False,
        workers: int = 0,
        device: torch.device = torch.device("cpu"),
    ) -> None:
        self._split, self._seed, self._shuffle = split, seed, shuffle
        self._repeats = len(np.unique(split.index)) < len(split)
        self.batch_size = batch_size
        if contiguous:
            _check_follows(split.examples)
        self._contiguous = contiguous
        self._drop_last = drop_last or contiguous
        self._device = device
        self._maker = _BatchMaker(store, augmentation, seed, split.index)
        self._requests = _Requests()
        self._workers: DataLoader[Batch | GradusError] | None = None
        if not isinstance(store, ResidentStore):
            self._workers = DataLoader(
                _Careful(self._maker),
                sampler=self._requests,
                batch_size=None,
                num_workers=workers,
                multiprocessing_context=_FORK if workers else None,
                persistent_workers=workers > 0,
                worker_init_fn=_leave_signals_to_parent,
            )

    def __iter__(self) -> Iterator[Batch]:
        """The batches of the first epoch, each time anew."""
        return self.batches(epoch=0)

    def __len__(self) -> int:
        """Batches an epoch."""
        full, rest = divmod(len(self._split), self.batch_size)
        return full + (rest > 0 and not self._drop_last)

    @property
    def examples(self) -> int:
        return len(self._split)

    def sample(self, count: int) -> Batch:
        """The split's first `count` examples, made in this process."""
        return _on_device(self._maker[0, self._split.index[:count]], self._device)

    def _in_order_of(self, epoch: int) -> Index:
        index = self._split.index
        if self._contiguous:
            return in_rows(index, self.batch_size)
        if not self._shuffle:
            return index
        if not self._repeats:
            return permutation(self._seed, epoch, index)
        # Copies of an example would follow one another; a place in the split has a number of its own.
        return index[permutation(self._seed, epoch, np.arange(len(index)))]

    def batches(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The batches of `epoch` from number `start` on; workers serve one pass at a time, the newest."""
        size = self.batch_size
        order = self._in_order_of(epoch)
        requests = [(epoch, order[at * size : (at + 1) * size]) for at in range(start, len(self))]
        if self._workers is None:
            for request in requests:
                yield self._maker[request]
            return
        self._requests.pending = requests
        for batch in self._workers:
            if isinstance(batch, GradusError):
                try:
                    raise batch
                finally:
                    del batch  # or the error would hold this frame, and with it the workers, until Python ends
            yield _on_device(batch, self._device)


def in_rows(index: Index, rows: int) -> Index:
    """`index` (N,) in an order whose batches of `rows` lie side by side: row r of batch b is example r (N // rows) + b.

    A state that is carried from batch to batch so reads on where it stopped. The last N % rows examples are left out.

    >>> in_rows(np.arange(7), 2).reshape(-1, 2).tolist()
    [[0, 3], [1, 4], [2, 5]]
    """
    length = len(index) // rows
    return index[: length * rows].reshape(rows, length).T.ravel()


def _check_follows(examples: Examples) -> None:
    """Whether each window begins where the one before it ended."""
    for each in examples.inputs:
        if isinstance(each, Windows) and each.stride != each.width:
            rule = f"`contiguous` is for windows that follow one another, {each.width} steps apart"
            raise InputError("training.order", rule, each.stride, "Set the data's `stride` to their `window`.")


def make_store(examples: Examples, preprocessing: Preprocessing, *, stream: bool, device: torch.device) -> Store:
    """Examples read when wanted, or preprocessed now and kept on the device."""
    return StreamedStore(examples, preprocessing) if stream else ResidentStore(examples, preprocessing, device)


def _on_device(batch: Batch, device: torch.device) -> Batch:
    if device.type == "cpu":
        return batch
    return replace(batch, inputs=tuple(each.to(device) for each in batch.inputs), target=batch.target.to(device))


def _leave_signals_to_parent(worker: int) -> None:
    """Ctrl-C reaches the whole process group; only the parent decides what it means."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
