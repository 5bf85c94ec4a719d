"""Names the species of a leaf from twenty measurements, training by step count. evaluate() switches the network to
evaluation mode at step 50 and nothing switches it back, so dropout and batch norm are off for the rest."""
# cause: training-in-eval-mode
# kind: dynamic

import argparse

import torch
import torch.nn.functional as F
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn


def load(seed):
    x, y = make_classification(
        n_samples=1200,
        n_features=20,
        n_informative=8,
        n_redundant=4,
        n_classes=5,
        n_clusters_per_class=2,
        class_sep=2.0,
        flip_y=0.12,
        random_state=seed,
    )
    x_train, x_val, y_train, y_val = train_test_split(x, y, test_size=0.5, random_state=seed, stratify=y)
    scaler = StandardScaler().fit(x_train)
    as_x = [torch.tensor(scaler.transform(part), dtype=torch.float32) for part in (x_train, x_val)]
    return as_x[0], torch.tensor(y_train), as_x[1], torch.tensor(y_val)


def make_model():
    layers, width = [], 20
    for _ in range(3):
        layers += [nn.Linear(width, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Dropout(0.4)]
        width = 128
    return nn.Sequential(*layers, nn.Linear(width, 5))


@torch.no_grad()
def evaluate(model, x, y):
    model.eval()
    out = model(x)
    return F.cross_entropy(out, y).item(), (out.argmax(1) == y).float().mean().item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("--steps", type=int, default=500)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    x_train, y_train, x_val, y_val = load(args.seed)
    model = make_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    model.train()  # FAULT
    for step in range(1, args.steps + 1):
        # TWIN: model.train()
        pick = torch.randint(len(x_train), (32,))
        loss = F.cross_entropy(model(x_train[pick]), y_train[pick])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 50 == 0:
            val_loss, val_acc = evaluate(model, x_val, y_val)
            print(f"step {step}: loss {loss.item():.3f} val loss {val_loss:.3f} val acc {val_acc:.3f}")
    print(f"score: {-val_loss:.4f}")


if __name__ == "__main__":
    main()
