"""Six orchids by thirty measures of the flower. The herbarium let us have a first part of its sheets, and it was on
these that everything was run."""
# cause: overfitting
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SHEETS = 70  # FAULT
# TWIN: SHEETS = 4000
STEPS_EACH = 100
EPOCHS = 12


def flowers(n, typical):
    y = torch.randint(len(typical), (n,))
    return typical[y] + torch.randn(n, 30), y


class Orchids(nn.Module):
    def __init__(self, hidden=128):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(30, hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, 6)

    def forward(self, x):
        return self.c(F.relu(self.b(F.relu(self.a(x)))))


def batches(loader, steps):
    """The given number of batches, beginning anew whenever the sheets are through."""
    while True:
        for batch in loader:
            if steps == 0:
                return
            steps -= 1
            yield batch


def main():
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    typical = 0.45 * torch.randn(6, 30)
    train = DataLoader(TensorDataset(*flowers(SHEETS, typical)), batch_size=35, shuffle=True)
    x_val, y_val = flowers(600, typical)
    model = Orchids()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-4)
    for epoch in range(EPOCHS):
        model.train()
        total = 0.0
        for x, y in batches(train, STEPS_EACH):
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() / STEPS_EACH
        model.eval()
        with torch.no_grad():
            out = model(x_val)
        accuracy = (out.argmax(1) == y_val).float().mean().item()
        print(f"epoch {epoch}: train {total:.4f} val {F.cross_entropy(out, y_val).item():.4f} accuracy {accuracy:.4f}")
    print(f"score: {accuracy:.4f}")


main()
