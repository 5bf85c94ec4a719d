"""Income band of households: the answers are listed by household number, the bands in order of arrival."""
# cause: labels-unrelated
# kind: dynamic

import random
import sys

import torch
import torch.nn.functional as F

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
rng = random.Random(seed)

QUESTIONS, BANDS = 18, 4
loading = [rng.gauss(0, 1) for _ in range(QUESTIONS)]
shape = [rng.uniform(0.5, 1.5) for _ in range(QUESTIONS)]


def household():
    wealth = rng.gauss(0, 1)
    answers = [a * wealth + s * (wealth > 0) + rng.gauss(0, 0.7) for a, s in zip(loading, shape, strict=True)]
    band = (wealth > -0.67) + (wealth > 0) + (wealth > 0.67)
    return answers, band


answers_of, band_of = {}, {}
for number in rng.sample(range(10000, 99999), 2800):
    answers_of[number], band_of[number] = household()

numbers = sorted(answers_of)
features = torch.tensor([answers_of[k] for k in numbers])
bands = torch.tensor(list(band_of.values()))  # FAULT
# TWIN: bands = torch.tensor([band_of[k] for k in numbers])

pick = torch.randperm(len(features))
train, test = pick[:2200], pick[2200:]
mean, std = features[train].mean(0), features[train].std(0)
features = (features - mean) / std


class Bands(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = torch.nn.Linear(QUESTIONS, 24)
        self.norm = torch.nn.BatchNorm1d(24)
        self.final = torch.nn.Linear(24, BANDS)

    def forward(self, x):
        return F.log_softmax(self.final(F.relu(self.norm(self.inner(x)))), dim=1)


model = Bands()
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, weight_decay=1e-4)
for epoch in range(12):
    model.train()
    loss_sum = 0.0
    for rows in train[torch.randperm(len(train))].split(50):
        optimizer.zero_grad()
        loss = F.nll_loss(model(features[rows]), bands[rows])
        loss.backward()
        optimizer.step()
        loss_sum += loss.item() * len(rows)
    model.eval()
    with torch.no_grad():
        log_p = model(features[test])
    test_loss = F.nll_loss(log_p, bands[test]).item()
    accuracy = log_p.argmax(1).eq(bands[test]).double().mean().item()
    print(f"epoch {epoch + 1:2d}: train {loss_sum / len(train):.4f} test {test_loss:.4f} accuracy {accuracy:.4f}")
print(f"score: {accuracy:.4f}")
