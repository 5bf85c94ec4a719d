"""Net2Net: start with 8 hidden units on digits and double the width twice during training. The wider layer copies
units and splits their outgoing weights, so the function stays the same at the moment of growth; then a new
optimizer takes over.
"""

import sys

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

X, y = load_digits(return_X_y=True)
dataset = TensorDataset(torch.tensor(X / 16.0 - 0.3, dtype=torch.float32), torch.tensor(y))
train_set, test_set = random_split(dataset, [1397, 400])
train_loader = DataLoader(train_set, batch_size=33, shuffle=True, drop_last=True)
x_test, y_test = dataset[test_set.indices]
criterion = nn.CrossEntropyLoss()


@torch.no_grad()
def widen(model, new_width):
    first, last = model[0], model[2]
    width = first.out_features
    source = torch.cat([torch.arange(width), torch.randint(0, width, (new_width - width,))])
    copies = torch.bincount(source, minlength=width)[source].float()
    wide_first, wide_last = nn.Linear(first.in_features, new_width), nn.Linear(new_width, last.out_features)
    noise = torch.randn(new_width, first.in_features) * 0.01 * first.weight.std()
    noise[:width] = 0  # the originals stay, the copies are nudged so that they can part ways
    wide_first.weight.copy_(first.weight[source] + noise)
    wide_first.bias.copy_(first.bias[source])
    wide_last.weight.copy_(last.weight[:, source] / copies)
    wide_last.bias.copy_(last.bias)
    return nn.Sequential(wide_first, nn.ReLU(), wide_last)


@torch.no_grad()
def evaluate(model):
    logits = model(x_test)
    return criterion(logits, y_test).item(), logits.argmax(1).eq(y_test).float().mean().item()


model = nn.Sequential(nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 10))
for width in (8, 16, 32):
    if width > 8:
        before = evaluate(model)
        model = widen(model, width)
        after = evaluate(model)
        print(f"grow to {width}: test loss {before[0]:.4f} -> {after[0]:.4f}")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(8):
        running = 0.0
        for xb, yb in train_loader:
            loss = criterion(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            running += loss.item()
        val_loss, val_acc = evaluate(model)
        print(
            f"width {width:2d} epoch {epoch} train {running / len(train_loader):.4f} test {val_loss:.4f} {val_acc:.4f}"
        )

print(f"score: {val_acc:.4f}")
