"""Convolutional autoencoder with a strided encoder and an upsample-then-convolve decoder. Input: 12x12 images of two
random rectangles. Score: 1 - test error / error of the mean image.
"""

import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Shapes(Dataset):
    """Rectangles of random brightness on a dark 12x12 ground."""

    def __init__(self, n, generator):
        self.images = torch.zeros(n, 1, 12, 12)
        for image in self.images:
            for _ in range(2):
                top, left = torch.randint(0, 7, (2,), generator=generator).tolist()
                height, width = torch.randint(3, 6, (2,), generator=generator).tolist()
                shade = 0.4 + 0.6 * torch.rand(1, generator=generator).item()
                image[0, top : top + height, left : left + width] = shade

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return self.images[index]


class ConvAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 16, 3, stride=2, padding=1),
            nn.LeakyReLU(0.1),
            nn.Conv2d(16, 32, 3, stride=2, padding=1),
            nn.LeakyReLU(0.1),
            nn.Flatten(),
            nn.Linear(32 * 9, 24),
        )
        self.expand = nn.Linear(24, 32 * 9)
        self.decoder = nn.Sequential(
            nn.LeakyReLU(0.1),
            nn.Upsample(scale_factor=2, mode="nearest"),
            nn.Conv2d(32, 16, 3, padding=1),
            nn.LeakyReLU(0.1),
            nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False),
            nn.Conv2d(16, 1, 3, padding=1),
        )

    def forward(self, x):
        return self.decoder(self.expand(self.encoder(x)).view(-1, 32, 3, 3))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    seed = parser.parse_args().seed
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed + 1000)
    train, test = Shapes(1500, generator), Shapes(300, generator)
    loader = DataLoader(train, batch_size=32, shuffle=True)
    model = ConvAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=5, gamma=0.4)
    for epoch in range(12):
        model.train()
        for images in loader:
            loss = nn.functional.mse_loss(model(images), images)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        scheduler.step()
        print(f"epoch {epoch + 1:2d} loss {loss.item():.5f}")
    model.eval()
    with torch.no_grad():
        error = nn.functional.mse_loss(model(test.images), test.images)
        baseline = (test.images - train.images.mean(0)).pow(2).mean()
    print(f"score: {1 - (error / baseline).item():.4f}")


if __name__ == "__main__":
    main()
