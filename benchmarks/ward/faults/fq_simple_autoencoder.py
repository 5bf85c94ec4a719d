"""Simple autoencoder on sensor readings between 1 and 4: encode, decode, and the output should be the input again.

After https://stackoverflow.com/questions/44601367/keras-autoencoder-simple-example-has-a-strange-output
"""
# cause: output-range
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn


def make_readings(n, rng):
    # three channels resting near 1, 2 and 3, moved by two slow influences
    influence = rng.uniform(-1, 1, size=(n, 2))
    mixing = np.array([[0.3, 0.6, -0.5], [0.4, -0.5, 0.6]])
    readings = np.array([1.5, 2.2, 3.0]) + influence @ mixing
    return (readings + rng.normal(0, 0.03, size=(n, 3))).astype("float32")


class Autoencoder(nn.Module):
    def __init__(self, n_features, encoding_dim):
        super().__init__()
        self.encoded = nn.Sequential(
            nn.Linear(n_features, 32),
            nn.ReLU(),
            nn.Linear(32, encoding_dim),
        )
        self.decoded = nn.Sequential(
            nn.Linear(encoding_dim, 32),
            nn.ReLU(),
            nn.Linear(32, n_features),
        )

    def forward(self, x):
        code = self.encoded(x)
        return torch.sigmoid(self.decoded(code))  # FAULT
        # TWIN: return self.decoded(code)


def main(seed):
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    torch.set_num_threads(1)

    x_train = torch.from_numpy(make_readings(800, rng))
    x_test = torch.from_numpy(make_readings(200, rng))

    encoding_dim = 2
    autoencoder = Autoencoder(3, encoding_dim)
    optimizer = torch.optim.Adam(autoencoder.parameters(), lr=3e-3)
    mse = nn.MSELoss()

    batch_size = 16
    for epoch in range(1, 26):
        order = torch.randperm(len(x_train))
        running = 0.0
        for i in range(0, len(order), batch_size):
            batch = x_train[order[i : i + batch_size]]
            optimizer.zero_grad()
            loss = mse(autoencoder(batch), batch)
            loss.backward()
            optimizer.step()
            running += loss.item() * len(batch)
        if epoch % 5 == 0:
            with torch.no_grad():
                val_loss = mse(autoencoder(x_test), x_test).item()
            print(f"Epoch {epoch}/25 - loss: {running / len(x_train):.4f} - val_loss: {val_loss:.4f}")

    with torch.no_grad():
        predicted = autoencoder(x_test)
    print("input ", x_test[:3].numpy().round(2).tolist())
    print("output", predicted[:3].numpy().round(2).tolist())
    r2 = 1 - ((predicted - x_test) ** 2).sum() / ((x_test - x_test.mean(dim=0)) ** 2).sum()
    print(f"score: {r2.item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
