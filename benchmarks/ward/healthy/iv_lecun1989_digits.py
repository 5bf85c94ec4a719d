"""The 1989 convolutional network of LeCun et al. (tanh everywhere, +-1 targets, mean squared error, sparse H2) on small digits.

After https://github.com/karpathy/lecun1989-repro (repro.py and modern.py).
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


class Net(nn.Module):
    def __init__(self):
        super().__init__()

        def winit(fan_in, *shape):
            return (torch.rand(*shape) - 0.5) * 2 * 2.4 / fan_in**0.5

        self.H1w = nn.Parameter(winit(25, 12, 1, 5, 5))
        self.H1b = nn.Parameter(torch.zeros(12, 8, 8))
        # each group of four planes of H2 looks at eight of the twelve planes of H1
        self.H2w = nn.Parameter(winit(25 * 8, 12, 8, 5, 5))
        self.H2b = nn.Parameter(torch.zeros(12, 4, 4))
        self.H3w = nn.Parameter(winit(4 * 4 * 12, 4 * 4 * 12, 30))
        self.H3b = nn.Parameter(torch.zeros(30))
        self.outw = nn.Parameter(winit(30, 30, 10))
        self.outb = nn.Parameter(-torch.ones(10))  # nine of ten targets are -1

    def forward(self, x):
        x = F.pad(x, (2, 2, 2, 2), "constant", -1.0)
        x = torch.tanh(F.conv2d(x, self.H1w, stride=2) + self.H1b)
        x = F.pad(x, (2, 2, 2, 2), "constant", -1.0)
        a = F.conv2d(x[:, 0:8], self.H2w[0:4], stride=2)
        b = F.conv2d(x[:, 4:12], self.H2w[4:8], stride=2)
        c = F.conv2d(torch.cat((x[:, 0:4], x[:, 8:12]), dim=1), self.H2w[8:12], stride=2)
        x = torch.tanh(torch.cat((a, b, c), dim=1) + self.H2b)
        x = torch.tanh(x.flatten(1) @ self.H3w + self.H3b)
        return torch.tanh(x @ self.outw + self.outb)


def get_data(seed):
    digits = load_digits()
    X = torch.tensor(digits.images, dtype=torch.float32)[:, None]
    X = F.interpolate(X, size=(16, 16), mode="bilinear", align_corners=False)
    X = X / 8.0 - 1.0  # to [-1, 1]
    y = torch.tensor(digits.target)
    tr, te = train_test_split(range(len(y)), test_size=0.25, random_state=seed, stratify=digits.target)
    return X[tr], y[tr], X[te], y[te]


def targets(y):
    return 2.0 * F.one_hot(y, 10).float() - 1.0


@torch.no_grad()
def eval_split(model, name, X, y):
    model.eval()
    out = model(X)
    loss = torch.mean((targets(y) - out) ** 2).item()
    err = (out.argmax(1) != y).float().mean().item()
    print(f"eval: split {name:5s}. loss {loss:e}. error {err * 100:.2f}%. misses: {round(err * len(y))}")
    return err


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    Xtr, ytr, Xte, yte = get_data(seed)
    Ttr = targets(ytr)
    model = Net()
    print("# params:", sum(p.numel() for p in model.parameters()))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
    passes, batch = 12, 32
    for pass_num in range(passes):
        # linear decay of the rate over the passes
        for group in optimizer.param_groups:
            group["lr"] = 0.2 * (1 - pass_num / passes) + 0.02 * pass_num / passes
        model.train()
        for idx in torch.randperm(len(Xtr)).split(batch):
            yhat = model(Xtr[idx])
            loss = torch.mean((Ttr[idx] - yhat) ** 2)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        if (pass_num + 1) % 4 == 0:
            print(pass_num + 1)
            eval_split(model, "train", Xtr, ytr)
            eval_split(model, "test", Xte, yte)
    err = eval_split(model, "test", Xte, yte)
    print(f"score: {1 - err:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
