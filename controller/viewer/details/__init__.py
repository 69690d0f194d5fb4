"""What opens on a row: one record, activation, agent or case, in full."""
