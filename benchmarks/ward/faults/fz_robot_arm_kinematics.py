"""Learned forward kinematics: from the four joint angles of a jointed arm to the position of its tip,
as a fast differentiable stand-in for the simulator.
"""
# cause: missing-nonlinearity
# kind: dynamic

import sys
from dataclasses import dataclass

import torch
from torch import nn, optim


@dataclass
class Config:
    links: tuple = (0.30, 0.35, 0.25, 0.12)
    samples: int = 9000
    width: int = 96
    depth: int = 3
    batch: int = 128
    steps: int = 800
    lr: float = 3e-3


def tip_position(angles, links):
    """Base yaw, then three pitch joints in the plane that the yaw selects."""
    yaw, pitch = angles[:, 0], angles[:, 1:].cumsum(dim=1)
    reach = links[1] * pitch[:, 0].cos() + links[2] * pitch[:, 1].cos() + links[3] * pitch[:, 2].cos()
    height = links[0] + links[1] * pitch[:, 0].sin() + links[2] * pitch[:, 1].sin() + links[3] * pitch[:, 2].sin()
    return torch.stack([reach * yaw.cos(), reach * yaw.sin(), height], dim=1)


def block(n_in, n_out, p=0.0):
    return nn.Sequential(nn.Linear(n_in, n_out), nn.BatchNorm1d(n_out), nn.Dropout(p))  # FAULT
    # TWIN: return nn.Sequential(nn.Linear(n_in, n_out), nn.BatchNorm1d(n_out), nn.SiLU(), nn.Dropout(p))


class ArmNet(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        widths = [4] + [cfg.width] * cfg.depth
        self.trunk = nn.Sequential(*(block(a, b) for a, b in zip(widths, widths[1:])))
        self.position = nn.Linear(cfg.width, 3)

    def forward(self, angles):
        return self.position(self.trunk(angles))


def r2(model, angles, target):
    model.eval()
    with torch.no_grad():
        residual = (model(angles) - target).pow(2).sum(0)
    model.train()
    spread = (target - target.mean(0)).pow(2).sum(0)
    return (1 - residual / spread).mean().item()


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    cfg = Config()

    low = torch.tensor([-2.2, -0.6, -1.8, -1.5])
    high = torch.tensor([2.2, 1.8, 1.8, 1.5])
    unit = torch.rand(cfg.samples, 4)
    angles = low + (high - low) * unit
    target = tip_position(angles, cfg.links) + 0.002 * torch.randn(cfg.samples, 3)

    cut, cut2 = int(0.7 * cfg.samples), int(0.85 * cfg.samples)
    x = 2 * unit - 1
    mean, std = target[:cut].mean(0), target[:cut].std(0)
    y = (target - mean) / std
    x_train, x_val, x_test = x[:cut], x[cut:cut2], x[cut2:]
    y_train, y_val, y_test = y[:cut], y[cut:cut2], y[cut2:]

    model = ArmNet(cfg)
    opt = optim.Adam(model.parameters(), lr=cfg.lr)
    sched = optim.lr_scheduler.OneCycleLR(opt, max_lr=cfg.lr, total_steps=cfg.steps)
    loss_fn = nn.SmoothL1Loss()

    avg = None
    for step in range(1, cfg.steps + 1):
        rows = torch.randint(0, cut, (cfg.batch,))
        loss = loss_fn(model(x_train[rows]), y_train[rows])
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
        sched.step()
        avg = loss.item() if avg is None else 0.95 * avg + 0.05 * loss.item()
        if step % 100 == 0:
            print(f"step {step:4d}  huber {avg:.5f}  val R2 {r2(model, x_val, y_val):.4f}")

    print(f"score: {r2(model, x_test, y_test):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
