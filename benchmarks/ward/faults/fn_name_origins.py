"""Guesses the language of a surname letter by letter with a small recurrent network,
trained on one name at a time as in the well-known tutorial. The names are made up by rule.

After https://github.com/spro/practical-pytorch/issues/9
"""
# cause: stale-optimizer
# accept: parameters-not-in-optimizer
# kind: dynamic

import random
import string
import sys

import torch
import torch.nn as nn

all_letters = string.ascii_lowercase
n_letters = len(all_letters)

beginnings = {
    "Italian": ["bel", "ros", "man", "cas", "fer"],
    "Russian": ["iv", "petr", "vol", "kuz", "sok"],
    "Japanese": ["tana", "saka", "yama", "mura", "kobo"],
    "German": ["sch", "weis", "hof", "kra", "bau"],
}
endings = {
    "Italian": ["lini", "etti", "ucci", "one"],
    "Russian": ["anov", "enko", "ovich", "insky"],
    "Japanese": ["moto", "shita", "guchi", "kawa"],
    "German": ["mann", "berg", "stein", "bauer"],
}
all_categories = list(beginnings)


def random_name(category):
    middle = "".join(random.choice(all_letters) for _ in range(random.randint(0, 2)))
    return random.choice(beginnings[category]) + middle + random.choice(endings[category])


def line_to_tensor(line):
    tensor = torch.zeros(len(line), 1, n_letters)
    for i, letter in enumerate(line):
        tensor[i][0][all_letters.index(letter)] = 1
    return tensor


class RNN(nn.Module):
    def __init__(self, input_size, hidden_size, output_size):
        super().__init__()
        self.hidden_size = hidden_size
        self.i2h = nn.Linear(input_size + hidden_size, hidden_size)
        self.i2o = nn.Linear(input_size + hidden_size, output_size)
        self.softmax = nn.LogSoftmax(dim=1)

    def forward(self, input, hidden):
        combined = torch.cat((input, hidden), 1)
        hidden = torch.tanh(self.i2h(combined))
        output = self.softmax(self.i2o(combined))
        return output, hidden

    def init_hidden(self):
        return torch.zeros(1, self.hidden_size)


def evaluate(rnn, line):
    hidden = rnn.init_hidden()
    for letter in line_to_tensor(line):
        output, hidden = rnn(letter, hidden)
    return output


def train(rnn, optimizer, criterion, category, line):
    optimizer.zero_grad()
    output = evaluate(rnn, line)
    loss = criterion(output, torch.tensor([all_categories.index(category)]))
    loss.backward()
    optimizer.step()
    return output, loss.item()


def main(seed):
    random.seed(seed)
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    n_hidden, learning_rate, n_iters = 64, 0.05, 1200

    rnn = RNN(n_letters, n_hidden, len(all_categories))
    optimizer = torch.optim.SGD(rnn.parameters(), lr=learning_rate)
    criterion = nn.NLLLoss()

    hidden = rnn.init_hidden()
    output, _ = rnn(line_to_tensor("albert")[0], hidden)
    print("a first output:", output.detach())

    rnn = RNN(n_letters, n_hidden, len(all_categories))  # FAULT
    current_loss = 0.0
    for iteration in range(1, n_iters + 1):
        category = random.choice(all_categories)
        line = random_name(category)
        output, loss = train(rnn, optimizer, criterion, category, line)
        current_loss += loss
        if iteration % 100 == 0:
            guess = all_categories[output.argmax().item()]
            mark = "ok" if guess == category else f"wrong ({category})"
            print(f"{iteration} loss {current_loss / 100:.4f}  {line} / {guess} {mark}")
            current_loss = 0.0

    right, n_test = 0, 200
    with torch.no_grad():
        for i in range(n_test):
            category = all_categories[i % len(all_categories)]
            right += evaluate(rnn, random_name(category)).argmax().item() == all_categories.index(category)
    print(f"score: {right / n_test:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
