"""A character model of invented town names, one step at a time as in the tutorial: the loss is added up over the
letters of a batch of names and back-propagated once. Score: negative loss a letter, on held-out names.
"""

import random
import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)
LETTERS = "abcdefghijklmnopqrstuvwxyz."
HEADS = ["north", "south", "ash", "oak", "black", "white", "king", "fair", "long", "stone", "wool", "hazel"]
TAILS = ["bury", "ton", "ford", "field", "ham", "ley", "bridge", "mouth", "wick", "worth", "port", "dale"]


class CharRNN(nn.Module):
    def __init__(self, hidden=96):
        super().__init__()
        self.embed, self.cell = nn.Embedding(27, 24), nn.GRUCell(24, hidden)
        self.out = nn.Linear(hidden, 27)

    def forward(self, letter, h):
        h = self.cell(self.embed(letter), h)
        return self.out(h), h


def names(n, rng):
    made = [rng.choice(HEADS) + rng.choice(["", "er", "en", "ing"]) + rng.choice(TAILS) for _ in range(n)]
    return torch.tensor([[LETTERS.index(c) for c in name.ljust(16, ".")[:16]] for name in made])


def total_loss(net, batch, criterion):
    h, loss, letter = torch.zeros(len(batch), 96), 0.0, torch.full((len(batch),), 26)
    for t in range(batch.shape[1]):
        out, h = net(letter, h)
        loss = loss + criterion(out, batch[:, t])
        letter = batch[:, t]
    return loss


def main(seed):
    torch.manual_seed(seed)
    rng = random.Random(seed)
    train, test = names(2000, rng), names(300, rng)
    net, criterion = CharRNN(), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for epoch in range(1, 5):
        for idx in torch.randperm(len(train)).split(32):
            optimizer.zero_grad()
            loss = total_loss(net, train[idx], criterion)
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimizer.step()
        with torch.no_grad():
            held = total_loss(net, test, criterion).item() / 16
        print(f"epoch {epoch}: train {loss.item() / 16:.4f} held out {held:.4f}")
    print(f"score: {-held:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
