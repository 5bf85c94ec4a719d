"""Predicts the next figure of a folk dance from the figures so far; a small GRU with probabilities for its output."""
# cause: missing-log
# kind: dynamic

import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F

FIGURES, LENGTH = 24, 16


def dances(count, seed):
    """Each figure is followed by one of three, by the figure before it as well."""
    g = torch.Generator().manual_seed(1234)
    follow = torch.rand(FIGURES, FIGURES, generator=g).argsort(-1)[:, :3]
    g = torch.Generator().manual_seed(seed)
    weights = torch.tensor([0.85, 0.10, 0.05])
    steps = torch.randint(0, FIGURES, (count, LENGTH), generator=g)
    for t in range(2, LENGTH):
        turn = steps[:, t - 2] % 3
        pick = (torch.multinomial(weights, count, replacement=True, generator=g) + turn) % 3
        steps[:, t] = follow[steps[:, t - 1], pick]
    return steps


class DanceModel(nn.Module):
    def __init__(self, embedding, hidden):
        super().__init__()
        self.embedding = nn.Embedding(FIGURES, embedding)
        self.gru = nn.GRU(embedding, hidden, batch_first=True)
        self.decoder = nn.Linear(hidden, FIGURES)

    def forward(self, steps):
        states, _ = self.gru(self.embedding(steps))
        return F.softmax(self.decoder(states), dim=-1)  # FAULT
        # TWIN: return F.log_softmax(self.decoder(states), dim=-1)


def batch_loss(model, steps):
    """The first two figures are free, so that they don't count."""
    output = model(steps[:, :-1])[:, 1:]
    target = steps[:, 2:]
    loss = F.nll_loss(output.reshape(-1, FIGURES), target.reshape(-1))
    return loss, (output.argmax(-1) == target).float().mean().item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", nargs="?", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch", type=int, default=40)
    parser.add_argument("--lr", type=float, default=4e-3)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)

    train, test = dances(2400, 2 * args.seed), dances(500, 2 * args.seed + 1)
    model = DanceModel(24, 64)
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, total_iters=args.epochs)
    for epoch in range(args.epochs):
        model.train()
        total, batches = 0.0, train[torch.randperm(len(train))].split(args.batch)
        for steps in batches:
            loss, _ = batch_loss(model, steps)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total += loss.item()
        scheduler.step()
        model.eval()
        with torch.no_grad():
            test_loss, hits = batch_loss(model, test)
        print(f"| epoch {epoch:2d} | train {total / len(batches):7.4f} | test {test_loss:7.4f} | accuracy {hits:.4f}")
    print(f"score: {hits:.4f}")


if __name__ == "__main__":
    main()
