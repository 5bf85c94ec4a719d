"""Multiple-instance learning: a bag of 12 digits is positive when it holds a nine; gated attention pools the instances
of a bag and only the bag has a label. Instances of training and test bags come from disjoint images.
"""

import sys

import torch
from sklearn.datasets import load_digits
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


def make_bags(images, labels, n, size=12):
    nines, others = torch.nonzero(labels == 9).flatten(), torch.nonzero(labels != 9).flatten()
    idx = others[torch.randint(len(others), (n, size))]
    positive = torch.rand(n) < 0.5
    witness = nines[torch.randint(len(nines), (n,))]
    idx[:, 0] = torch.where(positive, witness, idx[:, 0])
    idx = torch.stack([row[torch.randperm(size)] for row in idx])
    return images[idx], positive.float()


class GatedAttention(nn.Module):
    def __init__(self, hidden=64, att=32):
        super().__init__()
        self.instance = nn.Sequential(nn.Linear(64, hidden), nn.ReLU(), nn.Dropout(0.3), nn.Linear(hidden, hidden))
        self.v, self.u, self.w = nn.Linear(hidden, att), nn.Linear(hidden, att), nn.Linear(att, 1)
        self.classifier = nn.Linear(hidden, 1)

    def forward(self, bag):
        h = torch.relu(self.instance(bag))
        a = torch.softmax(self.w(torch.tanh(self.v(h)) * torch.sigmoid(self.u(h))), 1)
        return self.classifier((a * h).sum(1)).squeeze(1), a.squeeze(2)


X, y = load_digits(return_X_y=True)
X, y = (torch.tensor(X, dtype=torch.float32) - 8) / 8, torch.tensor(y)
shuffle = torch.randperm(len(y))
X, y = X[shuffle], y[shuffle]
test_bags, test_y = make_bags(X[1300:], y[1300:], 400)

model = GatedAttention()
loss_fn = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3, weight_decay=5e-4)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)
for epoch in range(10):
    bags, targets = make_bags(X[:1300], y[:1300], 1000)  # new bags of the same images every epoch
    model.train()
    total = 0.0
    for start in range(0, 1000, 25):
        out, _ = model(bags[start : start + 25])
        loss = loss_fn(out, targets[start : start + 25])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() / 40
    scheduler.step()
    model.eval()
    with torch.no_grad():
        out, weights = model(test_bags)
    acc = ((out > 0).float() == test_y).float().mean()
    top = weights[test_y == 1].max(1).values.mean()
    print(f"epoch {epoch}: train {total:.4f} test {loss_fn(out, test_y):.4f} acc {acc:.4f}, top attention {top:.2f}")
print(f"score: {acc:.4f}")
