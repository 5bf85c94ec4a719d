"""What a network is, costs and sees, before it runs."""
