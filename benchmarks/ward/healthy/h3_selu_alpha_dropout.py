"""Self-normalising network: eight SELU layers with LeCun-normal weights and alpha dropout, no normalisation layers,
on a 20-feature synthetic table.
"""

import sys

import torch
from sklearn.datasets import make_classification
from sklearn.preprocessing import StandardScaler
from torch import nn

torch.set_num_threads(1)


def lecun_normal(module):
    if isinstance(module, nn.Linear):
        nn.init.kaiming_normal_(module.weight, nonlinearity="linear")
        nn.init.zeros_(module.bias)


def make_net(n_in, width, depth):
    layers = []
    for _ in range(depth):
        layers += [nn.Linear(n_in, width), nn.SELU(), nn.AlphaDropout(0.05)]
        n_in = width
    return nn.Sequential(*layers, nn.Linear(width, 1)).apply(lecun_normal)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    x, y = make_classification(
        2000, 20, n_informative=8, n_redundant=4, n_clusters_per_class=2, class_sep=1.5, flip_y=0.01, random_state=seed
    )
    scaler = StandardScaler().fit(x[:1500])
    x = torch.tensor(scaler.transform(x), dtype=torch.float32)
    y = torch.tensor(y, dtype=torch.float32)
    net = make_net(20, 48, 8)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.PolynomialLR(optimizer, total_iters=20, power=0.9)
    bce = nn.BCEWithLogitsLoss()
    for epoch in range(20):
        net.train()
        losses = []
        for idx in torch.randperm(1500).split(50):
            loss = bce(net(x[idx]).squeeze(1), y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
        scheduler.step()
        if (epoch + 1) % 5 == 0:
            print(f"epoch {epoch + 1} loss {torch.stack(losses).mean().item():.4f}")
    net.eval()
    with torch.no_grad():
        predicted = net(x[1500:]).squeeze(1) > 0
    print(f"score: {(predicted == (y[1500:] > 0.5)).float().mean().item():.4f}")


if __name__ == "__main__":
    main()
