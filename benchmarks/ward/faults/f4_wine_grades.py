"""Wine cultivar from the chemistry table of scikit-learn with momentum SGD at a step far too long."""
# cause: learning-rate-too-high
# kind: dynamic

import random
import sys

import numpy as np
import torch
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn


def set_seed(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


class WineNet(nn.Module):
    def __init__(self, n_in, n_hidden, n_out):
        super().__init__()
        self.hidden = nn.Linear(n_in, n_hidden)
        self.hidden2 = nn.Linear(n_hidden, n_hidden)
        self.out = nn.Linear(n_hidden, n_out)

    def forward(self, x):
        x = torch.tanh(self.hidden(x))
        x = torch.tanh(self.hidden2(x))
        return self.out(x)


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
set_seed(seed)

X, y = load_wine(return_X_y=True)
X_tr, X_te, y_tr, y_te = train_test_split(X, y, test_size=0.35, stratify=y, random_state=seed)
scaler = StandardScaler().fit(X_tr)
X_tr = torch.from_numpy(scaler.transform(X_tr)).float()
X_te = torch.from_numpy(scaler.transform(X_te)).float()
y_tr, y_te = torch.from_numpy(y_tr), torch.from_numpy(y_te)

net = WineNet(13, 24, 3)
opt = torch.optim.SGD(net.parameters(), lr=8.0, momentum=0.9)  # FAULT
# TWIN: opt = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
crit = nn.CrossEntropyLoss()

for step in range(150):
    logits = net(X_tr)
    loss = crit(logits, y_tr)
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 10 == 0:
        print("step", step, "loss", round(loss.item(), 4))

net.eval()
with torch.no_grad():
    out = net(X_te)
    acc = (out.argmax(1) == y_te).float().mean().item()
    print("held-out loss", round(crit(out, y_te).item(), 4), "accuracy", round(acc, 4))
    print(f"score: {-crit(out, y_te).item():.4f}")
