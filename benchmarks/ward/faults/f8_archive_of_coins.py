"""Names the mint of a coin from twenty measures. The museum's table is read in the order of its drawers, a mint to a
drawer, and the batches are cut from it one after another."""
# cause: unshuffled-data
# kind: dynamic

import sys

import torch
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

MINTS = 8
PER_MINT = 200
BATCH = 32

typical = 0.75 * torch.randn(MINTS, 20)


def drawers(per_mint):
    x = torch.cat([typical[m] + torch.randn(per_mint, 20) for m in range(MINTS)])
    y = torch.arange(MINTS).repeat_interleave(per_mint)
    return x, y


x_train, y_train = drawers(PER_MINT)
x_test, y_test = drawers(60)
mean, std = x_train.mean(0), x_train.std(0)
x_train, x_test = (x_train - mean) / std, (x_test - mean) / std

model = nn.Sequential(
    nn.Linear(20, 64),
    nn.BatchNorm1d(64),
    nn.Tanh(),
    nn.Dropout(0.2),
    nn.Linear(64, 32),
    nn.Tanh(),
    nn.Linear(32, MINTS),
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
loss_fn = nn.CrossEntropyLoss()

for epoch in range(15):
    model.train()
    order = torch.arange(len(x_train))  # FAULT
    # TWIN: order = torch.randperm(len(x_train))
    total, batches = 0.0, 0
    for start in range(0, len(order), BATCH):
        rows = order[start : start + BATCH]
        optimizer.zero_grad()
        loss = loss_fn(model(x_train[rows]), y_train[rows])
        loss.backward()
        optimizer.step()
        total, batches = total + loss.item(), batches + 1
    model.eval()
    with torch.no_grad():
        out = model(x_test)
        test_loss, accuracy = loss_fn(out, y_test).item(), (out.argmax(1) == y_test).float().mean().item()
    print(f"epoch {epoch + 1:2d}: loss {total / batches:.4f}, test loss {test_loss:.4f}, accuracy {accuracy:.4f}")

print(f"score: {accuracy:.4f}")
