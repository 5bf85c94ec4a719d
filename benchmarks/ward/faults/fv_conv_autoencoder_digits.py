"""Convolutional autoencoder on the handwritten digits, standardised to zero mean and unit deviation; the score is the share
of the variance of unseen digits that the reconstructions explain.

After https://github.com/mikesj-public/convolutional_autoencoder/pull/9
"""
# cause: output-range
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


class ConvAutoencoder(nn.Module):
    def __init__(self, filters=16, code=24):
        super().__init__()
        self.conv = nn.Conv2d(1, filters, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.encode_layer = nn.Linear(filters * 16, code)
        self.hidden = nn.Linear(code, filters * 16)
        self.upsample = nn.Upsample(scale_factor=2)
        self.deconv = nn.Conv2d(filters, 1, 3, padding=1)
        self.filters = filters

    def encode(self, x):
        return self.encode_layer(self.pool(F.relu(self.conv(x))).flatten(1))

    def decode(self, code):
        h = F.relu(self.hidden(code)).view(-1, self.filters, 4, 4)
        out = self.deconv(self.upsample(h))
        return F.relu(out)  # FAULT
        # TWIN: return out

    def forward(self, x):
        return self.decode(self.encode(x))


def load_data(seed):
    images, _ = load_digits(return_X_y=True)
    train, test = train_test_split(images.astype(np.float32), test_size=0.25, random_state=seed)
    mu, sigma = train.mean(), train.std()
    train, test = (train - mu) / sigma, (test - mu) / sigma
    return torch.from_numpy(train).view(-1, 1, 8, 8), torch.from_numpy(test).view(-1, 1, 8, 8)


def explained_variance(model, images):
    model.eval()
    with torch.no_grad():
        error = ((model(images) - images) ** 2).mean().item()
    return 1 - error / images.var(unbiased=False).item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    train_x, test_x = load_data(seed)

    ae = ConvAutoencoder()
    criterion = nn.MSELoss()
    optimizer = torch.optim.Adam(ae.parameters(), lr=0.003)

    for epoch in range(20):
        ae.train()
        losses = []
        for index in torch.randperm(len(train_x)).split(64):
            batch = train_x[index]
            loss = criterion(ae(batch), batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        if epoch % 4 == 3:
            print(
                f"epoch {epoch + 1:3d}  train loss {np.mean(losses):.4f}  valid explained {explained_variance(ae, test_x):.3f}"
            )

    print(f"score: {explained_variance(ae, test_x):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
