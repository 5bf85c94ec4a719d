"""Kind of weld seam (four) in 12x12 grey pictures, with RMSprop set up after a well-known image classification recipe.

That recipe names decay 0.9 and epsilon 1.0.
"""
# cause: optimizer-epsilon-too-large
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)

SIZE, EPOCHS = 12, 12
RECIPE = dict(lr=1e-3, alpha=0.9)
RECIPE["eps"] = 1.0  # FAULT
# TWIN: RECIPE["eps"] = 1e-8


def photos(n):
    kind = torch.randint(0, 4, (n,))
    row, column = torch.meshgrid(torch.arange(SIZE).float(), torch.arange(SIZE).float(), indexing="ij")
    angle = torch.tensor([0.0, 0.785, 1.571, 2.356])[kind] + 0.15 * torch.randn(n)
    shift = 2 * torch.randn(n, 1, 1)
    across = torch.cos(angle)[:, None, None] * (row - 5.5) + torch.sin(angle)[:, None, None] * (column - 5.5)
    seam = torch.exp(-((across - shift) ** 2) / 2.5)
    picture = seam + 0.35 * torch.randn(n, SIZE, SIZE)
    return ((picture - 0.2) / 0.45)[:, None], kind


class WeldNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 12, 3)
        self.conv2 = nn.Conv2d(12, 16, 3)
        self.fc = nn.Linear(16 * 4 * 4, 32)
        self.out = nn.Linear(32, 4)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.out(F.relu(self.fc(x.flatten(1))))


train_x, train_y = photos(1500)
test_x, test_y = photos(500)
loader = DataLoader(TensorDataset(train_x, train_y), batch_size=50, shuffle=True)
net = WeldNet()
optimizer = torch.optim.RMSprop(net.parameters(), **RECIPE)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.9)

for epoch in range(EPOCHS):
    net.train()
    running = 0.0
    for x, y in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        running += loss.item() / len(loader)
    scheduler.step()
    net.eval()
    with torch.no_grad():
        accuracy = (net(test_x).argmax(1) == test_y).float().mean().item()
    print(f"epoch {epoch + 1:2d}: loss {running:.4f}, test accuracy {accuracy:.4f}")

print(f"score: {accuracy:.4f}")
