"""Cross-validated classifier that decides from a few yes/no answers whether most of them are yes.

After https://stats.stackexchange.com/revisions/2bda6552-783b-4fb7-ba2b-a03d2266e69b/view-source
"""
# cause: softmax-single-unit
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn

n_cases = 200
n_questions = 5
n_folds = 5
epochs = 50


def make_answers(rng):
    X = rng.random((n_cases, n_questions)) < 0.5
    y = X.sum(axis=1) > n_questions / 2
    return X.astype("float32"), y.astype("float32")


def make_model():
    return nn.Sequential(
        nn.Linear(n_questions, 10),
        nn.ReLU(),
        nn.Linear(10, 1),
        nn.Softmax(dim=1),  # FAULT
        # TWIN: nn.Sigmoid(),
    )


def train(model, X, y, generator):
    optimizer = torch.optim.RMSprop(model.parameters(), lr=0.01)
    binary_crossentropy = nn.BCELoss()
    batch_size = len(X) // 5
    for epoch in range(epochs):
        order = torch.randperm(len(X), generator=generator)
        running = []
        for start in range(0, len(X), batch_size):
            rows = order[start : start + batch_size]
            optimizer.zero_grad()
            loss = binary_crossentropy(model(X[rows]), y[rows])
            loss.backward()
            optimizer.step()
            running.append(loss.item())
        if epoch % 10 == 0 or epoch == epochs - 1:
            print(f"  epoch {epoch:3d} loss {np.mean(running):.4f}")


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    generator = torch.Generator().manual_seed(seed)

    X, y = make_answers(rng)
    X, y = torch.tensor(X), torch.tensor(y).unsqueeze(1)

    folds = np.repeat(np.arange(n_folds), n_cases // n_folds)
    rng.shuffle(folds)
    folds = torch.tensor(folds)

    y_pred = torch.zeros(n_cases, dtype=torch.bool)
    for fold_i in range(n_folds):
        print("Fold", fold_i)
        model = make_model()
        inside, outside = folds != fold_i, folds == fold_i
        train(model, X[inside], y[inside], generator)
        model.eval()
        with torch.no_grad():
            fitted = model(X[inside])[:, 0] > 0.5
            print("  Training accuracy:", (fitted == (y[inside][:, 0] > 0.5)).float().mean().item())
            y_pred[outside] = model(X[outside])[:, 0] > 0.5

    accuracy = (y_pred == (y[:, 0] > 0.5)).float().mean().item()
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
