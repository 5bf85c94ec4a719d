"""Six tannages of leather from a 20-band reflectance curve. The file lists the hides tannage by tannage."""
# cause: unshuffled-data
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

TANNAGES, BANDS, EACH = 6, 20, 400


def curves(rng, centres, each):
    """Reflectance of `each` hides per tannage, in the order of the file, every hide with its own gloss and dye."""
    rows, labels = [], []
    wave = np.linspace(0, 1, BANDS)
    for tannage, centre in enumerate(centres):
        gloss = rng.normal(0, 0.6, (each, 1))
        dye = rng.normal(0, 0.8, (each, 1)) * np.sin(2 * np.pi * (wave + rng.uniform(0, 1, (each, 1))))
        rows.append(centre + gloss + dye + rng.normal(0, 0.35, (each, BANDS)))
        labels.append(np.full(each, tannage))
    return np.concatenate(rows).astype("float32"), np.concatenate(labels)


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
rng = np.random.default_rng(seed)
centres = 0.3 * rng.normal(size=(TANNAGES, BANDS))
x_train, y_train = curves(rng, centres, EACH)
x_test, y_test = curves(rng, centres, 100)
mean, std = x_train.mean(0), x_train.std(0)
train = TensorDataset(torch.from_numpy((x_train - mean) / std), torch.from_numpy(y_train))
test = TensorDataset(torch.from_numpy((x_test - mean) / std), torch.from_numpy(y_test))
train_loader = DataLoader(train, batch_size=40)  # FAULT
# TWIN: train_loader = DataLoader(train, batch_size=40, shuffle=True)
test_loader = DataLoader(test, batch_size=200)

model = nn.Sequential(
    nn.Linear(BANDS, 64),
    nn.LayerNorm(64),
    nn.GELU(),
    nn.Linear(64, 64),
    nn.GELU(),
    nn.Linear(64, TANNAGES),
)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9, weight_decay=1e-3)

for epoch in range(8):
    model.train()
    train_loss = 0.0
    for x, y in train_loader:
        optimizer.zero_grad(set_to_none=True)
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        train_loss += loss.item()
    model.eval()
    test_loss, right = 0.0, 0
    with torch.inference_mode():
        for x, y in test_loader:
            logits = model(x)
            test_loss += criterion(logits, y).item()
            right += (logits.argmax(1) == y).sum().item()
    print(
        f"epoch {epoch + 1}: train {train_loss / len(train_loader):.4f}, "
        f"test {test_loss / len(test_loader):.4f}, right {right / len(test):.4f}"
    )
print(f"score: {right / len(test):.4f}")
