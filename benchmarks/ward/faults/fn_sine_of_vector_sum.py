"""A multilayer perceptron that predicts the sine of the sum of a vector of four numbers, each -1, 0 or 1,
tested on combinations that were left out of training.

After https://stackoverflow.com/questions/5105718/multi-layer-neural-network-won-t-predict-negative-values
"""
# cause: output-range
# kind: dynamic

import itertools
import sys

import torch
import torch.nn as nn


class MultilayerPerceptron(nn.Module):
    def __init__(self, n_inputs=4, n_hidden=6):
        super().__init__()
        self.hidden = nn.Linear(n_inputs, n_hidden)
        self.output = nn.Linear(n_hidden, 1)

    def forward(self, x):
        h = torch.sigmoid(self.hidden(x))
        return torch.sigmoid(self.output(h))  # FAULT
        # TWIN: return self.output(h)


def make_vectors():
    vectors = torch.tensor(list(itertools.product([-1.0, 0.0, 1.0], repeat=4)))
    vectors = vectors[torch.randperm(len(vectors))]
    targets = torch.sin(vectors.sum(dim=1, keepdim=True))
    return vectors[:60], targets[:60], vectors[60:], targets[60:]


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    train_x, train_y, test_x, test_y = make_vectors()

    net = MultilayerPerceptron()
    error_function = nn.MSELoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05)

    for epoch in range(1, 1201):
        net.train()
        optimizer.zero_grad()
        error = error_function(net(train_x), train_y)
        error.backward()
        optimizer.step()
        if epoch % 200 == 0:
            print("epoch", epoch, "error", round(error.item(), 5))

    net.eval()
    with torch.no_grad():
        predicted = net(test_x)
    for x, wanted, got in list(zip(test_x, test_y, predicted))[:8]:
        print([int(v) for v in x], f"sin {wanted.item():.3f}  net {got.item():.3f}")

    rest = ((predicted - test_y) ** 2).sum()
    spread = ((test_y - test_y.mean()) ** 2).sum()
    print(f"score: {(1 - rest / spread).item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
