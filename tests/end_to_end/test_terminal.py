"""Training in a real terminal, interrupted as a person does it."""

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import gradus

SHOW_CURSOR = b"\x1b[?25h"


def read_until(terminal: int, words: bytes) -> bytes:
    """What a terminal shows up to and with `words`, or to the end."""
    shown = b""
    while words not in shown:
        try:
            shown += os.read(terminal, 4096)
        except OSError:  # the other end is closed
            break
    return shown


def test_ctrl_c_leaves_the_document_and_the_cursor(tmp_path: Path) -> None:
    terminal, other_end = pty.openpty()
    command = [sys.executable, "-m", "gradus", "train", "--json", "--run", "run", "--epochs", "500"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=other_end)
    os.close(other_end)
    shown = read_until(terminal, b"steps/s")
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=120)
    shown += read_until(terminal, b"--resume")
    os.close(terminal)
    assert process.returncode == 130
    document = json.loads(out)
    assert document["steps"] > 0
    assert "test_accuracy" not in document["metrics"]
    assert SHOW_CURSOR in shown
    assert b"interrupted at step" in shown
    assert gradus.load_run(tmp_path / "run").outcome == "interrupted"
