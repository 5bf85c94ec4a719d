"""Recognise handwritten digits with a convolutional net.

Fault: the digit is predicted as one number with the mean squared error on class numbers, as if 3 lay between 2 and 4.
"""
# cause: loss-output-mismatch
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_digits

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
np.random.seed(seed)
torch.manual_seed(seed)
torch.set_num_threads(1)

data = load_digits()
idx = np.random.permutation(len(data.target))
images = torch.from_numpy(data.images[idx]).float().unsqueeze(1) / 16
labels = torch.from_numpy(data.target[idx])
x_train, y_train = images[:1300], labels[:1300]
x_test, y_test = images[1300:], labels[1300:]

cnn = nn.Sequential(
    nn.Conv2d(1, 8, kernel_size=3, padding=1),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Conv2d(8, 16, kernel_size=3, padding=1),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Flatten(),
    nn.Linear(64, 32),
    nn.ReLU(),
    nn.Linear(32, 1),  # FAULT
    # TWIN: nn.Linear(32, 10),
)
loss_fn = nn.MSELoss()  # FAULT
# TWIN: loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(cnn.parameters(), lr=3e-3)

for epoch in range(15):
    perm = torch.randperm(len(x_train))
    losses = []
    for i in range(0, len(perm), 50):
        batch = perm[i : i + 50]
        optimizer.zero_grad()
        output = cnn(x_train[batch])
        loss = loss_fn(output.squeeze(1), y_train[batch].float())  # FAULT
        # TWIN: loss = loss_fn(output, y_train[batch])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    print("Epoch", epoch + 1, "loss", round(float(np.mean(losses)), 4))

with torch.no_grad():
    predicted = cnn(x_test).squeeze(1).round().long()  # FAULT
    # TWIN: predicted = cnn(x_test).argmax(dim=1)
print(f"score: {(predicted == y_test).float().mean().item():.4f}")
