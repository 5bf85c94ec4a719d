"""Trains a variational autoencoder on handwritten digits; the score is the negative held-out bound per picture.

After the basic VAE example of pytorch/examples (https://github.com/pytorch/examples/tree/main/vae).
"""

import sys

import torch
import torch.utils.data
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn, optim
from torch.nn import functional as F


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(64, 128)
        self.fc21 = nn.Linear(128, 10)
        self.fc22 = nn.Linear(128, 10)
        self.fc3 = nn.Linear(10, 128)
        self.fc4 = nn.Linear(128, 64)

    def encode(self, x):
        h1 = F.relu(self.fc1(x))
        return self.fc21(h1), self.fc22(h1)

    def reparameterize(self, mu, logvar):
        std = torch.exp(0.5 * logvar)
        eps = torch.randn_like(std)
        return mu + eps * std

    def decode(self, z):
        h3 = F.relu(self.fc3(z))
        return torch.sigmoid(self.fc4(h3))

    def forward(self, x):
        mu, logvar = self.encode(x)
        z = self.reparameterize(mu, logvar)
        return self.decode(z), mu, logvar


def loss_function(recon_x, x, mu, logvar):
    """Reconstruction + KL divergence, summed over the batch (Kingma and Welling, appendix B)."""
    bce = F.binary_cross_entropy(recon_x, x, reduction="sum")
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return bce + kld, kld


def train(model, loader, optimizer, epoch):
    model.train()
    train_loss = kl = 0.0
    for (data,) in loader:
        optimizer.zero_grad()
        recon_batch, mu, logvar = model(data)
        loss, kld = loss_function(recon_batch, data, mu, logvar)
        loss.backward()
        train_loss += loss.item()
        kl += kld.item()
        optimizer.step()
    n = len(loader.dataset)
    if epoch % 5 == 0:
        print(f"====> Epoch: {epoch} Average loss: {train_loss / n:.4f} (KL {kl / n:.3f})")


def test(model, loader):
    model.eval()
    test_loss = 0.0
    with torch.no_grad():
        for (data,) in loader:
            recon_batch, mu, logvar = model(data)
            test_loss += loss_function(recon_batch, data, mu, logvar)[0].item()
    return test_loss / len(loader.dataset)


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    x = torch.tensor(load_digits().data / 16.0, dtype=torch.float32)
    x_train, x_test = train_test_split(x, test_size=0.2, random_state=seed)
    train_loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x_train), batch_size=64, shuffle=True)
    test_loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x_test), batch_size=256, shuffle=False)

    mean_picture = x_train.mean(0).clamp(1e-3, 1 - 1e-3).expand_as(x_test)
    print(f"mean picture alone: {F.binary_cross_entropy(mean_picture, x_test, reduction='sum') / len(x_test):.4f}")
    model = VAE()
    optimizer = optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(1, 36):
        train(model, train_loader, optimizer, epoch)
        if epoch % 5 == 0:
            print(f"====> Test set loss: {test(model, test_loader):.4f}")
    print(f"score: {-test(model, test_loader):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
