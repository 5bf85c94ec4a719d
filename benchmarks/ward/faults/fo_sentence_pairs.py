"""Natural language inference on made-up sentence pairs: entailment, contradiction or neutral.

After https://github.com/pytorch/pytorch/issues/715
"""
# cause: unregistered-parameters
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

OPTIONS = {"n_words": 40, "n_emb": 24, "n_hid": 96, "n_layers": 4, "act": "Tanh", "lr": 1e-3, "batch": 50}


def make_vectors(rng):
    """Fixed word vectors; every word has an opposite that points the other way, more or less."""
    words = rng.normal(0, 1, (OPTIONS["n_words"], OPTIONS["n_emb"]))
    opposites = -words + rng.normal(0, 0.2, words.shape)
    return words, opposites


def make_pairs(n, words, opposites, rng):
    premises, hypotheses, labels = [], [], rng.integers(0, 3, n)
    for label in labels:
        said = rng.choice(len(words), 4, replace=False)
        a, b = said[:2]
        premises.append(words[said].sum(0) / 2)
        if label == 0:
            second = words[b]
        elif label == 1:
            second = opposites[b]
        else:
            second = words[rng.choice(np.setdiff1d(np.arange(len(words)), said))]
        hypotheses.append((words[a] + second) / np.sqrt(2))
    x = np.concatenate([premises, hypotheses, np.array(premises) * np.array(hypotheses)], axis=1)
    return torch.tensor(x, dtype=torch.float32), torch.tensor(labels)


class SNLINet(nn.Module):
    def __init__(self, options):
        super().__init__()
        indim = 3 * options["n_emb"]
        hids = []
        for li in range(options["n_layers"]):
            hids.append(nn.Linear(indim, options["n_hid"]))
            hids.append(getattr(nn, options["act"])())
            indim = options["n_hid"]
        self.hids = hids  # FAULT
        # TWIN: self.hids = nn.ModuleList(hids)
        self.classifier = nn.Linear(options["n_hid"], 3)

    def forward(self, x):
        for layer in self.hids:
            x = layer(x)
        return self.classifier(x)


def accuracy(net, x, y):
    net.eval()
    with torch.no_grad():
        return (net(x).argmax(1) == y).float().mean().item()


def main(seed):
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    torch.set_num_threads(1)

    words, opposites = make_vectors(rng)
    x_train, y_train = make_pairs(4000, words, opposites, rng)
    x_valid, y_valid = make_pairs(1000, words, opposites, rng)

    net = SNLINet(OPTIONS)
    optimizer = torch.optim.Adam(net.parameters(), lr=OPTIONS["lr"])

    for epoch in range(16):
        net.train()
        losses = []
        for idx in torch.randperm(len(x_train)).split(OPTIONS["batch"]):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x_train[idx]), y_train[idx])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        if epoch % 2 == 1:
            print(f"Epoch {epoch + 1} loss {np.mean(losses):.4f} valid accuracy {accuracy(net, x_valid, y_valid):.4f}")

    print(f"score: {accuracy(net, x_valid, y_valid):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
