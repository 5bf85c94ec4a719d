"""Four clubs in a net of acquaintances: a two-layer graph network on the whole graph at once. Only every tenth member
told us the club, and the loss is taken on those; the others are the test."""

import sys

import torch
from torch import nn


def acquaintances(n=400, clubs=4, inside=0.06, outside=0.006):
    club = torch.randint(clubs, (n,))
    chance = torch.where(club[:, None] == club[None, :], inside, outside)
    edges = torch.rand(n, n).triu(1) < chance.triu(1)
    return club, (edges | edges.T).float()


def normalized(a):
    a = a + torch.eye(len(a))
    scale = a.sum(1).rsqrt()
    return scale[:, None] * a * scale[None, :]


class GraphNet(nn.Module):
    def __init__(self, features, clubs, hidden=32):
        super().__init__()
        self.first, self.second = nn.Linear(features, hidden), nn.Linear(hidden, clubs)
        self.drop = nn.Dropout(0.4)

    def forward(self, x, a):
        x = torch.relu(a @ self.first(self.drop(x)))
        return a @ self.second(self.drop(x))


torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
club, edges = acquaintances()
x = 0.7 * torch.randn(4, 16)[club] + torch.randn(len(club), 16)
x = (x - x.mean(0)) / x.std(0)
a = normalized(edges)
known = torch.zeros(len(club), dtype=torch.bool)
known[torch.randperm(len(club))[: len(club) // 10]] = True

model = GraphNet(16, 4)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, weight_decay=5e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(100):
    model.train()
    loss = criterion(model(x, a)[known], club[known])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if epoch % 10 == 9:
        model.eval()
        with torch.no_grad():
            out = model(x, a)
        right = (out.argmax(1) == club)[~known].float().mean().item()
        others = criterion(out[~known], club[~known]).item()
        print(f"epoch {epoch + 1} loss {loss.item():.4f} others {others:.4f} right {right:.4f}")
print(f"score: {right:.4f}")
