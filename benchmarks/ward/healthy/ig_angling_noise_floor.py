"""Catch of angling trips from weather and water; most of it is luck, and the program says what could be had at best.

Both mean and spread are fitted, the rate is lowered when the validation loss rests, and the best state is kept.
"""

import copy
import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def trips(n, generator):
    x = torch.randn(n, 6, generator=generator)
    expected = 0.5 * x[:, 0] - 0.4 * x[:, 1].clamp(min=0) + 0.4 * torch.sin(1.5 * x[:, 2])
    luck = 0.7 * torch.exp(0.4 * x[:, 3])
    catch = expected + luck * torch.randn(n, generator=generator)
    return x, catch, expected


class Forecast(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 40), nn.SiLU(), nn.Linear(40, 40), nn.SiLU())
        self.mean = nn.Linear(40, 1)
        self.log_var = nn.Linear(40, 1)

    def forward(self, x):
        h = self.body(x)
        return self.mean(h).squeeze(1), self.log_var(h).squeeze(1).exp()


def validation(model, x, y):
    model.eval()
    with torch.no_grad():
        mean, variance = model(x)
        return nn.functional.gaussian_nll_loss(mean, y, variance).item()


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    x, y, _ = trips(5000, generator)
    x_val, y_val, _ = trips(1000, generator)
    x_test, y_test, expected = trips(2000, generator)
    loader = DataLoader(TensorDataset(x, y), batch_size=100, shuffle=True)

    model = Forecast()
    nll = nn.GaussianNLLLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.3, patience=2)
    best, best_state, waited = float("inf"), None, 0
    for epoch in range(40):
        model.train()
        for xb, yb in loader:
            mean, variance = model(xb)
            loss = nll(mean, yb, variance)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 2.0)
            optimizer.step()
        current = validation(model, x_val, y_val)
        plateau.step(current)
        print(f"epoch {epoch + 1:2d}: validation nll {current:.4f}, rate {optimizer.param_groups[0]['lr']:.5f}")
        if current < best - 1e-4:
            best, best_state, waited = current, copy.deepcopy(model.state_dict()), 0
        else:
            waited += 1
            if waited == 8:
                break
    model.load_state_dict(best_state)
    model.eval()
    with torch.no_grad():
        mean, _ = model(x_test)
    total = y_test.var(unbiased=False)
    ceiling = 1 - ((expected - y_test) ** 2).mean() / total
    print(f"R2 of the true expectation: {ceiling.item():.4f}")
    print(f"score: {(1 - ((mean - y_test) ** 2).mean() / total).item():.4f}")


if __name__ == "__main__":
    main()
