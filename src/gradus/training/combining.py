"""One answer from several networks'."""

# M members, N examples, C classes, K values

from typing import Literal

from torch import Tensor
from torch.nn.functional import one_hot

Combine = Literal["mean", "vote"]


def combine_classes(logits_MNC: Tensor, how: Combine) -> Tensor:
    """Shares of the classes (N, ..., C): the mean of the members' probabilities, or of their votes.

    Where votes are level, the class of the larger mean probability has a hair more.
    """
    mean_NC = logits_MNC.softmax(dim=-1).mean(dim=0)
    if how == "mean":
        return mean_NC
    votes_NC = one_hot(logits_MNC.argmax(dim=-1), logits_MNC.shape[-1]).to(mean_NC).mean(dim=0)
    hair = 1e-6
    return votes_NC * (1 - hair) + mean_NC * hair


def combine_values(values_MNK: Tensor) -> Tensor:
    """The mean of the members' values, (N, K)."""
    return values_MNK.mean(dim=0)
