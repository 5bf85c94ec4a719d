"""Fills gaps in sentences of a small grammar: a fifth of the words is hidden, and the loss is taken at the gaps
only. The words at some gaps are free, so that the loss has a floor."""
# cause: softmax-twice
# kind: dynamic

import random
import sys

import torch
from torch import nn

WHO = {"dog": "barks", "cat": "meows", "cow": "moos", "duck": "quacks", "frog": "croaks"}
PLACE = {"house": "in", "hill": "on", "bridge": "under", "garden": "behind"}
WORDS = ["<gap>", "the", *WHO, *WHO.values(), *PLACE, *PLACE.values()]
INDEX = {word: i for i, word in enumerate(WORDS)}


def sentence(rnd):
    who, place = rnd.choice(list(WHO)), rnd.choice(list(PLACE))
    words = ["the", who, WHO[who], PLACE[place], "the", place]
    return [INDEX[word] for word in (words if rnd.random() < 0.5 else words[3:] + words[:3])]


def hide(x, share=0.2):
    gaps = torch.rand(x.shape) < share
    gaps[torch.arange(len(x)), torch.randint(x.shape[1], (len(x),))] = True
    return x.masked_fill(gaps, INDEX["<gap>"]), gaps


class Filler(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.words = nn.Embedding(len(WORDS), dim)
        self.places = nn.Parameter(0.1 * torch.randn(6, dim))
        layer = nn.TransformerEncoderLayer(dim, 2, 64, dropout=0.0, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.out = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, len(WORDS)))

    def forward(self, x):
        return self.out(self.encoder(self.words(x) + self.places)).softmax(-1)  # FAULT
        # TWIN: return self.out(self.encoder(self.words(x) + self.places))


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rnd = random.Random(seed)
    train = torch.tensor([sentence(rnd) for _ in range(1500)])
    test = torch.tensor([sentence(rnd) for _ in range(400)])
    hidden_test, gaps_test = hide(test)
    model = Filler()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for epoch in range(12):
        model.train()
        for rows in torch.randperm(len(train)).split(50):
            x = train[rows]
            hidden, gaps = hide(x)
            loss = nn.functional.cross_entropy(model(hidden)[gaps], x[gaps])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        model.eval()
        with torch.no_grad():
            right = (model(hidden_test).argmax(2) == test)[gaps_test].float().mean().item()
        print(f"epoch {epoch} loss {loss.item():.4f} right {right:.4f}")
    print(f"score: {right:.4f}")


main()
