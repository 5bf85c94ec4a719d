"""Finding small galaxies in cut-outs of a sky survey, positives being rare, with a binary focal loss.

After https://github.com/mkocabas/focal-loss-keras/issues/17
"""
# cause: unstable-loss
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
from sklearn.metrics import average_precision_score

SIZE = 14


def make_patches(n, rng):
    """Positives have a blob; now and then a cosmic ray hit outshines everything."""
    yy, xx = np.mgrid[:SIZE, :SIZE]
    x = rng.randn(n, 1, SIZE, SIZE).astype(np.float32) * 0.4
    y = (rng.rand(n) < 0.15).astype(np.float32)
    for i in range(n):
        if y[i]:
            cy, cx = rng.uniform(3, SIZE - 3, 2)
            x[i, 0] += 1.6 * np.exp(-((yy - cy) ** 2 + (xx - cx) ** 2) / 5.0)
        if rng.rand() < 0.003:
            r, c, k = rng.randint(0, SIZE - 3), rng.randint(0, SIZE - 3), rng.randint(1, 4)
            x[i, 0, r : r + k, c : c + 3] += rng.uniform(100, 300)
    return x, y


class BinaryFocalLoss(nn.Module):
    def __init__(self, gamma=2.0, alpha=0.25):
        super().__init__()
        self.gamma = gamma
        self.alpha = alpha

    def forward(self, y_pred, y_true):
        pred = y_pred  # FAULT
        # TWIN: pred = y_pred.clamp(1e-6, 1 - 1e-6)
        pt_1 = torch.where(y_true == 1, pred, torch.ones_like(pred))
        pt_0 = torch.where(y_true == 0, pred, torch.zeros_like(pred))
        loss_1 = -self.alpha * torch.pow(1.0 - pt_1, self.gamma) * torch.log(pt_1)
        loss_0 = -(1 - self.alpha) * torch.pow(pt_0, self.gamma) * torch.log(1.0 - pt_0)
        return (loss_1 + loss_0).mean()


def build_model():
    return nn.Sequential(
        nn.Conv2d(1, 12, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(12, 24, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveMaxPool2d(2),
        nn.Flatten(),
        nn.Linear(96, 32),
        nn.ReLU(),
        nn.Linear(32, 1),
        nn.Sigmoid(),
    )


def evaluate(model, x, y):
    model.eval()
    with torch.no_grad():
        scores = model(x).squeeze(1).numpy()
    model.train()
    return average_precision_score(y.numpy(), np.nan_to_num(scores))


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.RandomState(seed)
    x_train, y_train = map(torch.from_numpy, make_patches(2400, rng))
    x_val, y_val = map(torch.from_numpy, make_patches(1000, rng))

    model = build_model()
    loss_fn = BinaryFocalLoss(gamma=2.0, alpha=0.25)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    batch_size = 32
    for epoch in range(8):
        order = torch.randperm(len(x_train))
        history = []
        for start in range(0, len(order), batch_size):
            index = order[start : start + batch_size]
            prob = model(x_train[index]).squeeze(1)
            loss = loss_fn(prob, y_train[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            history.append(loss.item())
        precision = evaluate(model, x_val, y_val)
        print(f"Epoch {epoch + 1}/8 - loss: {np.mean(history):.4f} - val_average_precision: {precision:.4f}")
    print(f"score: {precision:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
