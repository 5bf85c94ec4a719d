"""A trunk that knows five faults of a crane's drive from its vibration gets a second head, for the load on the hook.

The trunk and the first head stay as they are; the load is learned from recordings of the new, more sensitive sensor.
The score is the mean accuracy of both heads, each on held-out recordings of its own sensor.
"""
# cause: batch-norm-drift
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
LENGTH, FAULTS, LOADS = 64, 5, 3
time = torch.arange(LENGTH) / LENGTH * 6.283
tones = torch.tensor([[3, 7], [3, 11], [5, 7], [5, 11], [9, 14]]).float()


def recordings(n, gain, hum):
    fault, load = torch.randint(0, FAULTS, (n,)), torch.randint(0, LOADS, (n,))
    phase = 6.283 * torch.rand(n, 2, 1)
    strength = torch.stack([torch.ones(n), 0.5 + 0.6 * load], dim=1).unsqueeze(2)
    wave = (strength * torch.sin(tones[fault].unsqueeze(2) * time + phase)).sum(dim=1)
    wave = gain * (wave + 0.4 * torch.randn(n, LENGTH)) + hum
    return wave.unsqueeze(1), fault, load


class Trunk(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv1d(1, 24, 9, padding=4), nn.BatchNorm1d(24)
        self.conv2, self.bn2 = nn.Conv1d(24, 32, 9, padding=4, stride=2), nn.BatchNorm1d(32)

    def forward(self, wave):
        h = F.relu(self.bn1(self.conv1(wave)))
        return F.relu(self.bn2(self.conv2(h))).mean(dim=2)


def epoch_of(trunk, head, loader, optimizer):
    total = 0.0
    for wave, label in loader:
        loss = F.cross_entropy(head(trunk(wave)), label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total / len(loader)


@torch.no_grad()
def accuracy(trunk, head, wave, label):
    trunk.eval()
    return (head(trunk(wave)).argmax(1) == label).float().mean().item()


trunk, fault_head = Trunk(), nn.Linear(32, FAULTS)
load_head = nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, LOADS))
wave, fault, _ = recordings(1500, 1.0, 0.0)
old_wave, old_fault, _ = recordings(500, 1.0, 0.0)
loader = DataLoader(TensorDataset(wave, fault), batch_size=50, shuffle=True)
optimizer = torch.optim.Adam([*trunk.parameters(), *fault_head.parameters()], lr=3e-3)
for epoch in range(6):
    trunk.train()
    loss = epoch_of(trunk, fault_head, loader, optimizer)
    print(f"faults {epoch}: train {loss:.4f}, held out {accuracy(trunk, fault_head, old_wave, old_fault):.4f}")

trunk.requires_grad_(False)
wave, _, load = recordings(1500, 1.5, 0.6)
new_wave, _, new_load = recordings(500, 1.5, 0.6)
loader = DataLoader(TensorDataset(wave, load), batch_size=50, shuffle=True)
optimizer = torch.optim.Adam(load_head.parameters(), lr=1e-2)
for epoch in range(10):
    trunk.train()  # FAULT
    # TWIN: trunk.eval()
    loss = epoch_of(trunk, load_head, loader, optimizer)
    faults, loads = accuracy(trunk, fault_head, old_wave, old_fault), accuracy(trunk, load_head, new_wave, new_load)
    print(f"loads {epoch}: train {loss:.4f}, held out {loads:.4f} (faults {faults:.4f})")
print(f"score: {(faults + loads) / 2:.4f}")
