"""The Milepost receiver: takes webhooks, keeps them, shows every image build from 0 to 100."""

__version__ = "0.2.0"
