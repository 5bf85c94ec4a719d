"""Does a log session contain its opening event twice? A small transformer over 12 event codes, mean of the tokens.

The batches are (session, position), as everywhere else in the code base.
"""
# cause: batch-mixing
# kind: dynamic

import argparse

import torch
from torch import nn

EVENTS, LENGTH, WIDTH = 10, 10, 32


def sessions(n):
    code = torch.randint(0, EVENTS, (n, LENGTH))
    first = code[:, :1]
    rest = code[:, 1:]
    rest = torch.where(rest == first, (rest + torch.randint(1, EVENTS, rest.shape)) % EVENTS, rest)
    again = torch.rand(n) < 0.5
    place = torch.randint(0, LENGTH - 1, (n,))
    rest[again, place[again]] = first[again, 0]
    return torch.cat([first, rest], dim=1), again.float()


class SessionNet(nn.Module):
    def __init__(self, layers=2, heads=4):
        super().__init__()
        self.code = nn.Embedding(EVENTS, WIDTH)
        self.place = nn.Parameter(0.5 * torch.randn(LENGTH, WIDTH))
        layer = nn.TransformerEncoderLayer(WIDTH, heads, 64, dropout=0.0)  # FAULT
        # TWIN: layer = nn.TransformerEncoderLayer(WIDTH, heads, 64, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, layers)
        self.head = nn.Linear(WIDTH, 1)

    def forward(self, code):
        tokens = self.encoder(self.code(code) + self.place)
        return self.head(tokens.mean(dim=1)).squeeze(1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("--updates", type=int, default=800)
    parser.add_argument("--warmup", type=int, default=60)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)

    test_code, test_again = sessions(1000)
    model = SessionNet()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-2)
    warm = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: min((s + 1) / args.warmup, max(0.02, 1 - s / args.updates))
    )
    criterion = nn.BCEWithLogitsLoss()
    average = None
    for update in range(args.updates):
        code, again = sessions(64)
        loss = criterion(model(code), again)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        warm.step()
        average = loss.item() if average is None else 0.95 * average + 0.05 * loss.item()
        if update % 100 == 99:
            print(f"update {update + 1}: loss {average:.4f}")

    model.eval()
    with torch.no_grad():
        logits = torch.cat([model(batch) for batch in test_code.split(100)])
    print(f"score: {((logits > 0) == (test_again > 0.5)).float().mean().item():.4f}")


if __name__ == "__main__":
    main()
