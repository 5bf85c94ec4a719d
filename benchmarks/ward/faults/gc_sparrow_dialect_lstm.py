"""Sparrow dialects from few songs: training stops once validation has not improved for six epochs, and the best weights
are put back."""
# cause: underfitting
# kind: dynamic

import copy
import sys

import torch
from torch import nn


class Stopper:
    def __init__(self, patience):
        self.patience = patience
        self.best = float("inf")
        self.state = None
        self.waited = 0

    def __call__(self, loss, model):
        if loss < self.best:
            self.best, self.waited = loss, 0
            self.state = copy.deepcopy(model.state_dict())
        else:
            self.waited += 1
        return self.waited >= self.patience


def songs(n, syllables):
    dialect = torch.randint(0, 4, (n,))
    order = torch.rand(n, 6, 1)
    x = syllables[dialect] * (0.6 + 0.8 * order) + 0.8 * torch.randn(n, 6, 8)
    return x, dialect


class SongNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(8, 1, batch_first=True, bidirectional=True)  # FAULT
        # TWIN: self.lstm = nn.LSTM(8, 24, batch_first=True, bidirectional=True)
        self.drop = nn.Dropout(0.3)
        self.out = nn.Linear(2, 4)  # FAULT
        # TWIN: self.out = nn.Linear(48, 4)

    def forward(self, x):
        states, _ = self.lstm(x)
        return self.out(self.drop(states.mean(1)))


torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
syllables = 0.6 * torch.randn(4, 6, 8)
x, y = songs(500, syllables)
x_val, y_val = songs(250, syllables)
x_test, y_test = songs(500, syllables)
model = SongNet()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3, weight_decay=1e-4)
criterion = nn.CrossEntropyLoss()
stopper = Stopper(patience=6)
for epoch in range(60):
    model.train()
    for idx in torch.randperm(len(x)).split(25):
        loss = criterion(model(x[idx]), y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        val_loss = criterion(model(x_val), y_val).item()
    print(f"epoch {epoch} train {loss.item():.4f} val {val_loss:.4f}")
    if stopper(val_loss, model):
        print("stopped")
        break
model.load_state_dict(stopper.state)
model.eval()
with torch.no_grad():
    print(f"score: {(model(x_test).argmax(1) == y_test).float().mean().item():.4f}")
