"""Department of each employee from how often who writes to whom (about sixty neighbours each) and noisy traits.
What the neighbours send is added up, not averaged, and goes through tanh."""
# cause: saturated-units
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
rng = np.random.RandomState(seed)

N, K, D = 500, 6, 20
department = rng.randint(0, K, N)
same = department[:, None] == department[None, :]
edge = rng.rand(N, N) < np.where(same, 0.24, 0.10)
edge = np.triu(edge, 1)
mails = np.triu(rng.poisson(12, (N, N)), 1) * edge
adjacency = (mails + mails.T + 12 * np.eye(N)).astype(np.float32)
centres = rng.randn(K, D)
traits = centres[department] * 0.5 + rng.randn(N, D) * 1.2

A = torch.from_numpy(adjacency)
# TWIN: A = A / A.sum(dim=1, keepdim=True)
X = torch.tensor(traits, dtype=torch.float32)
y = torch.tensor(department)
order = rng.permutation(N)
train_idx, test_idx = torch.tensor(order[:300]), torch.tensor(order[300:])


class GCNLayer(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.linear = nn.Linear(n_in, n_out)

    def forward(self, A, h):
        return self.linear(A @ h)


class GCN(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = GCNLayer(D, 48)
        self.second = GCNLayer(48, 48)
        self.out = nn.Linear(48, K)

    def forward(self, A, x):
        h = torch.tanh(self.first(A, x))
        h = torch.tanh(self.second(A, h))
        return self.out(h)


model = GCN()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3, weight_decay=5e-4)
criterion = nn.CrossEntropyLoss()
for epoch in range(150):
    model.train()
    optimizer.zero_grad()
    out = model(A, X)
    loss = criterion(out[train_idx], y[train_idx])
    loss.backward()
    optimizer.step()
    if (epoch + 1) % 15 == 0:
        model.eval()
        with torch.no_grad():
            guess = model(A, X).argmax(dim=1)
        train_acc = (guess[train_idx] == y[train_idx]).float().mean().item()
        test_acc = (guess[test_idx] == y[test_idx]).float().mean().item()
        print(f"Epoch {epoch + 1:03d} loss {loss.item():.4f} train {train_acc:.3f} test {test_acc:.3f}")
print(f"score: {test_acc:.4f}")
