"""Learns XOR of two noisy binary signals with a small two-layer perceptron.

After https://discuss.pytorch.org/t/unable-to-learn-xor-representation-using-2-layers-of-multi-layered-perceptron-mlp/13287
"""
# cause: missing-nonlinearity
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim

CORNERS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float32)
XOR = np.array([0, 1, 1, 0], dtype=np.float32)


def sample_points(rng, n):
    which = rng.integers(0, 4, size=n)
    points = CORNERS[which] + rng.normal(0, 0.15, size=(n, 2))
    return torch.tensor(points, dtype=torch.float32), torch.tensor(XOR[which]).view(-1, 1)


input_dim = 2
hidden_dim = 16
output_dim = 1
num_steps = 600
batch_size = 40


def build_model():
    return nn.Sequential(
        nn.Linear(input_dim, hidden_dim),
        nn.Linear(hidden_dim, output_dim),  # FAULT
        # TWIN: nn.ReLU(),
        # TWIN: nn.Linear(hidden_dim, output_dim),
        nn.Sigmoid(),
    )


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    x_test, y_test = sample_points(rng, 400)

    model = build_model()
    criterion = nn.BCELoss()
    learning_rate = 0.2
    optimizer = optim.SGD(model.parameters(), lr=learning_rate, momentum=0.9)

    running = 0.0
    for step in range(1, num_steps + 1):
        x, y = sample_points(rng, batch_size)
        optimizer.zero_grad()
        out = model(x)
        loss = criterion(out, y)
        loss.backward()
        optimizer.step()
        running += loss.item()
        if step % 100 == 0:
            print("step {}: loss {:.4f}".format(step, running / 100))
            running = 0.0

    model.eval()
    with torch.no_grad():
        for corner in CORNERS:
            print(corner, "->", round(model(torch.from_numpy(corner).view(1, -1)).item(), 3))
        accuracy = ((model(x_test) > 0.5).float() == y_test).float().mean().item()
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
