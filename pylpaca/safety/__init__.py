"""What keeps the equipment safe when nobody looks: interlocks, what is done at the end, and when no client is there any more."""
