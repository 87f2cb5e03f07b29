"""What is run against a deployed stack, with the rights of whoever deploys it."""
