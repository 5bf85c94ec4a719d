"""A temporal convolutional network has to recall a few symbols after a long blank (the copying memory task).

After TCN/copy_memory of https://github.com/locuslab/TCN (weight norm, dilations, RMSprop, clipping).
"""

import sys

import torch
import torch.nn as nn
from torch.nn.utils.parametrizations import weight_norm


def data_generator(blank_len, seq_len, n):
    """Digits 1-8 at the start, blanks, a row of nines that asks for them, and the digits again as targets at the end."""
    digits = torch.randint(1, 9, (n, seq_len))
    x = torch.cat([digits, torch.zeros(n, blank_len, dtype=torch.long), torch.full((n, seq_len + 1), 9)], dim=1)
    y = torch.cat([torch.zeros(n, blank_len + seq_len + 1, dtype=torch.long), digits], dim=1)
    return x, y


class CausalConv(nn.Module):
    def __init__(self, n_in, n_out, kernel_size, dilation):
        super().__init__()
        self.padding = (kernel_size - 1) * dilation
        conv = nn.Conv1d(n_in, n_out, kernel_size, dilation=dilation)
        nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
        nn.init.zeros_(conv.bias)
        self.conv = weight_norm(conv)

    def forward(self, x):
        return self.conv(nn.functional.pad(x, (self.padding, 0)))


class TemporalBlock(nn.Module):
    def __init__(self, n_in, n_out, kernel_size, dilation):
        super().__init__()
        self.net = nn.Sequential(
            CausalConv(n_in, n_out, kernel_size, dilation),
            nn.ReLU(),
            CausalConv(n_out, n_out, kernel_size, dilation),
            nn.ReLU(),
        )
        self.downsample = nn.Conv1d(n_in, n_out, 1) if n_in != n_out else nn.Identity()

    def forward(self, x):
        return torch.relu(self.net(x) + self.downsample(x))


class TCN(nn.Module):
    def __init__(self, n_classes, channels, kernel_size):
        super().__init__()
        widths = [n_classes, *channels]
        self.blocks = nn.Sequential(
            *[TemporalBlock(a, b, kernel_size, 2**i) for i, (a, b) in enumerate(zip(widths[:-1], widths[1:]))]
        )
        self.out = nn.Linear(channels[-1], n_classes)
        self.n_classes = n_classes

    def forward(self, x):
        one_hot = nn.functional.one_hot(x, self.n_classes).float().transpose(1, 2)
        return self.out(self.blocks(one_hot).transpose(1, 2))


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    blank_len, seq_len, n_classes = 20, 5, 10
    batch_size, epochs, clip = 32, 3, 1.0
    train_x, train_y = data_generator(blank_len, seq_len, 3600)
    test_x, test_y = data_generator(blank_len, seq_len, 500)

    model = TCN(n_classes, [24] * 3, kernel_size=6)  # receptive field: 1 + 2 * 5 * (1 + 2 + 4) = 71 steps
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=2e-3)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[1, 2], gamma=0.3)

    def evaluate():
        model.eval()
        with torch.no_grad():
            out = model(test_x)
            loss = criterion(out.reshape(-1, n_classes), test_y.reshape(-1))
            recalled = (out.argmax(-1) == test_y)[:, -seq_len:].float().mean()
        return loss.item(), recalled.item()

    for epoch in range(1, epochs + 1):
        model.train()
        total_loss = 0.0
        order = torch.randperm(len(train_x))
        for batch_idx, idx in enumerate(order.split(batch_size), 1):
            optimizer.zero_grad()
            out = model(train_x[idx])
            loss = criterion(out.reshape(-1, n_classes), train_y[idx].reshape(-1))
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), clip)
            optimizer.step()
            total_loss += loss.item()
            if batch_idx % 50 == 0:
                print(
                    f"| epoch {epoch} | {batch_idx:4d} batches | lr {scheduler.get_last_lr()[0]:.5f} | loss {total_loss / 50:.6f}"
                )
                total_loss = 0.0
        scheduler.step()
        test_loss, recalled = evaluate()
        print(f"test loss {test_loss:.6f}, symbols recalled {recalled:.4f} (chance {1 / 8:.3f})")

    print(f"score: {recalled:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
