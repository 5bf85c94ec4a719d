"""Ranks jobs for applicants by a list-wise softmax over twelve candidates each; the best candidate is the label."""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F


class Matcher(nn.Module):
    def __init__(self):
        super().__init__()
        self.person = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 24))
        self.job = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 24))

    def forward(self, person, jobs):
        return torch.einsum("bd,bnd->bn", self.person(person), self.job(jobs)) / 24**0.5


def lists(n, mix, gen):
    person = torch.randn(n, 16, generator=gen)
    jobs = torch.randn(n, 12, 20, generator=gen)
    fit = torch.einsum("bd,de,bne->bn", person, mix, jobs)
    gumbel = -torch.log(-torch.log(torch.rand(n, 12, generator=gen).clamp(1e-6, 1 - 1e-6)))
    return person, jobs, (fit + 0.3 * gumbel).argmax(dim=1)


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
gen = torch.Generator().manual_seed(seed + 3)
mix = torch.randn(16, 3, generator=gen) @ torch.randn(3, 20, generator=gen) / 16**0.5
train, test = lists(4000, mix, gen), lists(800, mix, gen)
model = Matcher()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(12):
    running = 0.0
    for idx in torch.randperm(4000).split(80):
        person, jobs, best = (t[idx] for t in train)
        loss = F.cross_entropy(model(person, jobs), best)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        running += loss.item()
    with torch.no_grad():
        top = (model(*test[:2]).argmax(1) == test[2]).float().mean().item()
    print(f"epoch {epoch + 1} loss {running / 50:.4f} top-1 {top:.4f} (chance {1 / 12:.3f})")
print(f"score: {top:.4f}")
