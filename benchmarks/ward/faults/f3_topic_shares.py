"""Predicts the shares of six topics in a document from its word frequencies. F.kl_div wants log-probabilities as its
input and is given the softmax itself."""
# cause: missing-log
# kind: dynamic

import argparse

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

N_WORDS, N_TOPICS = 80, 6


def corpus(n, rng, topics):
    shares = rng.dirichlet([0.5] * N_TOPICS, size=n)
    counts = np.stack([rng.multinomial(120, p) for p in shares @ topics])
    return torch.tensor(np.sqrt(counts), dtype=torch.float32), torch.tensor(shares, dtype=torch.float32)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    seed = parser.parse_args().seed
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    topics = rng.dirichlet([0.2] * N_WORDS, size=N_TOPICS)
    words, shares = corpus(1600, rng, topics)
    words = (words - words[:1200].mean(0)) / (words[:1200].std(0) + 0.5)
    train = torch.utils.data.TensorDataset(words[:1200], shares[:1200])
    loader = torch.utils.data.DataLoader(train, batch_size=40, shuffle=True)

    model = nn.Sequential(nn.Linear(N_WORDS, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, N_TOPICS))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(20):
        model.train()
        total = 0.0
        for x, target in loader:
            optimizer.zero_grad()
            pred = F.softmax(model(x), dim=1)  # FAULT
            # TWIN: pred = F.log_softmax(model(x), dim=1)
            loss = F.kl_div(pred, target, reduction="batchmean")
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(f"epoch {epoch + 1:2d}: {total / len(loader):.4f}")

    model.eval()
    with torch.no_grad():
        guess = torch.softmax(model(words[1200:]), dim=1)
        error = (guess - shares[1200:]).abs().sum(1).mean().item() / 2
    print(f"mean share put on the wrong topic: {error:.4f}")
    print(f"score: {1 - error:.4f}")


if __name__ == "__main__":
    main()
