"""First attempts with PyTorch: let a net learn the analytical solution y = x5/x2 - (x1-x2)/(2*x3*x4) * x2/x1 from
randomly drawn inputs within the physical bounds.

After https://datascience.stackexchange.com/questions/124637/neural-net-not-able-to-learn-simple-analytical-equation
"""
# cause: feature-scale
# accept: unscaled-inputs
# kind: dynamic

import random
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.optim.lr_scheduler import ReduceLROnPlateau

BOUNDS_LOW = np.array([500.0, 100.0, 10000.0, 1e-4, 1.0])
BOUNDS_HIGH = np.array([1000.0, 1000.0, 50000.0, 1e-3, 10000.0])


def get_batch(batch_size):
    batch_x = []
    for i in range(batch_size):
        x_1 = random.uniform(500, 1000)
        x_2 = random.uniform(100, x_1 - 1)
        x_3 = random.uniform(10000, 50000)
        x_4 = random.uniform(1e-4, 1e-3)
        x_5 = random.uniform(1, 10000)
        batch_x.append([x_1, x_2, x_3, x_4, x_5])
    return np.array(batch_x)


def equation(x):
    x_1, x_2, x_3, x_4, x_5 = x.T
    return x_5 / x_2 - (x_1 - x_2) / (2 * x_3 * x_4) * x_2 / x_1


def to_input(x):
    features = x  # FAULT
    # TWIN: features = 2 * (x - BOUNDS_LOW) / (BOUNDS_HIGH - BOUNDS_LOW) - 1
    return torch.tensor(features, dtype=torch.float32)


class CustomNet(nn.Module):
    def __init__(self, n_input, n_output, n_hidden_neurons, n_hidden_layers):
        super().__init__()
        layers = [nn.Linear(n_input, n_hidden_neurons), nn.ReLU()]
        for _ in range(n_hidden_layers - 1):
            layers += [nn.Linear(n_hidden_neurons, n_hidden_neurons), nn.ReLU()]
        layers.append(nn.Linear(n_hidden_neurons, n_output))
        self.sequential_layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.sequential_layers(x)


def main(seed):
    torch.manual_seed(seed)
    np.random.seed(seed)
    random.seed(seed)
    torch.set_num_threads(1)

    sample = equation(get_batch(4000))
    y_mean, y_std = sample.mean(), sample.std()
    x_test = get_batch(1000)
    y_test = equation(x_test)

    net = CustomNet(5, 1, 64, 3)
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    scheduler = ReduceLROnPlateau(optimizer, factor=0.5, patience=2)

    running = 0.0
    for step in range(1, 1201):
        x = get_batch(128)
        y = torch.tensor((equation(x) - y_mean) / y_std, dtype=torch.float32).unsqueeze(1)
        y_est = net(to_input(x))
        loss = F.mse_loss(y_est, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        running += loss.item()
        if step % 100 == 0:
            scheduler.step(running / 100)
            print(f"step {step}  loss {running / 100:.4f}  lr {optimizer.param_groups[0]['lr']:.5f}")
            running = 0.0

    net.eval()
    with torch.no_grad():
        y_est = net(to_input(x_test)).squeeze(1).numpy() * y_std + y_mean
    r2 = 1 - np.sum((y_est - y_test) ** 2) / np.sum((y_test - y_test.mean()) ** 2)
    print(f"score: {r2:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
