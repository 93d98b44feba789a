"""Who is there: SWIM with Lifeguard as a state machine without I/O."""
