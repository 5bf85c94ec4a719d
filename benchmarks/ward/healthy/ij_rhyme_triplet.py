"""Which words rhyme? A character CNN over invented words, trained with semi-hard triplets mined in the batch, weight
norm on the convolutions. Score: recall@1 among words whose rhyme was never trained on.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.parametrizations import weight_norm
from torch.utils.data import Sampler

torch.set_num_threads(1)
CONSONANTS, VOWELS = "bcdfghjklmnprstvw", "aeiou"
LETTERS = "_" + CONSONANTS + VOWELS


def pick(s):
    return s[int(torch.randint(len(s), (1,)))]


def lexicon(rhymes, each):
    words, labels = [], []
    endings = {}
    while len(endings) < rhymes:
        endings[pick(VOWELS) + pick(CONSONANTS) + pick(VOWELS + CONSONANTS)] = None
    for label, ending in enumerate(endings):
        for _ in range(each):
            head = "".join(pick(CONSONANTS) + pick(VOWELS) for _ in range(int(torch.randint(0, 3, (1,))))) + pick(
                CONSONANTS
            )
            words.append([LETTERS.index(c) for c in (head + ending).rjust(10, "_")])
            labels.append(label)
    return torch.tensor(words), torch.tensor(labels)


class BalancedBatches(Sampler):
    """Twelve rhymes a batch, four words each."""

    def __init__(self, labels, batches):
        self.groups, self.batches = [(labels == c).nonzero().squeeze(1) for c in labels.unique()], batches

    def __len__(self):
        return self.batches

    def __iter__(self):
        for _ in range(self.batches):
            chosen = torch.randperm(len(self.groups))[:12].tolist()
            yield torch.cat([self.groups[c][torch.randperm(len(self.groups[c]))[:4]] for c in chosen])


class Ear(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(len(LETTERS), 24, padding_idx=0)
        self.conv1 = weight_norm(nn.Conv1d(24, 48, 3, padding=1))
        self.conv2 = weight_norm(nn.Conv1d(48, 48, 3, padding=1))
        self.out = nn.Linear(480, 48)

    def forward(self, x):
        h = self.emb(x).transpose(1, 2)
        h = F.relu(self.conv2(F.relu(self.conv1(h))))
        return F.normalize(self.out(h.flatten(1)), dim=1)


def semi_hard(z, y, margin=0.3):
    d = 2 - 2 * z @ z.T
    same = y[:, None] == y[None, :]
    a, p = (same & ~torch.eye(len(y), dtype=torch.bool)).nonzero(as_tuple=True)
    ap = d[a, p]
    farther = (d[a] > ap[:, None].detach()) & ~same[a]
    nearest = torch.where(farther, d[a], torch.full_like(d[a], 4.0)).min(1).values
    return F.relu(ap - nearest + margin).mean()


@torch.no_grad()
def recall(model, x, y):
    model.eval()
    sim = model(x) @ model(x).T - 4 * torch.eye(len(x))
    return (y[sim.argmax(1)] == y).float().mean().item()


def main(seed):
    torch.manual_seed(seed)
    words, labels = lexicon(260, 8)
    seen = labels < 200
    x, y, x_new, y_new = words[seen], labels[seen], words[~seen], labels[~seen]
    model = Ear()
    print(f"untrained recall {recall(model, x_new, y_new):.4f}")
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(1, 11):
        model.train()
        total = 0.0
        batches = BalancedBatches(y, 60)
        for idx in batches:
            loss = semi_hard(model(x[idx]), y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() / len(batches)
        print(f"epoch {epoch}: triplet {total:.4f} recall@1 on new rhymes {recall(model, x_new, y_new):.4f}")
    print(f"score: {recall(model, x_new, y_new):.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
