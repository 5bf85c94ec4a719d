"""Scent notes (floral, woody, citrus, ...) of perfumes from their gas-chromatography peaks, several notes at once."""
# cause: nonlinear-logits
# kind: dynamic

import sys

import torch
from torch import nn

SETTINGS = {
    "peaks": 60,
    "notes": 12,
    "hidden": [96, 64],
    "train": 2500,
    "test": 700,
    "batch": 50,
    "epochs": 14,
    "lr": 0.002,
}


def perfumes(n, recipe, generator):
    """Every note brings a handful of substances; a perfume carries two to four of twelve."""
    notes = (torch.rand(n, SETTINGS["notes"], generator=generator) < 0.25).float()
    strength = notes * (0.6 + 0.8 * torch.rand(n, SETTINGS["notes"], generator=generator))
    peaks = strength @ recipe + 0.8 * torch.randn(n, SETTINGS["peaks"], generator=generator)
    return peaks, notes


def build(sizes):
    layers = []
    for i, (a, b) in enumerate(zip(sizes[:-1], sizes[1:], strict=True)):
        layers.append(nn.Linear(a, b))
        layers.append(nn.ReLU())  # FAULT
        # TWIN: layers.extend([nn.ReLU()] if i < len(sizes) - 2 else [])
        print(f"layer {i}: {a} -> {b}")
    return nn.Sequential(*layers)


def macro_f1(model, x, notes):
    with torch.no_grad():
        guess = torch.sigmoid(model(x)) > 0.5
    truth = notes > 0.5
    hits = (guess & truth).sum(0).float()
    return (2 * hits / (guess.sum(0) + truth.sum(0)).clamp(min=1)).mean().item()


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    recipe = torch.randn(SETTINGS["notes"], SETTINGS["peaks"], generator=generator)
    recipe = recipe * (torch.rand(recipe.shape, generator=generator) < 0.4)
    x, y = perfumes(SETTINGS["train"], recipe, generator)
    x_test, y_test = perfumes(SETTINGS["test"], recipe, generator)
    mean, std = x.mean(0), x.std(0)
    x, x_test = (x - mean) / std, (x_test - mean) / std

    model = build([SETTINGS["peaks"], *SETTINGS["hidden"], SETTINGS["notes"]])
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=SETTINGS["lr"])
    decay = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.8)
    for epoch in range(SETTINGS["epochs"]):
        order = torch.randperm(len(x))
        for start in range(0, len(x), SETTINGS["batch"]):
            rows = order[start : start + SETTINGS["batch"]]
            optimizer.zero_grad()
            loss = criterion(model(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
        decay.step()
        print(f"epoch {epoch + 1}: loss {loss.item():.4f}, test F1 {macro_f1(model, x_test, y_test):.4f}")
    print(f"score: {macro_f1(model, x_test, y_test):.4f}")


if __name__ == "__main__":
    main()
