"""Class marked by the first step of an 80-step noisy series; a tanh RNN read at its last step."""
# cause: vanishing-through-time
# accept: vanishing-gradient
# kind: dynamic

import sys

import torch
from torch import nn


class SeriesNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.RNN(4, 24, batch_first=True)
        self.out = nn.Linear(24, 3)

    def forward(self, x):
        states, _ = self.rnn(x)
        return self.out(states[:, -1])  # FAULT
        # TWIN: return self.out(states.max(dim=1).values)


def series(n, steps=80):
    label = torch.randint(0, 3, (n,))
    x = 0.2 * torch.randn(n, steps, 4)
    x[:, 0, :3] += 2.5 * nn.functional.one_hot(label, 3)
    return x, label


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
x_train, y_train = series(800)
x_test, y_test = series(400)
model = SeriesNet()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(8):
    for idx in torch.randperm(800).split(40):
        optimizer.zero_grad()
        loss = criterion(model(x_train[idx]), y_train[idx])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    with torch.no_grad():
        acc = (model(x_test).argmax(1) == y_test).float().mean().item()
    print(f"epoch {epoch + 1}: loss {loss.item():.4f} acc {acc:.4f}")
print(f"score: {acc:.4f}")
