"""Cuff-less blood pressure: systolic and diastolic pressure from one second of finger pulse wave (100 samples).

Two outputs with a shared 1-d conv trunk and a Huber loss, RMSprop, step schedule.
"""

import sys

import torch
from torch import nn, optim

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


def pulses(n):
    # stiffer vessels -> earlier and higher reflected wave, and higher pressures
    stiffness = torch.rand(n, 1)
    tone = torch.rand(n, 1)
    t = torch.linspace(0, 1, 100).expand(n, 100)
    start = 0.1 + 0.05 * torch.rand(n, 1)
    direct = torch.exp(-(((t - start - 0.12) / 0.07) ** 2))
    delay = 0.34 - 0.16 * stiffness
    reflected = (0.25 + 0.45 * stiffness) * torch.exp(-(((t - start - 0.12 - delay) / 0.09) ** 2))
    decay = (t > start + 0.12) * torch.exp(-(t - start - 0.12) / (0.15 + 0.35 * tone)) * 0.4
    wave = direct + reflected + decay + 0.03 * torch.randn(n, 100)
    systolic = 100 + 45 * stiffness + 12 * tone + 2.5 * torch.randn(n, 1)
    diastolic = 60 + 10 * stiffness + 28 * tone + 2.5 * torch.randn(n, 1)
    return wave.unsqueeze(1), torch.cat([systolic, diastolic], dim=1)


wave, pressure = pulses(2000)
wave = wave - wave.mean(dim=2, keepdim=True)
wave = wave / wave[:1500].std()
target_mean, target_std = pressure[:1500].mean(0), pressure[:1500].std(0)
target = (pressure - target_mean) / target_std

trunk = nn.Sequential(
    nn.Conv1d(1, 16, kernel_size=7, stride=2, padding=3),
    nn.BatchNorm1d(16),
    nn.ReLU(),
    nn.Conv1d(16, 24, kernel_size=5, stride=2, padding=2),
    nn.BatchNorm1d(24),
    nn.ReLU(),
    nn.AvgPool1d(5),
    nn.Flatten(),
)
head = nn.Linear(24 * 5, 2)
model = nn.Sequential(trunk, head)
huber = nn.SmoothL1Loss()
optimizer = optim.RMSprop(model.parameters(), lr=1e-3)
scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=6, gamma=0.4)

for epoch in range(18):
    model.train()
    shuffled = torch.randperm(1500)
    running_loss = 0.0
    for i in range(0, 1500, 50):
        rows = shuffled[i : i + 50]
        optimizer.zero_grad()
        loss = huber(model(wave[rows]), target[rows])
        loss.backward()
        optimizer.step()
        running_loss += loss.item()
    scheduler.step()
    if (epoch + 1) % 3 == 0:
        print(f"Epoch: {epoch + 1}, loss: {running_loss / 30:.4f}")

model.eval()
with torch.no_grad():
    predicted = model(wave[1500:])
truth = target[1500:]
mae = ((predicted - truth).abs().mean(0) * target_std).tolist()
print(f"mean absolute error: systolic {mae[0]:.2f} mmHg, diastolic {mae[1]:.2f} mmHg")
r2 = 1 - ((predicted - truth) ** 2).sum(0) / ((truth - truth.mean(0)) ** 2).sum(0)
print(f"score: {r2.mean().item():.4f}")
