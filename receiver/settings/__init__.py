"""What settings are made of: their names, forms and files. receiver/config.py has them all."""
