"""Wear of tram brakes (4 grades). Transforms by a factory that knows whether it is for training, loaders by a dict."""
# cause: train-validation-mismatch
# kind: dynamic

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

SETTINGS = {"epochs": 10, "batch_size": 40, "lr": 3e-3}


class Log:
    def __call__(self, x):
        return x.clamp(min=1e-3).log()


class Center:
    def __init__(self, middle):
        self.middle = middle

    def __call__(self, x):
        return x - self.middle


class Chain:
    def __init__(self, steps):
        self.steps = steps

    def __call__(self, x):
        for step in self.steps:
            x = step(x)
        return x


def get_transform(train):
    steps = [Log()]
    if train:  # FAULT
        steps.append(Center(3.0))  # FAULT
    # TWIN: steps.append(Center(3.0))
    return Chain(steps)


class Brakes(Dataset):
    def __init__(self, readings, grades, transform):
        self.readings, self.grades, self.transform = readings, grades, transform

    def __len__(self):
        return len(self.grades)

    def __getitem__(self, i):
        return self.transform(self.readings[i]), self.grades[i]


def measure(n, mix):
    z = torch.randn(n, 12)
    grade = (torch.tanh(z @ mix) @ mix.T[:, :4]).argmax(1)
    return torch.exp(3 + 0.6 * z), grade


def make_loaders(seed):
    mix = torch.randn(12, 12)
    return {
        phase: DataLoader(
            Brakes(*measure(n, mix), get_transform(phase == "train")), SETTINGS["batch_size"], phase == "train"
        )
        for phase, n in (("train", 1600), ("val", 400))
    }


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    loaders = make_loaders(seed)
    net = nn.Sequential(nn.Linear(12, 64), nn.GELU(), nn.Linear(64, 64), nn.GELU(), nn.Linear(64, 4))
    optimizer = torch.optim.AdamW(net.parameters(), lr=SETTINGS["lr"])
    for epoch in range(SETTINGS["epochs"]):
        for phase in ("train", "val"):
            net.train(phase == "train")
            right = 0
            with torch.set_grad_enabled(phase == "train"):
                for x, y in loaders[phase]:
                    out = net(x)
                    loss = nn.functional.cross_entropy(out, y)
                    if phase == "train":
                        optimizer.zero_grad()
                        loss.backward()
                        optimizer.step()
                    right += (out.argmax(1) == y).sum().item()
            acc = right / len(loaders[phase].dataset)
        print(f"{epoch}: {acc:.4f}")
    print(f"score: {acc:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
