"""Files that describe a run: agents, opening records, limits and expectations; and what runs and checks them."""
