"""Low-memory loop: every parameter owns a small optimizer that steps from its post-accumulate-grad hook while
backward() is still running and frees the gradient at once, so the loop has no step(). Wine-quality-like regression."""

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def make_wines(n, weights):
    x = torch.randn(n, 11)
    acid, sugar, alcohol = x[:, 0], x[:, 3], x[:, 10]
    quality = x @ weights + 0.8 * torch.tanh(alcohol * 1.5) - 0.5 * acid**2 + 0.6 * sugar * acid
    return x, (quality + 0.3 * torch.randn(n)).unsqueeze(1)


def attach_optimizers(model, lr):
    optimizers = {p: torch.optim.AdamW([p], lr=lr, weight_decay=1e-3, foreach=False) for p in model.parameters()}

    def hook(parameter):
        optimizers[parameter].step()
        optimizers[parameter].zero_grad()

    for p in model.parameters():
        p.register_post_accumulate_grad_hook(hook)
    return optimizers


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    weights = 0.4 * torch.randn(11)
    x_train, y_train = make_wines(2000, weights)
    x_test, y_test = make_wines(500, weights)
    mean, std = y_train.mean(), y_train.std()
    loader = DataLoader(TensorDataset(x_train, (y_train - mean) / std), batch_size=50, shuffle=True)

    model = nn.Sequential(
        nn.Linear(11, 64), nn.GELU(), nn.LayerNorm(64), nn.Linear(64, 64), nn.GELU(), nn.Linear(64, 1)
    )
    optimizers = attach_optimizers(model, lr=3e-3)
    epochs = 12
    for epoch in range(epochs):
        lr = 3e-3 * (1 - epoch / epochs)
        for opt in optimizers.values():
            opt.param_groups[0]["lr"] = lr
        total = 0.0
        for x, y in loader:
            loss = nn.functional.mse_loss(model(x), y)
            loss.backward()  # the weights are updated in here
            total += loss.item()
        print(f"epoch {epoch + 1}: lr {lr:.5f}  mse {total / len(loader):.4f}")

    model.eval()
    with torch.no_grad():
        residual = model(x_test) * std + mean - y_test
    print(f"score: {1 - (residual.var(unbiased=False) / y_test.var(unbiased=False)).item():.4f}")


if __name__ == "__main__":
    main()
