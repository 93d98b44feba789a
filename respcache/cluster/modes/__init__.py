"""Whether this node may serve: majorities, leases, and splits that are noticed. Pure: time is handed in."""
