"""Neural style transfer: an L-BFGS optimised picture keeps the content of one image and takes the Gram statistics of
another, in the features of a small network first trained to tell textures apart.

After the neural style tutorial (https://pytorch.org/tutorials/advanced/neural_style_tutorial.html).
"""

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

SIZE = 24


def texture(rng, kind):
    yy, xx = np.mgrid[:SIZE, :SIZE]
    f, a, p = rng.uniform(0.9, 1.4), rng.uniform(0, np.pi), rng.uniform(0, 2 * np.pi, 2)
    u, v = np.cos(a) * xx + np.sin(a) * yy, np.cos(a) * yy - np.sin(a) * xx
    if kind == 0:
        img = np.sin(f * u + p[0])
    elif kind == 1:
        img = np.sign(np.sin(f * u + p[0]) * np.sin(f * v + p[1]))
    elif kind == 2:
        img = 2.0 * (np.cos(f * u + p[0]) + np.cos(f * v + p[1]) > 0.8) - 1
    else:
        img = np.tanh((yy - rng.uniform(6, 18)) * np.cos(a) + (xx - rng.uniform(6, 18)) * np.sin(a))
    colour = rng.uniform(-0.25, 0.25, (3, 1, 1))
    return (0.5 + 0.3 * img[None] + colour + rng.normal(0, 0.05, (3, SIZE, SIZE))).clip(0, 1)


def gram_matrix(x):
    b, c, h, w = x.size()
    features = x.view(b * c, h * w)
    return features @ features.t() / (b * c * h * w)


def make_cnn():
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 16, 3, padding=1),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 4),
    )


def features(cnn, x):
    out = []
    for layer in cnn[:7]:
        x = layer(x)
        if isinstance(layer, nn.ReLU):
            out.append(x)
    return out


def train_cnn(cnn, rng):
    labels = torch.arange(4).repeat(200)
    images = torch.tensor(np.stack([texture(rng, int(k)) for k in labels]), dtype=torch.float32) - 0.5
    n_train = 640
    optimizer = torch.optim.Adam(cnn.parameters(), lr=3e-3)
    for epoch in range(10):
        for idx in torch.randperm(n_train).split(40):
            loss = F.cross_entropy(cnn(images[idx]), labels[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            acc = (cnn(images[n_train:]).argmax(1) == labels[n_train:]).float().mean().item()
        print(f"texture network, epoch {epoch}: validation accuracy {acc:.3f}")


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    cnn = make_cnn()
    train_cnn(cnn, rng)
    cnn.eval().requires_grad_(False)

    content = torch.tensor(texture(rng, 3), dtype=torch.float32).unsqueeze(0)
    style = torch.tensor(texture(rng, 1), dtype=torch.float32).unsqueeze(0)
    style_targets = [gram_matrix(f) for f in features(cnn, style - 0.5)]
    content_target = features(cnn, content - 0.5)[-1]
    logits = torch.logit(content.clamp(0.02, 0.98)).requires_grad_(True)  # the sigmoid keeps pixels between 0 and 1
    optimizer = torch.optim.LBFGS([logits], max_iter=10, history_size=20, line_search_fn="strong_wolfe")
    style_weight, content_weight = 1e4, 1.0

    def losses():
        feats = features(cnn, torch.sigmoid(logits) - 0.5)
        style_score = sum(F.mse_loss(gram_matrix(f), t) for f, t in zip(feats, style_targets))
        return style_score, F.mse_loss(feats[-1], content_target)

    with torch.no_grad():
        style_start = losses()[0].item()
    print("Optimizing..")
    for run in range(12):

        def closure():
            optimizer.zero_grad()
            style_score, content_score = losses()
            loss = style_weight * style_score + content_weight * content_score
            loss.backward()
            return loss

        optimizer.step(closure)
        if run % 3 == 2:
            with torch.no_grad():
                s, c = losses()
            print(f"run {run + 1}: style loss {style_weight * s.item():.4f} content loss {c.item():.4f}")
    with torch.no_grad():
        style_end = losses()[0].item()
    print("share of the style distance removed:")
    print(f"score: {1 - style_end / style_start:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
