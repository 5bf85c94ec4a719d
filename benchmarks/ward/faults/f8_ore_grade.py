"""Estimates the grade of ore from drill-core readings. All weights start from the same value so that runs on the two
machines of the lab can be compared."""
# cause: bad-initialization
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
rng = np.random.default_rng(seed)

# ten readings of each core; the grade depends on how they go together
readings = rng.normal(size=(6600, 10))
grade = (
    np.sin(1.5 * readings[:, 0]) * readings[:, 1]
    + np.abs(readings[:, 2] - readings[:, 3])
    + 0.7 * readings[:, 4] * readings[:, 5]
    + 0.2 * rng.normal(size=6600)
)
grade = (grade - grade.mean()) / grade.std()
cores = TensorDataset(
    torch.tensor(readings, dtype=torch.float32), torch.tensor(grade, dtype=torch.float32).unsqueeze(1)
)
train_set, test_set = random_split(cores, [6000, 600])
loader = DataLoader(train_set, batch_size=100, shuffle=True)
x_test, y_test = test_set[:]


def start(module):
    if isinstance(module, nn.Linear):
        nn.init.constant_(module.weight, 0.05)  # FAULT
        # TWIN: nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        nn.init.zeros_(module.bias)


net = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
net.apply(start)
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3, weight_decay=1e-5)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 16)
criterion = nn.MSELoss()

for epoch in range(16):
    net.train()
    running = 0.0
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        optimizer.step()
        running += loss.item()
    scheduler.step()
    net.eval()
    with torch.no_grad():
        error = criterion(net(x_test), y_test).item()
    if epoch % 3 == 2:
        print(f"epoch {epoch + 1}: train {running / len(loader):.4f} test {error:.4f}")
print(f"score: {1 - error / y_test.var(unbiased=False).item():.4f}")
