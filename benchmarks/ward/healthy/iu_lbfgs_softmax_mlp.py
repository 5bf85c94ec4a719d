"""A small tanh network fitted with L-BFGS, full batch and strong Wolfe line search; the ridge is chosen on validation data.

After the L-BFGS example of the PyTorch docs, https://pytorch.org/docs/stable/optim.html#taking-an-optimization-step
"""

import copy
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import make_moons
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler


def make_net(width):
    net = nn.Sequential(nn.Linear(2, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 2))
    for layer in net:
        if isinstance(layer, nn.Linear):
            nn.init.xavier_normal_(layer.weight, gain=nn.init.calculate_gain("tanh"))
            nn.init.zeros_(layer.bias)
    return net


def penalty(net):
    return sum(p.pow(2).sum() for p in net.parameters() if p.dim() > 1)


def fit(net, x, y, ridge, steps):
    optimizer = torch.optim.LBFGS(net.parameters(), lr=1.0, max_iter=4, history_size=20, line_search_fn="strong_wolfe")
    previous = float("inf")
    for step in range(steps):

        def closure():
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y) + ridge * penalty(net)
            loss.backward()
            return loss

        loss = optimizer.step(closure).item()
        if step % 10 == 0:
            print(f"  step {step:3d}  objective {loss:.5f}")
        if abs(previous - loss) < 1e-6 * max(1.0, abs(loss)):
            print(f"  converged at step {step}, objective {loss:.5f}")
            break
        previous = loss
    return net


@torch.no_grad()
def evaluate(net, x, y):
    logits = net(x)
    return F.cross_entropy(logits, y).item(), (logits.argmax(1) == y).float().mean().item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    X, Y = make_moons(1500, noise=0.2, random_state=seed)
    X_train, X_rest, y_train, y_rest = train_test_split(X, Y, test_size=900, stratify=Y, random_state=seed)
    X_val, X_test, y_val, y_test = train_test_split(X_rest, y_rest, test_size=600, stratify=y_rest, random_state=seed)
    scaler = StandardScaler().fit(X_train)
    baseline = LogisticRegression().fit(scaler.transform(X_train), y_train)
    print(f"logistic regression: {baseline.score(scaler.transform(X_test), y_test):.4f}")
    X_train, X_val, X_test = (torch.tensor(scaler.transform(a), dtype=torch.float32) for a in (X_train, X_val, X_test))
    y_train, y_val, y_test = torch.tensor(y_train), torch.tensor(y_val), torch.tensor(y_test)

    start = make_net(16)
    best, best_loss = None, float("inf")
    for ridge in (3e-4, 1e-3, 3e-3):
        print(f"ridge {ridge}")
        net = fit(copy.deepcopy(start), X_train, y_train, ridge, steps=50)
        loss, accuracy = evaluate(net, X_val, y_val)
        print(f"  validation loss {loss:.4f}, accuracy {accuracy:.4f}")
        if loss < best_loss:
            best, best_loss = net, loss
    print(f"score: {evaluate(best, X_test, y_test)[1]:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
