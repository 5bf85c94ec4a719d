"""A residual net on a synthetic eight-class table, evaluated through torch's AveragedModel with an exponential moving
average of weights and buffers, next to the live net.
"""

import sys

import torch
from sklearn.datasets import make_classification
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

X, y = make_classification(
    n_samples=6000, n_features=24, n_informative=16, n_redundant=4, n_classes=8, class_sep=1.8, random_state=seed
)
X, y = torch.tensor(X, dtype=torch.float32), torch.tensor(y)
mean, std = X[:4800].mean(0), X[:4800].std(0)
X = (X - mean) / std
train = DataLoader(TensorDataset(X[:4800], y[:4800]), batch_size=96, shuffle=True)
X_test, y_test = X[4800:], y[4800:]


class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.f = nn.Sequential(
            nn.BatchNorm1d(width), nn.ReLU(), nn.Linear(width, width), nn.Dropout(0.2), nn.Linear(width, width)
        )

    def forward(self, x):
        return x + self.f(x)


net = nn.Sequential(nn.Linear(24, 64), Residual(64), Residual(64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 8))
ema = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(0.98), use_buffers=True)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=1e-3)
for epoch in range(10):
    net.train()
    running = 0.0
    for xb, yb in train:
        optimizer.zero_grad(set_to_none=True)
        loss = criterion(net(xb), yb)
        loss.backward()
        optimizer.step()
        ema.update_parameters(net)
        running += loss.item()
    line = f"epoch {epoch + 1:2d} train {running / len(train):.3f}"
    for name, model in (("live", net), ("averaged", ema)):
        model.eval()
        with torch.no_grad():
            out = model(X_test)
        acc = (out.argmax(1) == y_test).float().mean().item()
        line += f" | {name} loss {criterion(out, y_test).item():.3f} acc {acc:.3f}"
    print(line)
print(f"score: {acc:.4f}")
