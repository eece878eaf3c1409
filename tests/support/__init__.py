"""What tests share: senders, receivers, samples, and where the checkout lies."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
