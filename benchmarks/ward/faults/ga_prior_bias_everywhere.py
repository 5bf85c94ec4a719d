"""Two stages: a classifier of overlapping classes is trained, then frozen, and a single temperature is fitted to its
validation logits with LBFGS. Score: minus the negative log-likelihood of test rows (calibrated).
"""
# cause: dead-units
# accept: bad-initialization
# kind: dynamic

import math  # FAULT
import sys

import torch
import torch.nn as nn
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split

torch.set_num_threads(1)


def split_data(seed):
    x, y = make_classification(
        6000, 12, n_informative=6, n_redundant=2, n_classes=4, n_clusters_per_class=1, class_sep=1.0, random_state=seed
    )
    x_fit, x_rest, y_fit, y_rest = train_test_split(x, y, train_size=0.6, random_state=seed, stratify=y)
    x_cal, x_test, y_cal, y_test = train_test_split(x_rest, y_rest, train_size=0.5, random_state=seed, stratify=y_rest)
    mean, std = x_fit.mean(0), x_fit.std(0)
    parts = [(x_fit, y_fit), (x_cal, y_cal), (x_test, y_test)]
    return [(torch.tensor((a - mean) / std, dtype=torch.float32), torch.tensor(b)) for a, b in parts]


def fit_classifier(x, y):
    model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 4))
    for layer in model:  # FAULT
        if isinstance(layer, nn.Linear):  # FAULT
            nn.init.constant_(layer.bias, -math.log((1 - 0.01) / 0.01))  # FAULT
    optimizer = torch.optim.Adamax(model.parameters(), lr=0.01)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    for epoch in range(15):
        total = 0.0
        for idx in torch.randperm(len(x)).split(90):
            optimizer.zero_grad()
            loss = criterion(model(x[idx]), y[idx])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx) / len(x)
        if epoch % 3 == 2:
            print(f"classifier epoch {epoch + 1}: smoothed loss {total:.4f}")
    return model.requires_grad_(False).eval()


def fit_temperature(logits, y):
    log_t = torch.zeros(1, requires_grad=True)
    lbfgs = torch.optim.LBFGS([log_t], lr=0.5, max_iter=25, line_search_fn="strong_wolfe")

    def closure():
        lbfgs.zero_grad()
        loss = nn.functional.cross_entropy(logits / log_t.exp(), y)
        loss.backward()
        return loss

    before = lbfgs.step(closure).item()
    print(f"temperature {log_t.exp().item():.3f}: calibration NLL {before:.4f} -> {closure().item():.4f}")
    return log_t.exp().detach()


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    (x_fit, y_fit), (x_cal, y_cal), (x_test, y_test) = split_data(seed)
    net = fit_classifier(x_fit, y_fit)
    temperature = fit_temperature(net(x_cal), y_cal)
    out = net(x_test)
    raw = nn.functional.cross_entropy(out, y_test).item()
    nll = nn.functional.cross_entropy(out / temperature, y_test).item()
    print(f"test accuracy {(out.argmax(1) == y_test).float().mean().item():.4f}, NLL {raw:.4f} -> {nll:.4f}")
    print(f"score: {-nll:.4f}")
