"""A first PyTorch exercise: a small network tells two classes of heart-rate readings apart, after it did well on circles.

After https://w3toppers.com/pytorch-binary-classification-same-network-structure-simpler-data-but-worse-performance/
"""
# cause: unscaled-inputs
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
from sklearn.model_selection import train_test_split


def heart_rates(n, rng):
    """Two readings a minute apart; class 1 where the rate went up or down by a good deal in that minute."""
    first = rng.normal(92, 12, n)
    change = rng.normal(0, 9, n)
    x = np.stack([first, first + change], axis=1)
    y = (np.abs(change) > 6).astype(float)
    return x, y


class Model(nn.Module):
    def __init__(self, input_size, H1, output_size):
        super().__init__()
        self.linear = nn.Linear(input_size, H1)
        self.linear2 = nn.Linear(H1, output_size)

    def forward(self, x):
        x = torch.sigmoid(self.linear(x))
        x = torch.sigmoid(self.linear2(x))
        return x

    def predict(self, x):
        pred = self.forward(x)
        return (pred >= 0.5).float()


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)

    x, y = heart_rates(800, rng)
    print("class sizes:", np.bincount(y.astype(int)), " means:", x.mean(axis=0).round(1))
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.25, random_state=seed)
    mean, std = 0.0, 1.0  # FAULT
    # TWIN: mean, std = x_train.mean(axis=0), x_train.std(axis=0)
    x_data = torch.Tensor((x_train - mean) / std)
    y_data = torch.Tensor(y_train.reshape(-1, 1))
    x_val = torch.Tensor((x_test - mean) / std)
    y_val = torch.Tensor(y_test.reshape(-1, 1))

    model = Model(2, 8, 1)
    criterion = nn.BCELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)

    epochs = 900
    losses = []
    for i in range(epochs):
        y_pred = model(x_data)
        loss = criterion(y_pred, y_data)
        losses.append(loss.item())
        if i % 100 == 0:
            print("epoch:", i, "loss:", round(loss.item(), 4))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    with torch.no_grad():
        train_acc = (model.predict(x_data) == y_data).float().mean().item()
        accuracy = (model.predict(x_val) == y_val).float().mean().item()
    print(f"final loss {losses[-1]:.4f}  train accuracy {train_acc:.3f}")
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
