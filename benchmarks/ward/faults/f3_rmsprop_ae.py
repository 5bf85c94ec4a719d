"""Denoising autoencoder of digits with RMSprop and the eps=1.0 of the Inception recipe: the mean squared error of
pixels gives gradients of 1e-4, and dividing by sqrt(v) + 1 leaves them as they are."""
# cause: optimizer-epsilon-too-large
# kind: dynamic

import sys

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, random_split


class Denoiser(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 24), nn.ReLU())
        self.decoder = nn.Sequential(nn.Linear(24, 64), nn.ReLU(), nn.Linear(64, 64))

    def forward(self, x):
        return self.decoder(self.encoder(x))


def evaluate(model, clean, noise):
    model.eval()
    with torch.no_grad():
        err = (model(clean + noise) - clean).pow(2).mean()
    return 1 - (err / (clean - clean.mean(0)).pow(2).mean()).item()


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    torch.set_num_threads(1)

    images = torch.from_numpy(load_digits().data).float() / 16
    train_set, test_set = random_split(images, [1500, len(images) - 1500])
    loader = DataLoader(train_set, batch_size=50, shuffle=True)
    clean = torch.stack(list(test_set))
    noise = 0.1 * torch.randn_like(clean)

    model = Denoiser()
    mse = nn.MSELoss()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=0.001, alpha=0.9, eps=1.0)  # FAULT
    # TWIN: optimizer = torch.optim.RMSprop(model.parameters(), lr=0.001, alpha=0.9)
    for epoch in range(30):
        model.train()
        total = 0.0
        for x in loader:
            optimizer.zero_grad()
            loss = mse(model(x + 0.1 * torch.randn_like(x)), x)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(x)
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1}: mse {total / 1500:.5f}, explained {evaluate(model, clean, noise):.4f}")
    print(f"score: {evaluate(model, clean, noise):.4f}")


if __name__ == "__main__":
    main()
