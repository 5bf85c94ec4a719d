"""Tissue type from small scans of three clinics, tested patient by patient. The model is never told that testing began,
so its batch normalization standardises each patient's scans by themselves."""
# cause: evaluation-in-train-mode
# kind: dynamic

import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
gen = torch.Generator().manual_seed(seed)


def scans(kind):
    """Brightness and grain tell the tissues apart."""
    n = len(kind)
    level = torch.tensor([-0.8, 0.0, 0.8, 0.0])[kind].view(-1, 1, 1, 1)
    grain = torch.tensor([0.5, 0.5, 0.5, 1.2])[kind].view(-1, 1, 1, 1)
    noise = torch.randn(n, 1, 12, 12, generator=gen)
    patient = 0.25 * torch.randn(n, 1, 1, 1, generator=gen)
    return level + patient + grain * noise


def conv_block(c_in, c_out):
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, 3, padding=1, bias=False),
        nn.BatchNorm2d(c_out),
        nn.ReLU(),
        nn.MaxPool2d(2),
    )


def evaluate(model, patients):
    # TWIN: model.eval()
    right = total = 0
    with torch.no_grad():
        for images, kinds in patients:
            right += (model(images).argmax(1) == kinds).sum().item()
            total += len(kinds)
    return right / total


y_train = torch.randint(4, (1200,), generator=gen)
x_train = scans(y_train)
patients = []
for p in range(40):
    kinds = torch.full((8,), p % 4)
    patients.append((scans(kinds), kinds))

model = nn.Sequential(conv_block(1, 12), conv_block(12, 24), nn.Flatten(), nn.Linear(24 * 9, 4))
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
loss_fn = nn.CrossEntropyLoss()
for epoch in range(8):
    model.train()
    for idx in torch.randperm(1200).split(40):
        loss = loss_fn(model(x_train[idx]), y_train[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    accuracy = evaluate(model, patients)
    print(f"epoch {epoch + 1}: last loss {loss.item():.4f}, patients {accuracy:.4f}")
print(f"score: {accuracy:.4f}")
