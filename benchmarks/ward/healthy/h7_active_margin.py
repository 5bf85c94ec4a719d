"""Pool-based active learning on the digits: begin with 150 labels, then each round ask for the 75 images with the
smallest margin between the two likeliest classes, and train a new network on everything labelled so far.
"""

import sys

import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_digits

torch.set_num_threads(1)


def new_model():
    return nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 10))


def train(model, x, y, steps):
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3, weight_decay=1e-4)
    criterion = nn.CrossEntropyLoss()
    model.train()
    done = 0
    while done < steps:
        for rows in torch.randperm(len(x)).split(32):
            loss = criterion(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            done += 1
    return model.eval()


def main(seed=0):
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    digits = load_digits()
    order = rng.permutation(len(digits.data))
    x = torch.tensor(digits.data[order] / 8.0 - 1.0, dtype=torch.float32)
    y = torch.tensor(digits.target[order])
    x_pool, y_pool, x_test, y_test = x[:1300], y[:1300], x[1300:], y[1300:]

    labelled = torch.zeros(1300, dtype=torch.bool)
    labelled[:150] = True
    for round_number in range(6):
        model = train(new_model(), x_pool[labelled], y_pool[labelled], steps=200)
        with torch.no_grad():
            accuracy = (model(x_test).argmax(1) == y_test).float().mean().item()
            top_two = model(x_pool).softmax(1).topk(2).values
        print(f"round {round_number}: {int(labelled.sum())} labels, test accuracy {accuracy:.4f}")
        margin = top_two[:, 0] - top_two[:, 1]
        margin[labelled] = float("inf")
        labelled[margin.argsort()[:75]] = True
    print(f"score: {accuracy:.4f}")


main(*map(int, sys.argv[1:2]))
