"""Hourly bike hire counts (synthetic, two years) from the hour, weekday, season and weather; hour and day of the year
are coded as sine and cosine, counts are predicted on the log scale with a smooth L1 loss.
"""

import math
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
gen = torch.Generator().manual_seed(seed)
torch.manual_seed(seed)

# --- the data -------------------------------------------------------------------------------------------------------
hours = torch.arange(2 * 365 * 24)
hour, day = hours % 24, hours // 24
weekend = ((day % 7) >= 5).float()
season = 2 * math.pi * (day % 365) / 365
temperature = 12 - 9 * torch.cos(season) + 4 * torch.sin(2 * math.pi * (hour - 9) / 24)
temperature = temperature + 2 * torch.randn(len(hours), generator=gen)
rain = (torch.rand(len(hours), generator=gen) < 0.15).float()
commute = torch.exp(-((hour - 8) ** 2) / 4.0) + 1.2 * torch.exp(-((hour - 18) ** 2) / 6.0)
leisure = 1.1 * torch.exp(-((hour - 14) ** 2) / 20.0)
log_count = 3 + 1.6 * torch.where(weekend > 0, leisure, commute) + 0.05 * temperature - 0.7 * rain
log_count = log_count + 0.15 * torch.randn(len(hours), generator=gen)

angle = 2 * math.pi * hour / 24
features = torch.stack(
    [
        torch.sin(angle),
        torch.cos(angle),
        torch.sin(2 * angle),
        torch.cos(2 * angle),
        torch.sin(season),
        torch.cos(season),
        weekend,
        (temperature - 12) / 8,
        rain,
    ],
    dim=1,
)
order = torch.randperm(len(hours), generator=gen)
train, val, test = order[:12000], order[12000:14500], order[14500:]
center, scale = log_count[train].mean(), log_count[train].std()
target = (log_count - center) / scale

# --- the model ------------------------------------------------------------------------------------------------------
model = nn.Sequential(nn.Linear(9, 64), nn.SiLU(), nn.Linear(64, 32), nn.SiLU(), nn.Linear(32, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-3)
epochs, batch = 8, 128
schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.1, total_iters=epochs)

for epoch in range(epochs):
    losses = []
    for idx in train[torch.randperm(len(train))].split(batch):
        loss = F.smooth_l1_loss(model(features[idx]).squeeze(-1), target[idx], beta=0.5)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    schedule.step()
    with torch.no_grad():
        val_loss = F.smooth_l1_loss(model(features[val]).squeeze(-1), target[val], beta=0.5)
    print(f"epoch {epoch}: train {sum(losses) / len(losses):.4f} val {val_loss.item():.4f}")

with torch.no_grad():
    residual = model(features[test]).squeeze(-1) - target[test]
print(f"score: {1 - (residual.var() / target[test].var()).item():.4f}")
