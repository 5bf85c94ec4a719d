"""Draws the heat plume over a stove from six dials: a fully connected stem, then a decoder up to 32 by 32."""
# cause: checkerboard
# kind: structural

import argparse

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class PlumeDataset(Dataset):
    """Rendered plumes; the dials are place, lean, width, heat, height and flicker, each in [-1, 1]."""

    def __init__(self, size, seed, side=32):
        rng = np.random.RandomState(seed)
        dials = rng.uniform(-1, 1, (size, 6))
        rows, columns = np.mgrid[0:side, 0:side] / (side - 1)
        up = 1 - rows
        place, lean, width, heat, height, flicker = (dials[:, i, None, None] for i in range(6))
        centre = 0.5 + 0.2 * place + 0.3 * lean * up + 0.06 * flicker * np.sin(7 * up)
        spread = (0.07 + 0.03 * width) * (1 + up)
        fall = np.exp(-up / (0.6 + 0.25 * height))
        images = (0.75 + 0.25 * heat) * fall * np.exp(-0.5 * ((columns - centre) / spread) ** 2)
        self.dials = torch.tensor(dials, dtype=torch.float32)
        self.images = torch.tensor(images, dtype=torch.float32).unsqueeze(1)

    def __len__(self):
        return len(self.dials)

    def __getitem__(self, index):
        return self.dials[index], self.images[index]


class PlumeDecoder(nn.Module):
    def __init__(self, base=24):
        super().__init__()
        self.base = base
        self.stem = nn.Sequential(nn.Linear(6, 64), nn.SiLU(), nn.Linear(64, base * 16), nn.SiLU())
        self.up1 = nn.ConvTranspose2d(base, base, 3, stride=2, padding=1, output_padding=1)  # FAULT
        self.up2 = nn.ConvTranspose2d(base, base // 2, 3, stride=2, padding=1, output_padding=1)  # FAULT
        self.up3 = nn.ConvTranspose2d(base // 2, 1, 3, stride=2, padding=1, output_padding=1)  # FAULT
        # TWIN: self.up1 = nn.ConvTranspose2d(base, base, 4, stride=2, padding=1)
        # TWIN: self.up2 = nn.ConvTranspose2d(base, base // 2, 4, stride=2, padding=1)
        # TWIN: self.up3 = nn.ConvTranspose2d(base // 2, 1, 4, stride=2, padding=1)

    def forward(self, dials):
        x = self.stem(dials).view(-1, self.base, 4, 4)
        x = nn.functional.silu(self.up1(x))
        x = nn.functional.silu(self.up2(x))
        return self.up3(x)


def validate(model, data):
    model.eval()
    with torch.no_grad():
        error = nn.functional.mse_loss(model(data.dials), data.images).item()
    return 1 - error / data.images.var().item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", nargs="?", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=11)
    parser.add_argument("--lr", type=float, default=6e-3)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)

    train_data, val_data = PlumeDataset(2000, args.seed), PlumeDataset(300, args.seed + 1000)
    loader = DataLoader(train_data, batch_size=32, shuffle=True)
    model = PlumeDecoder()
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, args.lr, total_steps=args.epochs * len(loader))
    for epoch in range(args.epochs):
        model.train()
        for dials, images in loader:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(dials), images)
            loss.backward()
            optimizer.step()
            scheduler.step()
        print(f"epoch {epoch + 1}: last batch {loss.item():.5f}, validation R2 {validate(model, val_data):.4f}")
    print(f"score: {validate(model, val_data):.4f}")


if __name__ == "__main__":
    main()
