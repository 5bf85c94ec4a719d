"""Classifies short drum sounds (kick, snare, hat, tom, clap). Each instrument is a data set of its own, joined by
ConcatDataset, and the loader does not shuffle: an epoch is all kicks, then all snares, and so on."""
# cause: unshuffled-data
# kind: dynamic

import math
import sys

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import ConcatDataset, DataLoader, TensorDataset

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
torch.set_num_threads(1)
INSTRUMENTS = {
    "kick": (2, 4, 0.1),
    "snare": (7, 8, 0.5),
    "hat": (26, 22, 0.9),
    "tom": (6, 3, 0.15),
    "clap": (15, 3, 0.8),
}


def hits(name, n):
    pitch, decay, noise = INSTRUMENTS[name]
    t = torch.linspace(0, 1, 96)
    pitch = pitch * (0.8 + 0.4 * torch.rand(n, 1))
    decay = decay * (0.7 + 0.6 * torch.rand(n, 1))
    tone = torch.sin(2 * math.pi * (pitch * t + torch.rand(n, 1)))
    wave = torch.exp(-decay * t) * ((1 - noise) * tone + noise * 0.7 * torch.randn(n, 96)) + 0.05 * torch.randn(n, 96)
    wave = wave / wave.std(dim=1, keepdim=True)
    label = list(INSTRUMENTS).index(name)
    return TensorDataset(wave.unsqueeze(1), torch.full((n,), label))


class DrumNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv1d(1, 16, 9, stride=2, padding=4),
            nn.ReLU(),
            nn.Conv1d(16, 24, 7, stride=2, padding=3),
            nn.ReLU(),
            nn.MaxPool1d(2),
        )
        self.classifier = nn.Sequential(nn.Linear(24 * 12, 48), nn.ReLU(), nn.Linear(48, len(INSTRUMENTS)))

    def forward(self, wave):
        return self.classifier(self.features(wave).flatten(1))


train_set = ConcatDataset([hits(name, 300) for name in INSTRUMENTS])
test_set = ConcatDataset([hits(name, 100) for name in INSTRUMENTS])
train_loader = DataLoader(train_set, batch_size=30)  # FAULT
# TWIN: train_loader = DataLoader(train_set, batch_size=30, shuffle=True)
test_loader = DataLoader(test_set, batch_size=100)

model = DrumNet()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=6, gamma=0.5)
for epoch in range(1, 13):
    model.train()
    for wave, label in train_loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(wave), label)
        loss.backward()
        optimizer.step()
    schedule.step()
    model.eval()
    test_loss = correct = 0
    with torch.no_grad():
        for wave, label in test_loader:
            out = model(wave)
            test_loss += F.cross_entropy(out, label, reduction="sum").item()
            correct += out.argmax(dim=1).eq(label).sum().item()
    print(f"epoch {epoch}: test loss {test_loss / len(test_set):.3f}, correct {correct}/{len(test_set)}")
print(f"score: {correct / len(test_set):.4f}")
