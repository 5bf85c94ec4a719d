"""float16 autocast with torch.amp.GradScaler on the CPU: the scale grows until a gradient overflows, that step is
skipped and the scale halves; gradients are unscaled before they are clipped. Two-moons classifier with extra noise
features.
"""

import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import make_moons

parser = argparse.ArgumentParser()
parser.add_argument("seed", type=int, nargs="?", default=0)
parser.add_argument("--steps", type=int, default=500)
args = parser.parse_args()

torch.set_num_threads(1)
torch.manual_seed(args.seed)

points, target = make_moons(n_samples=2000, noise=0.2, random_state=args.seed)
points = torch.tensor(points, dtype=torch.float32)
points = (points - points[:1500].mean(0)) / points[:1500].std(0)
features = torch.cat([points, torch.randn(2000, 4)], dim=1)
labels = torch.tensor(target)
train_x, train_y, val_x, val_y = features[:1500], labels[:1500], features[1500:], labels[1500:]

model = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
scaler = torch.amp.GradScaler(device="cpu", init_scale=2.0**16, growth_interval=100)

for step in range(args.steps):
    idx = torch.randint(0, len(train_x), (64,))
    with torch.autocast("cpu", dtype=torch.float16):
        output = model(train_x[idx])
        loss = F.cross_entropy(output, train_y[idx])
    optimizer.zero_grad()
    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
    scaler.step(optimizer)
    scaler.update()
    if (step + 1) % 50 == 0:
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.float16):
            accuracy = (model(val_x).argmax(1) == val_y).float().mean().item()
        print(f"step {step + 1} loss {loss.item():.4f} val_acc {accuracy:.4f} scale {scaler.get_scale():.0f}")

print(f"score: {accuracy:.4f}")
