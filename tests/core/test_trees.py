from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_sequence

from gradus.core.trees import mapped, tensors


@dataclass(frozen=True)
class Pair:
    left: Tensor
    right: list[Tensor]
    name: str


def test_tensors_are_found_in_order_and_changed_in_a_copy() -> None:
    one, two, three = torch.tensor(1), torch.tensor(2), torch.tensor(3)
    tree = {"pair": Pair(one, [two], "no tensor"), "more": (three, None, 4)}
    assert tensors(tree) == [one, two, three]
    changed = mapped(lambda each: -each, tree)
    assert tensors(changed) == [-1, -2, -3]
    assert changed["pair"].name == "no tensor"
    assert changed["more"][1:] == (None, 4)
    assert tensors(tree) == [one, two, three]


def test_of_packed_sequences_the_lengths_stay() -> None:
    packed = pack_sequence([torch.ones(3), torch.ones(2)])
    changed = mapped(lambda each: each * 2, (packed,))[0]
    assert isinstance(changed, PackedSequence)
    assert changed.data.tolist() == [2.0] * 5
    assert changed.batch_sizes is packed.batch_sizes
    assert len(tensors(packed)) == 1
