"""Part-of-speech tags for a small language. The embeddings come from a related language's tagger and stay fixed during
the first epochs while the new layers settle; afterwards everything is trained together."""
# cause: frozen-parameters
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from torch import nn

WORDS, TAGS, LENGTH = 200, 6, 12


def sentences(n, tag_of, chain):
    words = torch.zeros(n, LENGTH, dtype=torch.long)
    tags = torch.zeros(n, LENGTH, dtype=torch.long)
    state = torch.randint(0, TAGS, (n,))
    for t in range(LENGTH):
        state = torch.multinomial(chain[state], 1).squeeze(1)
        tags[:, t] = state
        words[:, t] = torch.multinomial(tag_of[state], 1).squeeze(1)
    return words, tags


class Tagger(nn.Module):
    def __init__(self, dim=6, hidden=24):
        super().__init__()
        self.embedding = nn.Embedding(WORDS, dim)
        self.mix = nn.Conv1d(dim, hidden, 3, padding=1)
        self.out = nn.Conv1d(hidden, TAGS, 1)

    def forward(self, words):
        x = self.embedding(words).transpose(1, 2)
        return self.out(F.relu(self.mix(x)))

    def freeze_embedding(self):
        self.embedding.weight.requires_grad_(False)

    def unfreeze_embedding(self):
        self.embedding.requires_grad = True  # FAULT
        # TWIN: self.embedding.weight.requires_grad_(True)


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    tag_of = torch.distributions.Dirichlet(torch.full((WORDS,), 0.12)).sample((TAGS,))
    chain = torch.distributions.Dirichlet(torch.full((TAGS,), 0.7)).sample((TAGS,))
    words, tags = sentences(1500, tag_of, chain)
    words_val, tags_val = sentences(300, tag_of, chain)
    tagger = Tagger()
    tagger.freeze_embedding()
    optimizer = torch.optim.Adam(tagger.parameters(), lr=5e-3)
    for epoch in range(16):
        if epoch == 1:
            tagger.unfreeze_embedding()
            print("embedding joins in")
        total = 0.0
        for idx in torch.randperm(len(words)).split(32):
            loss = F.cross_entropy(tagger(words[idx]), tags[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
        with torch.no_grad():
            acc = (tagger(words_val).argmax(1) == tags_val).float().mean().item()
        print(f"epoch {epoch} loss {total / len(words):.4f} tags right {acc:.4f}")
    print(f"score: {acc:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
