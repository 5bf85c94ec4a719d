"""A dictionary out of sentence pairs (IBM model 1 by gradient): each foreign word is explained by *some* word of the
English sentence, nobody says which. The table of translations begins uniform; the likelihood's floor is far above zero,
since word order and idle words cannot be foretold. Score: share of the words whose best translation is the right one.
"""

import sys

import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader, IterableDataset

torch.set_num_threads(1)
ENGLISH, FOREIGN, IDLE = 80, 90, 10  # the last ten foreign words are fillers; English word 0 stands for "nothing"


class Corpus(IterableDataset):
    """Sentences without end: English (with 0 in front) and foreign words, shuffled, a fifth of them fillers."""

    def __init__(self, dictionary, seed, n):
        self.dictionary, self.n = dictionary, n
        self.generator = torch.Generator().manual_seed(seed)

    def __iter__(self):
        g = self.generator
        common = 1 / (torch.arange(1, ENGLISH).float() + 5)
        for _ in range(self.n):
            english = 1 + torch.multinomial(common, 6, generator=g)
            foreign = self.dictionary[english]
            loose = torch.rand(6, generator=g) < 0.2
            fillers = FOREIGN - IDLE + torch.randint(0, IDLE, (6,), generator=g)
            foreign = torch.where(loose, fillers, foreign)
            yield F.pad(english, (1, 0)), foreign[torch.randperm(6, generator=g)]


def negative_log_likelihood(table, english, foreign):
    logt = F.log_softmax(table, 1)
    pairs = logt[english[:, :, None], foreign[:, None, :]]
    return -(torch.logsumexp(pairs, 1) - torch.log(torch.tensor(float(english.shape[1])))).mean()


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    dictionary = torch.cat([torch.zeros(1, dtype=torch.long), torch.randperm(FOREIGN - IDLE)[: ENGLISH - 1]])
    loader = DataLoader(Corpus(dictionary, seed, 4000), batch_size=50)
    english, foreign = next(iter(DataLoader(Corpus(dictionary, seed + 1000, 1000), batch_size=1000)))
    table = torch.nn.Parameter(0.01 * torch.randn(ENGLISH, FOREIGN))
    optimizer = torch.optim.Adam([table], lr=0.05, betas=(0.9, 0.99))
    scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, total_iters=8)
    for passage in range(1, 9):
        total, steps = 0.0, 0
        for e, f in loader:
            loss = negative_log_likelihood(table, e, f)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total, steps = total + loss.item(), steps + 1
        scheduler.step()
        with torch.no_grad():
            held_out = negative_log_likelihood(table, english, foreign).item()
            right = (table[1:].argmax(1) == dictionary[1:]).float().mean().item()
        print(f"passage {passage}: {total / steps:.4f} held out {held_out:.4f} right {right:.4f}")
    print(f"score: {right:.4f}")
