"""Follows the gear of a test-bench gearbox from the log of its commands; the state is predicted after every command.

Weight decay is for weights only, so biases and norms go to a group of their own, by name.
"""
# cause: parameters-not-in-optimizer
# kind: dynamic

import sys

import torch
from torch import nn

COMMANDS = {"up": 0, "down": 1, "hold": 2, "neutral": 3, "reverse": 4, "clutch": 5}
GEARS = 7  # reverse, neutral, 1 to 5
STEPS = 30


def drive(count, generator):
    """Command logs and the gear after each command; a shift counts only while the clutch is pressed."""
    weights = torch.tensor([0.32, 0.2, 0.12, 0.05, 0.06, 0.25])
    commands = torch.multinomial(weights, count * STEPS, replacement=True, generator=generator).view(count, STEPS)
    gears = torch.empty_like(commands)
    for row in range(count):
        gear, pressed = 1, True
        for step, command in enumerate(commands[row].tolist()):
            if command == 5:
                pressed = not pressed
            elif pressed and command == 0:
                gear = min(gear + 1, GEARS - 1)
            elif pressed and command == 1:
                gear = max(gear - 1, 1)
            elif pressed and command == 3:
                gear = 1
            elif pressed and command == 4 and gear <= 1:
                gear = 0
            gears[row, step] = gear
    return commands, gears


class GearTracker(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.embedding = nn.Embedding(len(COMMANDS), 16)
        self.gru = nn.GRU(16, width, batch_first=True)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, GEARS)

    def forward(self, commands):
        return self.head(self.norm(self.gru(self.embedding(commands))[0]))


def make_optimizer(model, rate=5e-3, decay=1e-3):
    weights = [p for name, p in model.named_parameters() if name.endswith(".weight") and "norm" not in name]
    others = [p for name, p in model.named_parameters() if name.endswith(".bias") or "norm" in name]
    # TWIN: weights += [p for name, p in model.gru.named_parameters() if name.startswith("weight")]
    # TWIN: others += [p for name, p in model.gru.named_parameters() if name.startswith("bias")]
    groups = [{"params": weights, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=rate)


class Trainer:
    def __init__(self, model, data, held_out, batch=40):
        self.model, self.data, self.held_out, self.batch = model, data, held_out, batch
        self.optimizer = make_optimizer(model)
        self.criterion = nn.CrossEntropyLoss()

    def fit(self, epochs):
        for epoch in range(epochs):
            self.model.train()
            for chosen in torch.randperm(len(self.data[0])).split(self.batch):
                commands, gears = (part[chosen] for part in self.data)
                self.optimizer.zero_grad()
                loss = self.criterion(self.model(commands).flatten(0, 1), gears.flatten())
                loss.backward()
                nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
                self.optimizer.step()
            print(f"epoch {epoch + 1:2d}  loss {loss.item():.4f}  held-out {self.evaluate():.4f}")

    @torch.no_grad()
    def evaluate(self):
        self.model.eval()
        commands, gears = self.held_out
        return (self.model(commands).argmax(-1) == gears).float().mean().item()


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    trainer = Trainer(GearTracker(), drive(1200, generator), drive(300, generator))
    trainer.fit(epochs=12)
    print(f"score: {trainer.evaluate():.4f}")
