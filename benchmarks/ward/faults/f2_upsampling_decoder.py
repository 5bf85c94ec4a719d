"""Convolutional autoencoder that compresses 16x16 two-blob images to 32 numbers and rebuilds them.

Fault: the upsampling layers are ConvTranspose2d with kernel 3 and stride 2, whose uneven overlap gives checkerboards.
"""
# cause: checkerboard
# kind: structural

import sys

import torch
import torch.nn as nn
from torch.utils.data import DataLoader

torch.set_num_threads(1)


def blob_images(n):
    axis = torch.linspace(-1, 1, 16)
    yy, xx = torch.meshgrid(axis, axis, indexing="ij")
    out = torch.zeros(n, 1, 16, 16)
    for _ in range(2):
        cx, cy = (torch.rand(2, n, 1, 1) * 1.4 - 0.7).unbind(0)
        width = torch.rand(n, 1, 1) * 0.25 + 0.2
        out[:, 0] += torch.exp(-((xx - cx) ** 2 + (yy - cy) ** 2) / (2 * width**2))
    return out.clamp(max=1.0)


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 8, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(8, 16, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(256, 32),
        )
        self.expand = nn.Linear(32, 256)
        self.up1 = nn.ConvTranspose2d(16, 8, kernel_size=3, stride=2, padding=1, output_padding=1)  # FAULT
        self.up2 = nn.ConvTranspose2d(8, 1, kernel_size=3, stride=2, padding=1, output_padding=1)  # FAULT
        # TWIN: self.up1 = nn.ConvTranspose2d(16, 8, kernel_size=4, stride=2, padding=1)
        # TWIN: self.up2 = nn.ConvTranspose2d(8, 1, kernel_size=4, stride=2, padding=1)

    def forward(self, x):
        code = self.encoder(x)
        h = torch.relu(self.expand(code)).view(-1, 16, 4, 4)
        return self.up2(torch.relu(self.up1(h)))


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    train, test = blob_images(1200), blob_images(300)
    loader = DataLoader(train, batch_size=40, shuffle=True)
    model = Autoencoder()
    criterion = nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(12):
        total = 0.0
        for batch in loader:
            optimizer.zero_grad()
            loss = criterion(model(batch), batch)
            loss.backward()
            optimizer.step()
            total += loss.item()
        with torch.no_grad():
            test_loss = criterion(model(test), test).item()
        print(f"epoch {epoch + 1}, train {total / len(loader):.5f}, test {test_loss:.5f}")
    print(f"score: {-test_loss:.5f}")


if __name__ == "__main__":
    main()
