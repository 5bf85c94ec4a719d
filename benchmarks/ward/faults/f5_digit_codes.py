"""Convolutional autoencoder that squeezes 8x8 digits into 16 numbers. The images are normalised to [-1, 1] (mean 0.5,
std 0.5) but the decoder still ends in a sigmoid, which cannot go below zero."""
# cause: output-range
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader


class AutoEncoder(nn.Module):
    def __init__(self, code=16):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 12, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(12, 24, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(24 * 4, code),
        )
        self.expand = nn.Linear(code, 24 * 4)
        self.decoder = nn.Sequential(
            nn.ReLU(),
            nn.ConvTranspose2d(24, 12, 2, stride=2),
            nn.ReLU(),
            nn.ConvTranspose2d(12, 1, 2, stride=2),
        )

    def forward(self, image):
        h = self.expand(self.encoder(image)).view(-1, 24, 2, 2)
        return torch.sigmoid(self.decoder(h))  # FAULT
        # TWIN: return torch.tanh(self.decoder(h))


def mean_error(model, images):
    model.eval()
    with torch.no_grad():
        return F.mse_loss(model(images), images).item()


def main(seed):
    torch.manual_seed(seed)
    images = torch.tensor(load_digits().images, dtype=torch.float32).unsqueeze(1) / 16
    images = (images - 0.5) / 0.5
    train, valid = train_test_split(images, test_size=0.2, random_state=seed)
    loader = DataLoader(train, batch_size=64, shuffle=True)

    model = AutoEncoder()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(1, 21):
        model.train()
        total = 0.0
        for batch in loader:
            loss = F.mse_loss(model(batch), batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        print(f"epoch {epoch:2d} train {total / len(train):.4f} valid {mean_error(model, valid):.4f}")
    spread = (valid - train.mean(dim=0)).pow(2).mean().item()
    print(f"score: {1 - mean_error(model, valid) / spread:.4f}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
