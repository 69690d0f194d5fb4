"""What an agent is: how it is declared, loaded, registered and invoked."""
