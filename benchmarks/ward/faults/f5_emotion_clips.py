"""Emotion in speech clips (six classes, 40 acoustic features), labelled by nine online raters each.

Fault: the label is the first rater's answer, which is wrong for nearly half of the clips, instead of the majority's.
The test labels come from experts.
"""
# cause: noisy-labels
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
rng = np.random.default_rng(seed)

n_train, n_test, classes, raters = 1500, 500, 6, 9
emotion = rng.integers(0, classes, n_train + n_test)
center = rng.normal(0, 1, (classes, 2, 40))
style = rng.integers(0, 2, len(emotion))
features = 0.75 * center[emotion, style] + rng.normal(0, 1, (len(emotion), 40))
careless = rng.random((len(emotion), raters)) < 0.5
answers = np.where(careless, rng.integers(0, classes, (len(emotion), raters)), emotion[:, None])

tally = np.stack([(answers == k).sum(1) for k in range(classes)], axis=1)
train_y = torch.from_numpy(answers[:n_train, 0])  # FAULT
# TWIN: train_y = torch.from_numpy(tally[:n_train].argmax(1))
test_y = torch.from_numpy(emotion[n_train:])
mean, std = features[:n_train].mean(0), features[:n_train].std(0)
train_x, test_x = torch.from_numpy((features - mean) / std).float().split([n_train, n_test])

net = nn.Sequential(nn.Linear(40, 96), nn.GELU(), nn.Dropout(0.2), nn.Linear(96, classes))
optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.01)
for epoch in range(1, 26):
    net.train()
    agree, loss_sum = 0, 0.0
    for rows in torch.randperm(n_train).split(50):
        out = net(train_x[rows])
        loss = F.cross_entropy(out, train_y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        agree += out.argmax(1).eq(train_y[rows]).sum().item()
        loss_sum += loss.item() * len(rows)
    net.eval()
    with torch.no_grad():
        test_out = net(test_x)
    test_loss = F.cross_entropy(test_out, test_y).item()
    test_acc = test_out.argmax(1).eq(test_y).float().mean().item()
    if epoch % 5 == 0:
        print(f"epoch {epoch}: train {loss_sum / n_train:.3f} ({agree / n_train:.3f})", end=", ")
        print(f"test {test_loss:.3f} ({test_acc:.3f})")

print(f"score: {test_acc:.4f}")
