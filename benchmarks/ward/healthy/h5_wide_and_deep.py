"""Wide and deep: crossed one-hot columns go to a linear part, embeddings and numbers to a deep part, each with its own
optimizer as in the paper (Adagrad for the wide, AdamW for the deep), on a synthetic income table.
"""

import sys

import numpy as np
import torch
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
rng = np.random.default_rng(seed)

N, JOBS, REGIONS = 9000, 8, 6
job, region = rng.integers(0, JOBS, N), rng.integers(0, REGIONS, N)
age, hours = rng.uniform(18, 70, N), rng.normal(38, 9, N)
cross_effect = rng.normal(0, 1.2, (JOBS, REGIONS))
logit = cross_effect[job, region] + 1.5 * np.sin((age - 18) / 52 * np.pi) * (hours - 38) / 9 + 0.8 * (hours - 38) / 9
y = torch.tensor(rng.random(N) < 1 / (1 + np.exp(-2 * logit)), dtype=torch.float32)
numbers = torch.tensor(np.stack([(age - 44) / 15, (hours - 38) / 9], 1), dtype=torch.float32)
cats = torch.tensor(np.stack([job, region], 1))
crossed = torch.nn.functional.one_hot(cats[:, 0] * REGIONS + cats[:, 1], JOBS * REGIONS).float()


class WideDeep(nn.Module):
    def __init__(self):
        super().__init__()
        self.wide = nn.Linear(JOBS * REGIONS, 1, bias=False)
        nn.init.zeros_(self.wide.weight)
        self.job, self.region = nn.Embedding(JOBS, 4), nn.Embedding(REGIONS, 4)
        self.deep = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 1))

    def forward(self, crossed, cats, numbers):
        dense = torch.cat([self.job(cats[:, 0]), self.region(cats[:, 1]), numbers], 1)
        return (self.wide(crossed) + self.deep(dense)).squeeze(1)


model = WideDeep()
wide_opt = torch.optim.Adagrad(model.wide.parameters(), lr=0.1)
deep_opt = torch.optim.AdamW([p for n, p in model.named_parameters() if not n.startswith("wide")], lr=3e-3)
criterion = nn.BCEWithLogitsLoss()
train_idx, test_idx = torch.arange(7500), torch.arange(7500, N)

for epoch in range(8):
    model.train()
    running = []
    for idx in train_idx[torch.randperm(7500)].split(75):
        wide_opt.zero_grad()
        deep_opt.zero_grad()
        loss = criterion(model(crossed[idx], cats[idx], numbers[idx]), y[idx])
        loss.backward()
        wide_opt.step()
        deep_opt.step()
        running.append(loss.item())
    model.eval()
    with torch.no_grad():
        out = model(crossed[test_idx], cats[test_idx], numbers[test_idx])
    acc = ((out > 0).float() == y[test_idx]).float().mean().item()
    print(f"epoch {epoch}: {np.mean(running):.4f} / {criterion(out, y[test_idx]).item():.4f}, accuracy {acc:.4f}")

best = ((torch.tensor(logit[7500:]) > 0).float() == y[test_idx]).float().mean().item()
print(f"accuracy of the true rule {best:.4f}")
print(f"score: {acc / best:.4f}")
