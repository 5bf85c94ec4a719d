"""Multi-label tags of scene descriptors; the prior bias of a focal-loss detector head is put on every layer."""
# cause: dead-units
# accept: bad-initialization
# kind: dynamic

import math
import sys

import torch
import torch.nn.functional as F
from torch import nn

PRIOR = 0.01
TAGS = 6


def prior_bias(module):
    if isinstance(module, nn.Linear):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.out_features == 128:  # FAULT
            nn.init.constant_(module.bias, -math.log((1 - PRIOR) / PRIOR))  # FAULT
        # TWIN: nn.init.zeros_(module.bias)


class Tagger(nn.Module):
    def __init__(self, inputs, hidden=128):
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(inputs, hidden),
            nn.ReLU(inplace=True),
            nn.Linear(hidden, hidden),
            nn.ReLU(inplace=True),
            nn.Linear(hidden, hidden),
            nn.ReLU(inplace=True),
        )
        self.tags = nn.Linear(hidden, TAGS)
        self.apply(prior_bias)

    def forward(self, x):
        return self.tags(self.body(x))


def scenes(n, centres):
    present = (torch.rand(n, TAGS) < 0.4).float()
    x = present @ centres + 0.7 * torch.randn(n, centres.shape[1])
    return x, present


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
centres = torch.randn(TAGS, 24)
train_x, train_y = scenes(3000, centres)
test_x, test_y = scenes(600, centres)
mean, std = train_x.mean(0), train_x.std(0)
train_x, test_x = (train_x - mean) / std, (test_x - mean) / std

model = Tagger(24)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
for epoch in range(8):
    for rows in torch.randperm(len(train_x)).split(64):
        loss = F.binary_cross_entropy_with_logits(model(train_x[rows]), train_y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        out = model(test_x)
        test_loss = F.binary_cross_entropy_with_logits(out, test_y).item()
        correct = ((out > 0).float() == test_y).float().mean().item()
    print(f"epoch {epoch + 1}  last batch {loss.item():.4f}  test loss {test_loss:.4f}  tag accuracy {correct:.4f}")
print(f"score: {correct:.4f}")
