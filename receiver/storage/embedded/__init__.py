"""The PostgreSQL server that Milepost brings along."""
