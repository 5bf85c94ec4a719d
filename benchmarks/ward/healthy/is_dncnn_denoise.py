"""Removes Gaussian noise from small grey pictures by learning the residual, with a shallow DnCNN.

After DnCNN in KAIR (https://github.com/cszn/KAIR).
"""

import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

SIGMA = 25 / 255.0


def clean_picture(rng, size):
    yy, xx = np.mgrid[:size, :size] / size
    img = rng.uniform(0.2, 0.8) + 0.2 * rng.uniform(-1, 1) * xx + 0.2 * rng.uniform(-1, 1) * yy
    for _ in range(4):
        cx, cy, r = rng.uniform(0, 1, 3) * [1, 1, 0.3] + [0, 0, 0.1]
        img = np.where((xx - cx) ** 2 + (yy - cy) ** 2 < r * r, rng.uniform(0, 1), img)
    return img.clip(0, 1).astype(np.float32)


class DenoisingSet(Dataset):
    """Fresh noise at each visit for training, fixed noise for testing."""

    def __init__(self, rng, n, size=20, train=True):
        self.clean = [torch.from_numpy(clean_picture(rng, size)).unsqueeze(0) for _ in range(n)]
        self.train = train
        self.noise = None if train else [torch.randn_like(c) * SIGMA for c in self.clean]

    def __len__(self):
        return len(self.clean)

    def __getitem__(self, i):
        high = self.clean[i]
        if self.train:
            k = int(torch.randint(4, (1,)))
            high = torch.rot90(high, k, (1, 2))
            return high + torch.randn_like(high) * SIGMA, high
        return high + self.noise[i], high


class DnCNN(nn.Module):
    def __init__(self, nc=16, nb=5):
        super().__init__()
        layers = [nn.Conv2d(1, nc, 3, padding=1), nn.ReLU(inplace=True)]
        for _ in range(nb - 2):
            layers += [nn.Conv2d(nc, nc, 3, padding=1, bias=False), nn.BatchNorm2d(nc), nn.ReLU(inplace=True)]
        layers += [nn.Conv2d(nc, 1, 3, padding=1)]
        self.model = nn.Sequential(*layers)

    def forward(self, x):
        return x - self.model(x)


def psnr(estimate, target):
    mse = ((estimate.clamp(0, 1) - target) ** 2).mean(dim=(1, 2, 3))
    return (-10 * torch.log10(mse)).sum().item()


def test(model, loader):
    model.eval()
    noisy_db = clean_db = 0.0
    with torch.no_grad():
        for low, high in loader:
            noisy_db += psnr(low, high)
            clean_db += psnr(model(low), high)
    n = len(loader.dataset)
    return noisy_db / n, clean_db / n


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train_loader = DataLoader(DenoisingSet(rng, 480), batch_size=16, shuffle=True, drop_last=True)
    test_loader = DataLoader(DenoisingSet(rng, 80, train=False), batch_size=40)

    model = DnCNN()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[150, 240, 300], gamma=0.5)
    criterion = nn.MSELoss()
    current_step, total_steps = 0, 330
    while current_step < total_steps:
        for low, high in train_loader:
            model.train()
            optimizer.zero_grad()
            loss = criterion(model(low), high)
            loss.backward()
            optimizer.step()
            scheduler.step()
            current_step += 1
            if current_step % 66 == 0:
                noisy, denoised = test(model, test_loader)
                print(
                    f"<iter:{current_step:6d}, lr:{scheduler.get_last_lr()[0]:.1e}> loss: {loss.item():.2e} "
                    f"PSNR noisy {noisy:.2f} dB, denoised {denoised:.2f} dB"
                )
            if current_step == total_steps:
                break
    print(f"score: {test(model, test_loader)[1]:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
