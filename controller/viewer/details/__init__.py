"""What enter opens: everything there is to know about one record, activation, agent, case or question."""
