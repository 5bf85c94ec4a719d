"""Two-layer graph convolution (dense normalised adjacency) on a stochastic block model of 300 nodes with weak node
features. Semi-supervised: 60 labelled nodes, the loss is masked, the score is the accuracy on the others.
"""

import sys

import torch
import torch.nn.functional as F

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

N, K, D = 300, 4, 16
labels = torch.arange(N) % K
same = labels[:, None] == labels[None, :]
probability = torch.where(same, 0.10, 0.01)
upper = torch.triu((torch.rand(N, N) < probability).float(), diagonal=1)
adjacency = upper + upper.T + torch.eye(N)
degree = adjacency.sum(1)
A = adjacency / (degree[:, None] * degree[None, :]).sqrt()
prototypes = torch.randn(K, D)
features = prototypes[labels] * 0.5 + torch.randn(N, D)

order = torch.randperm(N)
train_mask, test_mask = torch.zeros(N, dtype=torch.bool), torch.zeros(N, dtype=torch.bool)
train_mask[order[:60]] = True
test_mask[order[60:]] = True


class GCN(torch.nn.Module):
    def __init__(self, n_in, n_hidden, n_out):
        super().__init__()
        self.lin1 = torch.nn.Linear(n_in, n_hidden)
        self.lin2 = torch.nn.Linear(n_hidden, n_out)

    def forward(self, x, adj):
        x = F.dropout(x, 0.3, training=self.training)
        x = F.relu(adj @ self.lin1(x))
        x = F.dropout(x, 0.5, training=self.training)
        return F.log_softmax(adj @ self.lin2(x), dim=1)


model = GCN(D, 32, K)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=5e-4)


def train():
    model.train()
    optimizer.zero_grad()
    out = model(features, A)
    loss = F.nll_loss(out[train_mask], labels[train_mask])
    loss.backward()
    optimizer.step()
    return loss.item()


@torch.no_grad()
def test():
    model.eval()
    pred = model(features, A).argmax(dim=1)
    return [(pred[m] == labels[m]).float().mean().item() for m in (train_mask, test_mask)]


for epoch in range(1, 201):
    loss = train()
    if epoch % 25 == 0:
        train_acc, test_acc = test()
        print(f"Epoch: {epoch:03d}, Loss: {loss:.4f}, Train: {train_acc:.4f}, Test: {test_acc:.4f}")
print(f"score: {test()[1]:.4f}")
