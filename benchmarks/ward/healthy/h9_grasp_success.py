"""Robotics: does a parallel gripper at a given angle hold the object?  A 14 x 14 depth patch goes through a CNN and the
angle (sine and cosine of its double) joins before the last layers."""

import math
import sys
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass
class Config:
    seed: int = 0
    patches: int = 3000
    batch_size: int = 60
    epochs: int = 12
    lr: float = 2e-3


class GraspNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.vision = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1),
            nn.ELU(),
            nn.AvgPool2d(2),
            nn.Conv2d(8, 16, 3, padding=1),
            nn.ELU(),
            nn.Flatten(),
        )
        self.patch_code = nn.Linear(16 * 7 * 7, 24)
        self.head = nn.Sequential(nn.Linear(24 + 2, 48), nn.ELU(), nn.Linear(48, 1))

    def forward(self, depth: Tensor, angle: Tensor) -> Tensor:
        code = self.patch_code(self.vision(depth))
        pose = torch.stack([torch.cos(2 * angle), torch.sin(2 * angle)], dim=1)
        return self.head(torch.cat([code, pose], dim=1)).squeeze(1)


def make_grasps(n: int, g: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """An elongated box seen from above: closing fingers across its long side works when the box is narrow enough."""
    axis = torch.rand(n, generator=g) * math.pi
    width = 0.2 + 0.3 * torch.rand(n, generator=g)
    grid = torch.linspace(-1, 1, 14)
    v, u = torch.meshgrid(grid, grid, indexing="ij")
    c, s = axis.cos()[:, None, None], axis.sin()[:, None, None]
    along, across = u * c + v * s, v * c - u * s
    inside = torch.sigmoid(20 * (width[:, None, None] - across.abs())) * torch.sigmoid(20 * (0.85 - along.abs()))
    depth = inside + 0.15 * torch.randn(n, 14, 14, generator=g)
    grip = torch.rand(n, generator=g) * math.pi
    misfit = torch.cos(grip - axis).abs()  # zero when the fingers close across the long side
    held = (misfit < 0.9 - 0.8 * width).float()
    return (depth - 0.35).unsqueeze(1), grip, held


def main(cfg: Config) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(cfg.seed)
    depth, angle, held = make_grasps(cfg.patches, torch.Generator().manual_seed(cfg.seed))
    cut = int(cfg.patches * 0.8)
    net = GraspNet()
    optimizer = torch.optim.Adam(net.parameters(), lr=cfg.lr)
    criterion = nn.BCEWithLogitsLoss()
    for epoch in range(1, cfg.epochs + 1):
        net.train()
        epoch_loss = 0.0
        for pick in torch.randperm(cut).split(cfg.batch_size):
            optimizer.zero_grad()
            loss = criterion(net(depth[pick], angle[pick]), held[pick])
            loss.backward()
            optimizer.step()
            epoch_loss += loss.item() * len(pick) / cut
        net.eval()
        with torch.no_grad():
            logits = net(depth[cut:], angle[cut:])
            val_loss = criterion(logits, held[cut:]).item()
            val_acc = ((logits > 0) == (held[cut:] > 0.5)).float().mean().item()
        print(f"{epoch:02d}  train {epoch_loss:.4f}  val {val_loss:.4f}  acc {val_acc:.4f}")
    base = max(held[cut:].mean().item(), 1 - held[cut:].mean().item())
    print(f"majority class would give {base:.4f}")
    print(f"score: {val_acc:.4f}")


if __name__ == "__main__":
    main(Config(seed=int(sys.argv[1]) if len(sys.argv) > 1 else 0))
