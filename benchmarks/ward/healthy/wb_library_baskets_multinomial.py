"""Books that readers borrow, by a denoising autoencoder with a multinomial likelihood (Liang et al. 2018): a softmax
shares the next loans among all titles. Score: share of held-back loans among the first ten.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)


def main(seed):
    torch.manual_seed(seed)
    taste = torch.randn(1200, 4)
    books = 1.6 * torch.randn(4, 150)
    liked = torch.zeros(1200, 150).scatter_(1, torch.multinomial((taste @ books).softmax(1), 14), 1.0)
    kept = liked * (torch.rand_like(liked) < 0.75)
    net = nn.Sequential(nn.Linear(150, 64), nn.Tanh(), nn.Linear(64, 150))
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3, weight_decay=1e-5)
    for epoch in range(25):
        for rows in torch.randperm(1000).split(50):
            x = liked[rows]
            logits = net(F.normalize(F.dropout(x, 0.5)))
            loss = -(F.log_softmax(logits, dim=1) * x).sum(1).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        scores = net(F.normalize(kept[1000:])).masked_fill(kept[1000:] > 0, -1e9)
        back = liked[1000:] - kept[1000:]
        hits = back.gather(1, scores.topk(10, dim=1).indices).sum(1)
    print(f"score: {(hits / back.sum(1).clamp(1, 10)).mean().item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
