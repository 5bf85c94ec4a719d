"""Undercomplete autoencoder of the digits (64-32-12-32-64, sigmoid at the output because pixels are in [0, 1]), MSE
loss; the score is the share of the test pixels' variance that the reconstruction explains.
"""

import sys

import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader

torch.set_num_threads(1)


class AutoEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 12))
        self.decoder = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 64), nn.Sigmoid())

    def forward(self, x):
        return self.decoder(self.encoder(x))


def run(seed):
    torch.manual_seed(seed)
    pixels = load_digits().data / 16.0
    pixels = pixels[np.random.RandomState(seed).permutation(len(pixels))].astype(np.float32)
    train, test = torch.tensor(pixels[:1500]), torch.tensor(pixels[1500:])
    loader = DataLoader(train, batch_size=50, shuffle=True)  # a tensor is a data set too

    ae = AutoEncoder()
    mse = nn.MSELoss()
    opt = torch.optim.Adam(ae.parameters(), lr=4e-3)
    for epoch in range(30):
        ae.train()
        total = 0
        for batch in loader:
            recon = ae(batch)
            loss = mse(recon, batch)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item()
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1}: reconstruction error {total / len(loader):.5f}")

    ae.eval()
    with torch.no_grad():
        error = mse(ae(test), test).item()
        base = mse(train.mean(0).expand_as(test), test).item()
    print(f"test error {error:.5f}, error of the mean image {base:.5f}")
    return 1 - error / base


if __name__ == "__main__":
    print(f"score: {run(int(sys.argv[1]) if len(sys.argv) > 1 else 0):.4f}")
