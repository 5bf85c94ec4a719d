"""Gene-expression-like table (300 rows, 200 columns) with dropout against overfitting. The model is put in eval mode to
report where it starts from and never back in train mode."""
# cause: training-in-eval-mode
# kind: structural

import sys

import torch
from sklearn.datasets import make_classification
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

X, y = make_classification(
    n_samples=900, n_features=200, n_informative=12, n_redundant=20, class_sep=1.2, flip_y=0.02, random_state=seed
)
X, y = torch.tensor(X, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)
mu, sd = X[:300].mean(0), X[:300].std(0)
X = (X - mu) / sd
X_fit, y_fit, X_hold, y_hold = X[:300], y[:300], X[300:], y[300:]


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Dropout(0.4), nn.Linear(200, 32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, 1))

    def forward(self, x):
        return self.net(x).squeeze(1)


def report(model, name):
    model.eval()
    with torch.no_grad():
        logits = model(X_hold)
        loss = nn.functional.binary_cross_entropy_with_logits(logits, y_hold).item()
        acc = ((logits > 0) == (y_hold > 0.5)).float().mean().item()
    print(f"{name}: held-out loss {loss:.4f}, accuracy {acc:.4f}")
    return loss


model = Classifier()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
loss_fn = nn.BCEWithLogitsLoss()
report(model, "start")
for epoch in range(1, 31):
    # TWIN: model.train()
    for idx in torch.randperm(300).split(20):
        optimizer.zero_grad()
        loss = loss_fn(model(X_fit[idx]), y_fit[idx])
        loss.backward()
        optimizer.step()
    if epoch % 5 == 0:
        held_out = report(model, f"epoch {epoch}")

print(f"score: {-held_out:.4f}")
