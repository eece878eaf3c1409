"""HTTP in and out: the only package that knows Flask, beside app.py and server/."""
