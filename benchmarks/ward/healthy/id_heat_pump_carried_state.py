"""Next reading of a heat pump, eight pumps at once, with a GRU whose state runs on from window to window (detached)."""

import sys

import torch
from torch import nn

PUMPS, HOURS, WINDOW = 8, 1600, 20


def readings(hours):
    """A pump switches on below one temperature and off above another, unseen outdoor weather pulls on it."""
    temperature, on = torch.zeros(PUMPS), torch.ones(PUMPS)
    outdoor, series = torch.randn(PUMPS), []
    for _ in range(hours):
        outdoor = 0.97 * outdoor + 0.2 * torch.randn(PUMPS)
        on = torch.where(temperature > 1, 0.0, torch.where(temperature < -1, 1.0, on))
        temperature = temperature + 0.35 * on - 0.25 + 0.06 * outdoor + 0.03 * torch.randn(PUMPS)
        series.append(temperature)
    return torch.stack(series, dim=1).unsqueeze(2)


class PumpModel(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.gru = nn.GRU(1, hidden, batch_first=True)
        self.step = nn.Linear(hidden, 1)

    def forward(self, x, state=None):
        out, state = self.gru(x, state)
        return self.step(out), state


def run(model, series, optimizer=None):
    """One pass over the series in order; returns mean squared error of the hourly change."""
    state, total, count = None, 0.0, 0
    for start in range(0, series.shape[1] - WINDOW, WINDOW):
        x = series[:, start : start + WINDOW]
        change = 4 * (series[:, start + 1 : start + WINDOW + 1] - x)
        if state is not None:
            state = state.detach()
        with torch.set_grad_enabled(optimizer is not None):
            out, state = model(x, state)
            loss = nn.functional.mse_loss(out, change)
        if optimizer is not None:
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        if start >= 5 * WINDOW:
            total, count = total + loss.item(), count + 1
    return total / count


def main():
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    train, test = readings(HOURS), readings(500)
    model = PumpModel()
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 20)
    spread = (4 * test.diff(dim=1)).var().item()
    for epoch in range(20):
        model.train()
        train_error = run(model, train, optimizer)
        scheduler.step()
        model.eval()
        test_error = run(model, test)
        if epoch % 4 == 3:
            print(f"epoch {epoch + 1}: train {train_error:.4f}, test {test_error:.4f}")
    print(f"score: {1 - test_error / spread:.4f}")


if __name__ == "__main__":
    main()
