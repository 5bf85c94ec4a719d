"""Three properties of invented molecules from 20 descriptors: many measurements are missing, the rarest one is known
for one molecule in ten, and a head is skipped when nobody in the batch of eight has its property measured.
"""

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
NAMES = ["solubility", "melting", "toxicity"]
KNOWN = [0.8, 0.5, 0.1]

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
rng = np.random.default_rng(seed)
torch.manual_seed(seed)

descriptors = rng.normal(size=(4400, 20))
hidden = np.tanh(descriptors @ rng.normal(size=(20, 4)) / np.sqrt(20) * 1.2)
properties = hidden @ rng.normal(size=(4, 3)) + 0.1 * rng.normal(size=(4400, 3))
properties = (properties - properties[:4000].mean(0)) / properties[:4000].std(0)
properties_seen = np.where(rng.random((4400, 3)) < KNOWN, properties, np.nan)

x = torch.tensor(descriptors, dtype=torch.float32)
y = torch.tensor(properties_seen, dtype=torch.float32)
y_full = torch.tensor(properties, dtype=torch.float32)
loader = DataLoader(TensorDataset(x[:4000], y[:4000]), batch_size=8, shuffle=True)


class PropertyNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(20, 32), nn.SiLU(), nn.Linear(32, 16), nn.SiLU())
        self.heads = nn.ModuleDict({name: nn.Linear(16, 1) for name in NAMES})

    def forward(self, x, wanted=NAMES):
        z = self.trunk(x)
        return {name: self.heads[name](z).squeeze(-1) for name in wanted}


model = PropertyNet()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
scheduler = torch.optim.lr_scheduler.PolynomialLR(optimizer, total_iters=6, power=1.0)

for epoch in range(6):
    sums, seen = dict.fromkeys(NAMES, 0.0), dict.fromkeys(NAMES, 0)
    for xb, yb in loader:
        known = ~yb.isnan()
        wanted = [name for i, name in enumerate(NAMES) if known[:, i].any()]
        if not wanted:
            continue
        loss = 0.0
        for name, out in model(xb, wanted).items():
            i = NAMES.index(name)
            part = (out[known[:, i]] - yb[known[:, i], i]).pow(2).mean()
            loss = loss + part
            sums[name] += part.item()
            seen[name] += 1
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()
    print(f"epoch {epoch + 1}:", ", ".join(f"{name} {sums[name] / seen[name]:.4f}" for name in NAMES))

model.eval()
with torch.no_grad():
    outputs = model(x[4000:])
scores = []
for i, name in enumerate(NAMES):
    truth = y_full[4000:, i]
    scores.append(1 - ((outputs[name] - truth) ** 2).mean().item() / truth.var().item())
    print(f"R2 of {name}: {scores[-1]:.4f}")
print(f"score: {sum(scores) / 3:.4f}")
