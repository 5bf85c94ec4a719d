"""Topic of papers in a citation graph, mean aggregation of neighbours beside the paper's own words. Full batch."""

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
rng = np.random.default_rng(seed)
N, TOPICS, WORDS = 700, 5, 40
topic = rng.integers(0, TOPICS, N)
cites = np.triu(rng.random((N, N)) < np.where(topic[:, None] == topic[None], 0.03, 0.003), 1)
adjacency = torch.tensor((cites | cites.T).astype(np.float32))
neighbours = adjacency / adjacency.sum(1, keepdim=True).clamp(min=1)
usage = rng.dirichlet(np.full(WORDS, 0.5), TOPICS)
words = np.stack([rng.multinomial(25, 0.4 * usage[t] + 0.6 / WORDS) for t in topic])
x = torch.tensor((words - words.mean(0)) / (words.std(0) + 1e-6), dtype=torch.float32)
y = torch.tensor(topic)
order = torch.tensor(rng.permutation(N))
train, val, test = order[:250], order[250:400], order[400:]


class SageLayer(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.own = nn.Linear(n_in, n_out)
        self.around = nn.Linear(n_in, n_out, bias=False)

    def forward(self, h):
        return self.own(h) + self.around(neighbours @ h)


class Sage(nn.Module):
    def __init__(self):
        super().__init__()
        self.l1, self.l2 = SageLayer(WORDS, 32), SageLayer(32, TOPICS)

    def forward(self, x):
        h = F.dropout(F.relu(self.l1(x)), 0.5, training=self.training)
        return self.l2(h)


model = Sage()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=5e-3)
for epoch in range(1, 81):
    model.train()
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x)[train], y[train])
    loss.backward()
    optimizer.step()
    if epoch % 10 == 0:
        model.eval()
        with torch.no_grad():
            right = model(x).argmax(1) == y
        val_acc, test_acc = right[val].float().mean().item(), right[test].float().mean().item()
        print(f"epoch {epoch} loss {loss.item():.4f} val {val_acc:.4f} test {test_acc:.4f}")
print(f"score: {test_acc:.4f}")
