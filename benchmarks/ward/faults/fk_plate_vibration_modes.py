"""Draws how a clamped plate vibrates, 32x32 points, from the strengths of its modes: first 8x8, then upsampled."""
# cause: checkerboard
# kind: structural

import sys

import torch
from torch import nn
from torch.optim.lr_scheduler import OneCycleLR

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)

MODES, SIZE, EPOCHS, BATCH = 6, 32, 20, 40

line = torch.linspace(0, torch.pi, SIZE)
waves = torch.stack([torch.sin(k * line) for k in (1, 2, 3)])
pairs = [(0, 0), (0, 1), (1, 0), (1, 1), (0, 2), (2, 1)]
shapes = torch.stack([torch.outer(waves[a], waves[b]) for a, b in pairs])


def plates(n):
    strength = torch.randn(n, MODES)
    surface = torch.einsum("nm,mij->nij", strength, shapes)
    surface = torch.tanh(surface)  # the sensor clips softly
    return strength, surface.unsqueeze(1)


class PlatePainter(nn.Module):
    def __init__(self):
        super().__init__()
        self.start = nn.Sequential(nn.Linear(MODES, 64), nn.ReLU(), nn.Linear(64, 8 * 8))
        self.grow = nn.ConvTranspose2d(1, 1, kernel_size=5, stride=4, padding=1, output_padding=1)  # FAULT
        # TWIN: self.grow = nn.ConvTranspose2d(1, 1, kernel_size=8, stride=4, padding=2)

    def forward(self, strength):
        return self.grow(self.start(strength).view(-1, 1, 8, 8))


x, y = plates(2000)
x_val, y_val = plates(300)
model = PlatePainter()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-4)
steps = EPOCHS * (len(x) // BATCH)
schedule = OneCycleLR(optimizer, max_lr=5e-3, total_steps=steps)
for epoch in range(EPOCHS):
    model.train()
    running = 0.0
    for rows in torch.randperm(len(x)).view(-1, BATCH):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        running += loss.item()
    model.eval()
    with torch.no_grad():
        error = nn.functional.mse_loss(model(x_val), y_val).item()
    r2 = 1 - error / y_val.var().item()
    print(f"epoch {epoch:2d} train {running / (len(x) // BATCH):.5f} val {error:.5f} R2 {r2:.4f}")
print(f"score: {r2:.4f}")
