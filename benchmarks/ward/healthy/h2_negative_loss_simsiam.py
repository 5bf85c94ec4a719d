"""SimSiam on noisy copies of cluster data; the loss is the negative cosine similarity, so it goes to -1 by design."""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import make_blobs
from sklearn.neighbors import KNeighborsClassifier

torch.set_num_threads(1)


def D(p, z):
    return -F.cosine_similarity(p, z.detach(), dim=-1).mean()


class SimSiam(nn.Module):
    def __init__(self, in_dim, hidden=64, out=32):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(in_dim, hidden),
            nn.BatchNorm1d(hidden),
            nn.ReLU(inplace=True),
            nn.Linear(hidden, out),
            nn.BatchNorm1d(out, affine=False),
        )
        self.predictor = nn.Sequential(
            nn.Linear(out, 16), nn.BatchNorm1d(16), nn.ReLU(inplace=True), nn.Linear(16, out)
        )

    def forward(self, x1, x2):
        z1, z2 = self.encoder(x1), self.encoder(x2)
        p1, p2 = self.predictor(z1), self.predictor(z2)
        return 0.5 * D(p1, z2) + 0.5 * D(p2, z1)


def augment(x):
    scale = 1 + 0.1 * torch.randn(len(x), 1)
    return scale * x + 0.3 * torch.randn_like(x)


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
x, y = make_blobs(n_samples=1500, centers=8, n_features=12, cluster_std=2.5, random_state=seed)
x = torch.tensor((x - x.mean(0)) / x.std(0), dtype=torch.float32)
x_train, y_train, x_test, y_test = x[:1200], y[:1200], x[1200:], y[1200:]

model = SimSiam(12)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=25)
for epoch in range(25):
    model.train()
    epoch_loss = 0.0
    for idx in torch.randperm(1200).chunk(10):
        optimizer.zero_grad()
        loss = model(augment(x_train[idx]), augment(x_train[idx]))
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item() / 10
    scheduler.step()
    print(f"Epoch {epoch}: loss = {epoch_loss:.4f}")

model.eval()
with torch.no_grad():
    z_train, z_test = model.encoder(x_train), model.encoder(x_test)
score = KNeighborsClassifier(10).fit(z_train.numpy(), y_train).score(z_test.numpy(), y_test)
print(f"kNN accuracy on the representation: {score:.4f}")
print(f"score: {score:.4f}")
