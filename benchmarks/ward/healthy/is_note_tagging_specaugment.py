"""Tags which of eight notes sound in a clip (multi-label) from log spectrograms, with SpecAugment and averaged weights.

After the PANNs audio tagging code (https://github.com/qiuqiangkong/audioset_tagging_cnn) and SpecAugment
(https://arxiv.org/abs/1904.08779).
"""

import sys

import numpy as np
import torch
import torch.nn as nn
from sklearn.metrics import average_precision_score

RATE, LENGTH = 4000, 2048
NOTES = 262.0 * 2 ** (np.array([0, 2, 4, 5, 7, 9, 11, 12]) / 12)


def make_clips(rng, n):
    t = np.arange(LENGTH) / RATE
    tags = (rng.random((n, len(NOTES))) < 0.3).astype(np.float32)
    waves = np.zeros((n, LENGTH))
    for i in range(n):
        for k in np.flatnonzero(tags[i]):
            f = NOTES[k] * 2 ** rng.normal(0, 0.01)
            tone = sum(rng.uniform(0.2, 1) / h * np.sin(2 * np.pi * f * h * t + rng.uniform(0, 6)) for h in (1, 2, 3))
            start = rng.integers(0, LENGTH // 2)
            envelope = np.where(t >= t[start], np.exp(-rng.uniform(2, 6) * (t - t[start]).clip(0)), 0)
            waves[i] += rng.uniform(0.4, 1.0) * tone * envelope
    waves += rng.normal(0, 0.25, waves.shape)
    return torch.tensor(waves, dtype=torch.float32), torch.from_numpy(tags)


def log_spectrogram(waves):
    spec = torch.stft(waves, n_fft=256, hop_length=128, window=torch.hann_window(256), return_complex=True).abs() ** 2
    return torch.log(spec[:, 8:72] + 1e-3).unsqueeze(1)  # 125 Hz to 1.1 kHz


def spec_augment(x, max_freq=6, max_time=3):
    x = x.clone()
    for i in range(len(x)):
        f, t = int(torch.randint(0, max_freq + 1, (1,))), int(torch.randint(0, max_time + 1, (1,)))
        f0 = int(torch.randint(0, x.shape[2] - f + 1, (1,)))
        t0 = int(torch.randint(0, x.shape[3] - t + 1, (1,)))
        x[i, :, f0 : f0 + f] = 0.0
        x[i, :, :, t0 : t0 + t] = 0.0
    return x


class Tagger(nn.Module):
    def __init__(self, tags, c=12):
        super().__init__()

        def block(i, o):
            return nn.Sequential(
                nn.Conv2d(i, o, 3, padding=1, bias=False), nn.BatchNorm2d(o), nn.ReLU(), nn.AvgPool2d((2, 2))
            )

        self.blocks = nn.Sequential(block(1, c), block(c, 2 * c), block(2 * c, 2 * c))
        self.fc = nn.Sequential(nn.Dropout(0.2), nn.Linear(2 * c * 8, 64), nn.ReLU(), nn.Linear(64, tags))

    def forward(self, x):
        h = self.blocks(x)  # (batch, channels, frequency, time)
        h = h.amax(dim=3) + h.mean(dim=3)  # pooled over time, the pitch axis is kept
        return self.fc(h.flatten(1))


def evaluate(model, x, y):
    model.eval()
    with torch.no_grad():
        prob = torch.sigmoid(model(x)).numpy()
    return average_precision_score(y.numpy(), prob, average="macro")


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train_waves, y_train = make_clips(rng, 800)
    test_waves, y_test = make_clips(rng, 200)
    x_train, x_test = log_spectrogram(train_waves), log_spectrogram(test_waves)
    mean, std = x_train.mean(), x_train.std()
    x_train, x_test = (x_train - mean) / std, (x_test - mean) / std

    model = Tagger(len(NOTES))
    ema = torch.optim.swa_utils.AveragedModel(
        model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.95), use_buffers=True
    )
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    epochs, batch = 7, 40
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * len(x_train) // batch, eta_min=1e-4)
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for idx in torch.randperm(len(x_train)).split(batch):
            loss = criterion(model(spec_augment(x_train[idx])), y_train[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            ema.update_parameters(model)
            total += loss.item() * len(idx) / len(x_train)
        print(
            f"epoch {epoch + 1}: loss {total:.4f}, mAP {evaluate(model, x_test, y_test):.4f}, "
            f"averaged weights {evaluate(ema, x_test, y_test):.4f}"
        )
    print(f"share of positive tags (mAP by chance): {y_test.mean().item():.4f}")
    print(f"score: {evaluate(ema, x_test, y_test):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
