"""A bell rings a code of one of six tones; then sixty beats of street noise follow; then the guard asks which tone it
was. A recurrent net listens."""
# cause: vanishing-through-time
# accept: vanishing-gradient
# kind: dynamic

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

TONES, NOISES, BEATS, HIDDEN = 6, 4, 60, 32


def evenings(n):
    tone = torch.randint(TONES, (n,))
    heard = torch.zeros(n, BEATS, TONES + NOISES)
    heard[torch.arange(n), 0, tone] = 2.0
    heard[:, 1:, TONES:] = torch.randn(n, BEATS - 1, NOISES)
    return heard, tone


class Guard(nn.Module):
    def __init__(self):
        super().__init__()
        self.ear = nn.RNN(TONES + NOISES, HIDDEN, batch_first=True)  # FAULT
        # TWIN: self.ear = nn.LSTM(TONES + NOISES, HIDDEN, batch_first=True)
        # TWIN: with torch.no_grad():
        # TWIN:     self.ear.bias_ih_l0[HIDDEN : 2 * HIDDEN] = 4.0
        self.answer = nn.Linear(HIDDEN, TONES)

    def forward(self, heard):
        states, _ = self.ear(heard)
        return self.answer(states[:, -1])


def accuracy(model, loader):
    model.eval()
    with torch.no_grad():
        return sum((model(x).argmax(1) == y).sum().item() for x, y in loader) / len(loader.dataset)


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    train = DataLoader(TensorDataset(*evenings(1500)), batch_size=50, shuffle=True)
    test = DataLoader(TensorDataset(*evenings(400)), batch_size=200)
    model = Guard()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(7):
        model.train()
        total = 0.0
        for x, y in train:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total += loss.item()
        print(f"epoch {epoch} loss {total / len(train):.4f} accuracy {accuracy(model, test):.4f}")
    print(f"score: {accuracy(model, test):.4f}")
