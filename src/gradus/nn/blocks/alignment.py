"""What a decoder takes of each step of what an encoder has read: soft attention, by three scores."""

# N sequences, S steps read, Q numbers of the decoder's state, M of a step read, W between

import torch
from torch import Tensor, nn


class AdditiveAttention(nn.Module):
    """A small network scores each step:  e_s = v' tanh(W q + U m_s + b)   (Bahdanau et al., appendix A.1.2).

        a = softmax(e),   c = sum_s a_s m_s       (equations 5 and 6)

    Args:
        query: Q.
        memory: M.
        hidden: W.
    Cost: once for a sequence S M W multiply-adds; for each query W (Q + S) + S M.
    Source: Bahdanau, Cho, Bengio (2015), Neural machine translation by jointly learning to align and translate,
    arXiv:1409.0473.
    """

    def __init__(self, query: int, memory: int, hidden: int) -> None:
        super().__init__()
        self.of_query = nn.Linear(query, hidden, bias=False)
        self.of_memory = nn.Linear(memory, hidden)
        self.score = nn.Linear(hidden, 1, bias=False)

    def keys(self, memory_NSM: Tensor) -> Tensor:
        """U m_s + b, (N, S, W): what is the same for every query."""
        keys_NSW: Tensor = self.of_memory(memory_NSM)
        return keys_NSW

    def forward(self, query_NQ: Tensor, keys_NSW: Tensor, memory_NSM: Tensor) -> tuple[Tensor, Tensor]:
        """c (N, M) and a (N, S).

        Args:
            keys_NSW: what `keys` makes of the memory.
        """
        logits_NS = self.score(torch.tanh(self.of_query(query_NQ)[:, None] + keys_NSW))[..., 0]
        return _taken(logits_NS, memory_NSM)


class DotAttention(nn.Module):
    """The product of the state and each step is its score:  e_s = q' m_s, or  q' W m_s   (Luong et al., section 3.1).

        a = softmax(e),   c = sum_s a_s m_s

    Args:
        query: Q.
        memory: M, which must be Q where there is no matrix between.
        matrix: with W between the two, the paper's "general".
    Cost: once for a sequence S M Q multiply-adds if there is a matrix; for each query S (Q + M).
    Source: Luong, Pham, Manning (2015), Effective approaches to attention-based neural machine translation,
    arXiv:1508.04025.
    """

    def __init__(self, query: int, memory: int, *, matrix: bool = False) -> None:
        super().__init__()
        self.of_memory = nn.Linear(memory, query, bias=False) if matrix else nn.Identity()

    def keys(self, memory_NSM: Tensor) -> Tensor:
        """W m_s, (N, S, Q): what is the same for every query."""
        keys_NSQ: Tensor = self.of_memory(memory_NSM)
        return keys_NSQ

    def forward(self, query_NQ: Tensor, keys_NSQ: Tensor, memory_NSM: Tensor) -> tuple[Tensor, Tensor]:
        """c (N, M) and a (N, S).

        Args:
            keys_NSQ: what `keys` makes of the memory.
        """
        return _taken((keys_NSQ @ query_NQ[..., None])[..., 0], memory_NSM)


def _taken(logits_NS: Tensor, memory_NSM: Tensor) -> tuple[Tensor, Tensor]:
    weights_NS = logits_NS.softmax(-1)
    return (weights_NS[:, None] @ memory_NSM)[:, 0], weights_NS
