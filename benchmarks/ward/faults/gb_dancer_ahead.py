"""Where a dancer will stand half a second later: a recurrent network is fed its own guesses for ten steps ahead while
the share of true inputs is lowered from all to none over training, so the training loss rises while the task gets
harder and falls again later."""
# cause: parameters-not-in-optimizer
# kind: dynamic

import sys

import torch
from torch import nn

SEEN, AHEAD, BATCH, STEPS = 12, 10, 64, 400


def paths(count):
    """Turning figures whose size swells, seen with a little jitter."""
    time = torch.arange(SEEN + AHEAD) * 0.35
    pace, phase = 0.7 + 0.6 * torch.rand(count, 1), 6.28 * torch.rand(count, 1)
    size = 1 + 0.3 * torch.sin(0.4 * time + 6.28 * torch.rand(count, 1))
    angle = pace * time + phase
    path = torch.stack([size * torch.cos(angle), size * torch.sin(angle)], dim=2)
    return path + 0.02 * torch.randn_like(path)


class Follower(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.cell = nn.GRUCell(2, width)
        self.move = nn.Linear(width, 2)
        self.width = width

    def forward(self, path, truth):
        state = path.new_zeros(len(path), self.width)
        guesses, guess = [], None
        for t in range(SEEN + AHEAD - 1):
            place = path[:, t]
            if t >= SEEN:
                shown = (torch.rand(len(path), 1) < truth).float()
                place = shown * place + (1 - shown) * guess
            state = self.cell(place, state)
            guess = place + self.move(state)
            if t >= SEEN - 1:
                guesses.append(guess)
        return torch.stack(guesses, dim=1)


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    train, held = paths(3000), paths(500)
    model = Follower()
    optimizer = torch.optim.Adam(model.move.parameters(), lr=4e-3)  # FAULT
    # TWIN: optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    goal = held[:, SEEN:]
    for step in range(1, STEPS + 1):
        truth = max(0.0, 1 - step / (0.5 * STEPS))
        path = train[torch.randint(0, len(train), (BATCH,))]
        loss = nn.functional.mse_loss(model(path, truth), path[:, SEEN:])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        if step % 50 == 0:
            with torch.no_grad():
                r2 = 1 - ((model(held, 0.0) - goal).pow(2).mean() / goal.var()).item()
            print(f"step {step}: truth {truth:.2f}, loss {loss.item():.4f}, R2 on its own {r2:.4f}")
    print(f"score: {r2:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
