"""The bus between nodes: frames, lanes, forwarding, and what is done with a command that was forwarded."""
