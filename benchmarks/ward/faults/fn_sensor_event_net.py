"""A convolutional classifier for short recordings of 25 sensors with two readings each: does the recording
contain the event (a bump that passes over neighbouring sensors) or not?

After https://stats.stackexchange.com/questions/481881/convolutional-neural-network-fails-even-when-given-answer
"""
# cause: softmax-single-unit
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn


def make_recordings(rng, n, steps=33, sensors=25):
    X = rng.normal(0, 0.5, size=(n, steps, sensors, 2)).astype(np.float32)
    y = (rng.random(n) < 0.5).astype(np.float32)
    t, s = np.mgrid[:steps, :sensors]
    for i in np.flatnonzero(y):
        t0, s0 = rng.integers(6, steps - 6), rng.integers(4, sensors - 4)
        bump = np.exp(-((t - t0) ** 2 / 18.0 + (s - s0) ** 2 / 8.0))
        X[i, :, :, 0] += 1.5 * bump
        X[i, :, :, 1] -= 1.5 * bump
    X = torch.from_numpy(X).permute(0, 3, 1, 2).contiguous()
    return X, torch.from_numpy(y).unsqueeze(1)


def CNN():
    return nn.Sequential(
        nn.Conv2d(2, 8, kernel_size=3, stride=2),
        nn.ReLU(),
        nn.Conv2d(8, 16, kernel_size=3, stride=2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(16 * 7 * 5, 1),
        nn.Softmax(dim=1),  # FAULT
        # TWIN: nn.Sigmoid(),
    )


def fit(model, train_X, train_y, epochs, batch_size=32):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    loss_fn = nn.BCELoss()
    model.train()
    for epoch in range(epochs):
        order = torch.randperm(len(train_X))
        total, right = 0.0, 0
        for i in range(0, len(order), batch_size):
            idx = order[i : i + batch_size]
            optimizer.zero_grad()
            out = model(train_X[idx])
            loss = loss_fn(out, train_y[idx])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
            right += (out.round() == train_y[idx]).sum().item()
        print(f"Epoch {epoch + 1}/{epochs} - loss: {total / len(order):.4f} - accuracy: {right / len(order):.4f}")


def main(seed):
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    torch.set_num_threads(1)

    train_X, train_y = make_recordings(rng, 600)
    test_X, test_y = make_recordings(rng, 300)

    model = CNN()
    fit(model, train_X, train_y, epochs=10)

    model.eval()
    with torch.no_grad():
        preds = model(test_X).round()
    print(
        "predicted positive:", int(preds.sum().item()), "of", len(preds), "- really positive:", int(test_y.sum().item())
    )
    print(f"score: {(preds == test_y).float().mean().item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
