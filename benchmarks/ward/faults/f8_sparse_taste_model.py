"""Predicts how well people like a drink from what is in it. The marketing people wanted to see only the ingredients
that matter, hence an L1 term on the weights."""
# cause: over-regularization
# accept: underfitting
# kind: dynamic

import sys

import torch
from torch import nn

CONFIG = {
    "ingredients": 24,
    "hidden": 48,
    "lr": 3e-3,
    "l1": 2e-2,  # FAULT
    # TWIN: "l1": 1e-5,
    "batch": 64,
    "epochs": 24,
}


def drinks(n, generator):
    x = torch.randn(n, CONFIG["ingredients"], generator=generator)
    sweet, sour, fizz = x[:, 0] + 0.5 * x[:, 1], x[:, 2] - 0.5 * x[:, 3], x[:, 4]
    liking = sweet * sour - 0.6 * fizz**2 + 0.8 * torch.tanh(2 * x[:, 5]) + 0.5 * x[:, 6]
    return x, (liking + 0.55) / 1.75 + 0.15 * torch.randn(n, generator=generator)


class Taste(nn.Module):
    def __init__(self, inputs, hidden):
        super().__init__()
        self.first = nn.Linear(inputs, hidden)
        self.second = nn.Linear(hidden, hidden)
        self.last = nn.Linear(hidden, 1)

    def forward(self, x):
        x = torch.relu(self.first(x))
        x = torch.relu(self.second(x))
        return self.last(x).squeeze(1)

    def l1(self):
        return sum(layer.weight.abs().sum() for layer in (self.first, self.second, self.last))


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed + 17)
    x, y = drinks(4000, generator)
    x_test, y_test = drinks(600, generator)
    model = Taste(CONFIG["ingredients"], CONFIG["hidden"])
    optimizer = torch.optim.Adam(model.parameters(), lr=CONFIG["lr"])
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 8, gamma=0.4)
    for epoch in range(CONFIG["epochs"]):
        model.train()
        for rows in torch.randperm(len(x)).split(CONFIG["batch"]):
            fit = nn.functional.mse_loss(model(x[rows]), y[rows])
            loss = fit + CONFIG["l1"] * model.l1()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        scheduler.step()
        model.eval()
        with torch.no_grad():
            error = nn.functional.mse_loss(model(x_test), y_test)
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1} loss {loss.item():.4f} fit {fit.item():.4f} test {error.item():.4f}")
    print(f"score: {1 - (error / y_test.var()).item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
