"""Find cracks in patches of rail photographs. They are rare, so balanced accuracy counts."""
# cause: class-imbalance
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
SIZE, CRACKED = 12, 0.03


def patches(n):
    """Grain everywhere; a crack is a dark jagged line from top to bottom."""
    images = torch.randn(n, 1, SIZE, SIZE)
    cracked = (torch.rand(n) < CRACKED).float()
    column = torch.randint(2, SIZE - 2, (n,))
    for row in range(SIZE):
        column = (column + torch.randint(-1, 2, (n,))).clamp(0, SIZE - 1)
        images[torch.arange(n), 0, row, column] -= 1.9 * cracked
    return images, cracked


class PatchNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 12, 3, padding=1)
        self.conv2 = nn.Conv2d(12, 16, 3, padding=1)
        self.fc = nn.Linear(16 * 9, 1)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc(x.flatten(1)).squeeze(1)


def balanced_accuracy(net, images, cracked):
    net.eval()
    with torch.no_grad():
        found = (net(images) > 0).float()
    return 0.5 * (found[cracked == 1].mean() + 1 - found[cracked == 0].mean()).item()


images, cracked = patches(7000)
val_images, val_cracked = patches(4000)
loader = DataLoader(TensorDataset(images, cracked), batch_size=100, shuffle=True)
net = PatchNet()
criterion = nn.BCEWithLogitsLoss()  # FAULT
# TWIN: criterion = nn.BCEWithLogitsLoss(pos_weight=(cracked == 0).sum() / cracked.sum())
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3, weight_decay=1e-4)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)
for epoch in range(10):
    net.train()
    total = 0.0
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item()
    scheduler.step()
    print(f"epoch {epoch} loss {total / len(loader):.4f} val {balanced_accuracy(net, val_images, val_cracked):.3f}")
print(f"score: {balanced_accuracy(net, val_images, val_cracked):.4f}")
