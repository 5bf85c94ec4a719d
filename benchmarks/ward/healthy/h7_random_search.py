"""Random search over width, learning rate and weight decay: eight short trainings are compared on a validation part,
the best setting is trained again for longer on training and validation data, and tested once.
"""

import random
import sys

import torch
import torch.nn as nn
from sklearn.datasets import make_classification
from sklearn.preprocessing import StandardScaler

torch.set_num_threads(1)


def sample_config(rng):
    return {
        "width": rng.choice([32, 48, 64]),
        "lr": 10 ** rng.uniform(-2.8, -2.0),
        "weight_decay": 10 ** rng.uniform(-4, -2),
    }


def train(config, x, y, epochs):
    model = nn.Sequential(nn.Linear(12, config["width"]), nn.ReLU(), nn.Linear(config["width"], 4))
    optimizer = torch.optim.AdamW(model.parameters(), lr=config["lr"], weight_decay=config["weight_decay"])
    criterion = nn.CrossEntropyLoss()
    for _ in range(epochs):
        epoch_loss = 0.0
        for rows in torch.randperm(len(x)).split(64):
            optimizer.zero_grad()
            loss = criterion(model(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
            epoch_loss += loss.item() * len(rows) / len(x)
    return model, epoch_loss


def accuracy(model, x, y):
    with torch.no_grad():
        return (model(x).argmax(dim=1) == y).float().mean().item()


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    rng = random.Random(seed)
    torch.manual_seed(seed)
    x, y = make_classification(
        5000, 12, n_informative=8, n_redundant=2, n_classes=4, class_sep=1.8, flip_y=0.0, random_state=seed
    )
    x = torch.tensor(StandardScaler().fit(x[:4000]).transform(x), dtype=torch.float32)
    y = torch.tensor(y)
    x_train, x_val, x_test = x[:3000], x[3000:4000], x[4000:]
    y_train, y_val, y_test = y[:3000], y[3000:4000], y[4000:]

    results = []
    for trial in range(8):
        config = sample_config(rng)
        model, loss = train(config, x_train, y_train, epochs=5)
        val = accuracy(model, x_val, y_val)
        results.append((val, trial, config))
        text = ", ".join(f"{k}={v:.2g}" for k, v in config.items())
        print(f"trial {trial}: {text} -> train loss {loss:.4f}, val acc {val:.4f}")

    best_val, best_trial, best = max(results)
    print(f"best is trial {best_trial} with {best_val:.4f}; training it for longer")
    model, loss = train(best, torch.cat([x_train, x_val]), torch.cat([y_train, y_val]), epochs=12)
    print(f"final train loss {loss:.4f}")
    print(f"score: {accuracy(model, x_test, y_test):.4f}")


if __name__ == "__main__":
    main()
