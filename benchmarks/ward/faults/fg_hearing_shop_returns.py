"""Which hearing aids come back within a month. Beside the order's own columns the model is told how often the same
customer returned things so far; the rate is worked out with a group-by over the table of past orders."""
# cause: leakage
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 0
ORDERS, CUSTOMERS, COLUMNS = 6000, 4500, 12


def order_book(rng):
    """Customer number, columns of the order, and whether it came back."""
    customer = rng.integers(0, CUSTOMERS, ORDERS)
    columns = rng.normal(size=(ORDERS, COLUMNS))
    fussy = rng.normal(0, 0.7, CUSTOMERS)
    pull = columns[:, :6] @ np.array([1.2, -1.0, 0.9, 0.8, -0.7, 0.6]) + 0.8 * columns[:, 6] * columns[:, 7]
    chance = 1 / (1 + np.exp(-(1.3 * pull + fussy[customer] - 0.3)))
    return customer, columns, (rng.random(ORDERS) < chance).astype(np.float64)


def history(customer, returned, of, own=None):
    """Return rate of each customer in `of`, a little pulled to the overall rate; unknown ones get the overall rate."""
    count = np.bincount(customer, minlength=CUSTOMERS)[of].astype(float)
    total = np.bincount(customer, weights=returned, minlength=CUSTOMERS)[of]
    if own is not None:
        count, total = count - 1, total - own
    overall = returned.mean()
    return (total + 0.2 * overall) / (count + 0.2)


class ReturnModel(nn.Module):
    def __init__(self, inputs, hidden=24):
        super().__init__()
        self.hidden = nn.Linear(inputs, hidden)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.out(torch.tanh(self.hidden(x))).squeeze(-1)


def evaluate(model, x, y):
    model.eval()
    with torch.no_grad():
        logits = model(x)
    loss = nn.functional.binary_cross_entropy_with_logits(logits, y).item()
    return loss, ((logits > 0) == (y > 0.5)).float().mean().item()


torch.set_num_threads(1)
torch.manual_seed(SEED)
rng = np.random.default_rng(SEED)
customer, columns, returned = order_book(rng)
past, recent = slice(0, 4500), slice(4500, ORDERS)

rate_past = history(customer[past], returned[past], of=customer[past])  # FAULT
# TWIN: rate_past = history(customer[past], returned[past], of=customer[past], own=returned[past])
rate_recent = history(customer[past], returned[past], of=customer[recent])
middle, width = rate_past.mean(), rate_past.std()


def as_tensor(part, rate):
    table = np.column_stack([columns[part], (rate - middle) / width])
    return torch.tensor(table, dtype=torch.float32), torch.tensor(returned[part], dtype=torch.float32)


train_set, (valid_x, valid_y) = TensorDataset(*as_tensor(past, rate_past)), as_tensor(recent, rate_recent)
model = ReturnModel(COLUMNS + 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-3)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 6, gamma=0.3)
for epoch in range(18):
    model.train()
    for x, y in DataLoader(train_set, batch_size=64, shuffle=True):
        optimizer.zero_grad()
        nn.functional.binary_cross_entropy_with_logits(model(x), y).backward()
        optimizer.step()
    scheduler.step()
    (loss, hits), (valid_loss, valid_hits) = evaluate(model, *train_set.tensors), evaluate(model, valid_x, valid_y)
    print(f"{epoch + 1:2d}: loss {loss:.3f} acc {hits:.3f}   recent orders: loss {valid_loss:.3f} acc {valid_hits:.3f}")
print(f"score: {valid_hits:.4f}")
