"""Find three blobs in a 14x14 image as an unordered set: every prediction is paired with a true centre by the Hungarian
algorithm and only then compared (as in DETR). Score: share of centres found within one pixel on fresh images."""

import sys

import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment
from torch import nn

SIZE, K = 14, 3


def blobs(n, gen):
    centres = torch.rand(n, K, 2, generator=gen) * (SIZE - 3) + 1
    grid = torch.arange(SIZE).float()
    dy = (grid.view(1, 1, SIZE, 1) - centres[..., 1].view(n, K, 1, 1)) ** 2
    dx = (grid.view(1, 1, 1, SIZE) - centres[..., 0].view(n, K, 1, 1)) ** 2
    images = torch.exp(-(dx + dy) / 2.0).sum(1, keepdim=True)
    images = images + 0.05 * torch.randn(images.shape, generator=gen)
    return images * 2 - 0.5, centres / (SIZE - 1)


def match(pred, true):
    """Indices that put the predictions in the order of the true centres, image by image."""
    cost = torch.cdist(pred.detach(), true).numpy()
    order = [linear_sum_assignment(c.T)[1] for c in cost]
    return torch.tensor([o.tolist() for o in order])


class SetPredictor(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 12, 3, padding=1)
        self.conv2 = nn.Conv2d(12, 16, 3, stride=2, padding=1)
        self.fc1 = nn.Linear(16 * 7 * 7, 128)
        self.fc2 = nn.Linear(128, K * 2)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x)).flatten(1)
        return torch.sigmoid(self.fc2(F.relu(self.fc1(x)))).view(-1, K, 2)


def main():
    torch.set_num_threads(1)
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    gen = torch.Generator().manual_seed(seed)
    net = SetPredictor()
    steps = 600
    opt = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-4)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, steps)
    for step in range(1, steps + 1):
        images, centres = blobs(64, gen)
        pred = net(images)
        paired = pred.gather(1, match(pred, centres).unsqueeze(-1).expand(-1, -1, 2))
        loss = F.l1_loss(paired, centres)
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        if step % 60 == 0:
            print(f"step {step} matched L1 {loss.item():.4f}")

    net.eval()
    images, centres = blobs(500, gen)
    with torch.no_grad():
        pred = net(images)
    paired = pred.gather(1, match(pred, centres).unsqueeze(-1).expand(-1, -1, 2))
    pixels = (paired - centres).norm(dim=-1) * (SIZE - 1)
    print(f"mean error {pixels.mean().item():.3f} pixels")
    print(f"score: {(pixels < 1.0).float().mean().item():.4f}")


if __name__ == "__main__":
    main()
