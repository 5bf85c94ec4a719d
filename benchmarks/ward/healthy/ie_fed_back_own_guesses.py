"""Rolls a crane's swinging load forward from its drive; in training the model is fed its own guesses ever more often.

Scheduled sampling: the share of true states among the inputs falls from one to nought, so that the training loss may
rise for a while although the model gets better at what it is for, the free run.
"""

import argparse

import torch
from torch import nn

STEPS, DT = 30, 0.12


def swings(count):
    """Angle and rate of a damped pendulum under a jerky drive."""
    drive = torch.randn(count, STEPS // 5).repeat_interleave(5, dim=1)
    state = torch.stack([torch.rand(count) * 2 - 1, torch.randn(count) * 0.5], dim=1)
    states = [state]
    for t in range(STEPS):
        angle, rate = states[-1].unbind(1)
        for _ in range(4):
            rate = rate + DT / 4 * (-2.5 * torch.sin(angle) - 0.25 * rate + 1.2 * drive[:, t])
            angle = angle + DT / 4 * rate
        states.append(torch.stack([angle, rate], dim=1))
    states = torch.stack(states, dim=1)
    return drive, states + 0.01 * torch.randn_like(states)


class Stepper(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(3, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 2)
        )

    def forward(self, state, drive):
        return state + self.net(torch.cat([state, drive.unsqueeze(1)], dim=1))

    def roll(self, drive, states, truth):
        """Predictions of all states; each input is the true one with probability `truth`, else the last guess."""
        guess, guesses = states[:, 0], []
        for t in range(drive.shape[1]):
            keep = (torch.rand(len(drive), 1) < truth).float() if t else torch.ones(len(drive), 1)
            guess = self(keep * states[:, t] + (1 - keep) * guess, drive[:, t])
            guesses.append(guess)
        return torch.stack(guesses, dim=1)


def free_run_r2(model, drive, states):
    model.eval()
    with torch.no_grad():
        error = (model.roll(drive, states, truth=0.0) - states[:, 1:]).pow(2).mean()
    return 1 - (error / states[:, 1:].var()).item()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", nargs="?", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=16)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    drive, states = swings(1200)
    train, test = slice(0, 1000), slice(1000, None)
    model = Stepper()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, options.epochs)
    for epoch in range(options.epochs):
        truth = max(0.0, 1 - epoch / (0.6 * options.epochs))
        model.train()
        losses = []
        for rows in torch.randperm(1000).split(40):
            guesses = model.roll(drive[train][rows], states[train][rows], truth)
            loss = nn.functional.mse_loss(guesses, states[train][rows][:, 1:])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item())
        scheduler.step()
        r2 = free_run_r2(model, drive[test], states[test])
        print(f"epoch {epoch:2d}  truth {truth:.2f}  loss {sum(losses) / len(losses):.5f}  free run R2 {r2:.4f}")
    print(f"score: {free_run_r2(model, drive[test], states[test]):.4f}")
