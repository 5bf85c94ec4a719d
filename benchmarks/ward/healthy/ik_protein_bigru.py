"""Secondary structure (helix, strand, coil) of each residue of proteins of different lengths: a bidirectional GRU on
packed sequences, padding left out of the loss by ignore_index. Chains come from a hidden Markov model.
"""

import sys

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence
from torch.utils.data import DataLoader, Dataset

torch.set_num_threads(1)
LETTERS = "ACDEFGHIKLMNPQRSTVWY"
LIKES = {0: "AELMQKRH", 1: "VIYCWFTL", 2: "GNPSDTKE"}


class Chains(Dataset):
    def __init__(self, n, rng):
        liking = np.ones((3, 20))
        for state, letters in LIKES.items():
            for c in letters:
                liking[state, LETTERS.index(c)] = 5.0
        liking /= liking.sum(1, keepdims=True)
        self.items = []
        for _ in range(n):
            states, target = [], rng.integers(25, 60)
            while len(states) < target:
                choices = [s for s in range(3) if not states or s != states[-1]]
                states += [rng.choice(choices)] * (rng.integers(4, 12))
            states = np.array(states[:target])
            residues = np.array([rng.choice(20, p=liking[s]) for s in states]) + 1
            self.items.append((torch.from_numpy(residues), torch.from_numpy(states)))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


def collate(batch):
    batch = sorted(batch, key=lambda item: -len(item[0]))
    lengths = torch.tensor([len(r) for r, _ in batch])
    residues = pad_sequence([r for r, _ in batch], batch_first=True)
    states = pad_sequence([s for _, s in batch], batch_first=True, padding_value=-100)
    return residues, states, lengths


class Tagger(nn.Module):
    def __init__(self, dim=16, hidden=32):
        super().__init__()
        self.embed = nn.Embedding(21, dim, padding_idx=0)
        self.gru = nn.GRU(dim, hidden, batch_first=True, bidirectional=True)
        self.drop = nn.Dropout(0.2)
        self.out = nn.Linear(2 * hidden, 3)

    def forward(self, residues, lengths):
        packed = pack_padded_sequence(self.embed(residues), lengths, batch_first=True)
        h, _ = pad_packed_sequence(self.gru(packed)[0], batch_first=True)
        return self.out(self.drop(h))


def q3(model, loader):
    model.eval()
    right = total = 0
    with torch.no_grad():
        for residues, states, lengths in loader:
            real = states != -100
            right += (model(residues, lengths).argmax(-1) == states)[real].sum().item()
            total += real.sum().item()
    return right / total


def main(seed):
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train = DataLoader(Chains(500, rng), batch_size=20, shuffle=True, collate_fn=collate)
    val, test = [DataLoader(Chains(n, rng), batch_size=50, collate_fn=collate) for n in (100, 200)]
    model = Tagger()
    optimizer = torch.optim.NAdam(model.parameters(), lr=4e-3)
    criterion = nn.CrossEntropyLoss(ignore_index=-100)
    for epoch in range(6):
        model.train()
        for step, (residues, states, lengths) in enumerate(train):
            optimizer.zero_grad()
            loss = criterion(model(residues, lengths).transpose(1, 2), states)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
        print(f"Epoch {epoch}: last loss {loss.item():.4f}, Q3 on validation {q3(model, val):.4f}")
    print(f"score: {q3(model, test):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
