"""Graph attention on a random geometric graph of 400 nodes: a node's class is its region of the square, its features
are too noisy to tell alone, and 40 % of the nodes have labels. Full-batch training, masked loss, two attention layers.
"""

import argparse

import torch
import torch.nn.functional as F
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("seed", nargs="?", type=int, default=0)
seed = parser.parse_args().seed
torch.set_num_threads(1)
torch.manual_seed(seed)

N, CLASSES = 400, 4
position = torch.rand(N, 2)
label = (position[:, 0] > 0.5).long() + 2 * (position[:, 1] > 0.5).long()
adjacency = (torch.cdist(position, position) < 0.09) | torch.eye(N, dtype=torch.bool)
features = torch.randn(CLASSES, 10)[label] * 0.6 + torch.randn(N, 10)
order = torch.randperm(N)
train, val, test = order[:160], order[160:240], order[240:]


class GATLayer(nn.Module):
    def __init__(self, n_in, n_out, heads):
        super().__init__()
        self.lin = nn.Linear(n_in, heads * n_out, bias=False)
        self.src = nn.Parameter(0.3 * torch.randn(heads, n_out))
        self.dst = nn.Parameter(0.3 * torch.randn(heads, n_out))
        self.heads = heads

    def forward(self, x, adj):
        h = self.lin(x).view(len(x), self.heads, -1)
        e = (h * self.src).sum(2)[:, None] + (h * self.dst).sum(2)[None]  # N x N x heads
        e = F.leaky_relu(e, 0.2).masked_fill(~adj[:, :, None], -torch.inf)
        return torch.einsum("ijh,jhd->ihd", e.softmax(1), h)


class GAT(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = GATLayer(10, 8, 4), GATLayer(32, CLASSES, 2)

    def forward(self, x, adj):
        x = F.dropout(x, 0.3, self.training)
        h = F.elu(self.one(x, adj).flatten(1))
        return self.two(F.dropout(h, 0.3, self.training), adj).mean(1)


model = GAT()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3, weight_decay=5e-3)
for epoch in range(1, 61):
    model.train()
    loss = F.cross_entropy(model(features, adjacency)[train], label[train])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if epoch % 10 == 0:
        model.eval()
        with torch.no_grad():
            out = model(features, adjacency)
        correct = out.argmax(1) == label
        val_loss = F.cross_entropy(out[val], label[val])
        print(f"epoch {epoch} loss {loss.item():.3f} val loss {val_loss:.3f} val acc {correct[val].float().mean():.3f}")
print(f"score: {correct[test].float().mean():.4f}")
