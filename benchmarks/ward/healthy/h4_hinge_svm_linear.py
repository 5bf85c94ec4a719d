"""Linear SVM in the Pegasos manner: hinge loss on labels -1/+1, L2 term in the loss, averaged weights at the end."""

import sys

import torch
from sklearn.datasets import make_classification

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
LAMBDA = 1e-3

X, y = make_classification(
    n_samples=1500,
    n_features=15,
    n_informative=6,
    class_sep=2.0,
    n_clusters_per_class=1,
    flip_y=0.01,
    random_state=seed,
)
X = torch.tensor(X, dtype=torch.float32)
X = (X - X[:1100].mean(0)) / X[:1100].std(0)
t = torch.tensor(2 * y - 1, dtype=torch.float32)

w = torch.zeros(15, requires_grad=True)
b = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.SGD([w, b], lr=0.05)
scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 1 / (1 + 0.2 * epoch))
w_sum, b_sum, count = torch.zeros(15), torch.zeros(1), 0


def objective(xb, tb):
    margin = tb * (xb @ w + b)
    return (1 - margin).clamp(min=0).mean() + LAMBDA / 2 * (w @ w)


for epoch in range(30):
    for idx in torch.randperm(1100).split(20):
        loss = objective(X[idx], t[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if epoch >= 15:
            w_sum, b_sum, count = w_sum + w.detach(), b_sum + b.detach(), count + 1
    scheduler.step()
    if epoch % 5 == 4:
        with torch.no_grad():
            print(f"epoch {epoch + 1}: objective {objective(X[:1100], t[:1100]).item():.4f}")

scores = X[1100:] @ (w_sum / count) + b_sum / count
accuracy = (scores.sign() == t[1100:]).float().mean().item()
print(f"score: {accuracy:.4f}")
